// Models whose batch normalization cannot be trained. All are reported, not the first one only.
//
// RUN: bnc-opt %s --bnc-specialize --bnc-expand-batch-norm -split-input-file -verify-diagnostics

bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @one_value(%x: tensor<1x3x1x1xf32>, %z: tensor<1x3xf32>) -> (tensor<1x3x1x1xf32>, tensor<1x3xf32>) {
  %m = bnc.read @mean : tensor<3xf32>
  %v = bnc.read @variance : tensor<3xf32>
  // expected-error @below {{has a single value per channel in 'tensor<1x3x1x1xf32>', which has no variance; training needs a larger batch, or freeze the op}}
  %0 = bnc.batch_norm %x mean(%m : tensor<3xf32>) variance(%v : tensor<3xf32>)
      {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<1x3x1x1xf32>
  // expected-error @below {{has a single value per channel in 'tensor<1x3xf32>'}}
  %1 = bnc.batch_norm %z mean(%m : tensor<3xf32>) variance(%v : tensor<3xf32>)
      {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<1x3xf32>
  bnc.return %0, %1 : tensor<1x3x1x1xf32>, tensor<1x3xf32>
}

// -----

bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @batch_norm_c5_constant(%x: tensor<?x3x2xf32>) -> tensor<?x3x2xf32> {
  %m = bnc.constant dense<0.0> : tensor<3xf32>
  %v = bnc.read @variance : tensor<3xf32>
  // expected-error @below {{has a mean that is no variable, so that training cannot move it; expected bnc.read of a variable in batch_stats, or freeze the op}}
  %0 = bnc.batch_norm %x mean(%m : tensor<3xf32>) variance(%v : tensor<3xf32>)
      {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x3x2xf32>
  bnc.return %0 : tensor<?x3x2xf32>
}

// -----

bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable params @variance : tensor<3xf32>
bnc.graph model @batch_norm_c5_collection(%x: tensor<?x3x2xf32>) -> tensor<?x3x2xf32> {
  %m = bnc.read @mean : tensor<3xf32>
  %v = bnc.read @variance : tensor<3xf32>
  // expected-error @below {{has @variance as its variance, which is in params; running statistics are in batch_stats}}
  %0 = bnc.batch_norm %x mean(%m : tensor<3xf32>) variance(%v : tensor<3xf32>)
      {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x3x2xf32>
  bnc.return %0 : tensor<?x3x2xf32>
}
