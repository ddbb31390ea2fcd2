// Parameters that inputs decide cannot be folded, nor carried.
//
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-fold-batch-norm -split-input-file -verify-diagnostics

bnc.variable batch_stats @mean : tensor<5xf32>
bnc.variable batch_stats @variance : tensor<5xf32>
bnc.graph model @conditional(%x: tensor<?x5xf32>, %scale: tensor<5xf32>) -> tensor<?x5xf32> {
  %mean = bnc.read @mean : tensor<5xf32>
  %variance = bnc.read @variance : tensor<5xf32>
  // expected-error @below {{has a scale that is computed from inputs of the graph; expected a variable}}
  %0 = bnc.batch_norm %x scale(%scale : tensor<5xf32>) mean(%mean : tensor<5xf32>) variance(%variance : tensor<5xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x5xf32>
  bnc.return %0 : tensor<?x5xf32>
}

// -----

// expected-error @below {{module has no bnc.graph of kind model}}
module {
}
