// RUN: bnc-opt %s --bnc-specialize=phase=training -split-input-file -verify-diagnostics

bnc.graph model @one(%x: tensor<2xf32>) -> tensor<2xf32> {
  bnc.return %x : tensor<2xf32>
}
// expected-error @below {{is the second model graph of the module; expected one}}
bnc.graph model @two(%x: tensor<2xf32>) -> tensor<2xf32> {
  bnc.return %x : tensor<2xf32>
}

// -----

// expected-error @below {{has the name @net_train that the training graph of @net gets; rename it}}
bnc.variable params @net_train : tensor<2xf32>
bnc.graph model @net(%x: tensor<2xf32>) -> tensor<2xf32> {
  bnc.return %x : tensor<2xf32>
}
