// RUN: bnc-opt %s --bnc-form-kernels -split-input-file -verify-diagnostics

// Kernels work on one sample after the other.
bnc.graph inference @mixed(%x: tensor<2x3xf32> {bnc.name = "x"}) -> (tensor<3x2xf32> {bnc.name = "y"}) {
  // expected-error @below {{has no kernel for this target}}
  %0 = bnc.transpose %x {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  bnc.return %0 : tensor<3x2xf32>
}

// -----

bnc.graph inference @whole(%x: tensor<?x3xf32> {bnc.name = "x"}) -> (tensor<?x3xi32> {bnc.name = "y"}) {
  // expected-error @below {{has no kernel for this target}}
  %0 = bnc.cast %x : tensor<?x3xf32> to tensor<?x3xi32>
  bnc.return %0 : tensor<?x3xi32>
}
