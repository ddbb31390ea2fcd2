// What phase `inference` may hold. Everything wrong is reported at once, one sentence per kind of op.
//
// RUN: bnc-opt %s --bnc-verify-inference -split-input-file -verify-diagnostics

module attributes {bnc.phase = "inference"} {
  bnc.variable params @w : tensor<3xf32>
  bnc.graph inference @fine(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
    %w = bnc.read @w : tensor<3xf32>
    %0 = bnc.fold_scale %w, %w {axis = 0 : i64} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf64>
    %1 = bnc.cast %0 : tensor<3xf64> to tensor<3xf32>
    %2 = bnc.affine %x, %1, %1 : (tensor<?x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
    bnc.return %2 : tensor<?x3xf32>
  }
}

// -----

module attributes {bnc.phase = "inference"} {
  bnc.variable batch_stats @m : tensor<3xf32>
  bnc.graph inference @wrong(%x: tensor<?x3xf32>, %z: tensor<3xf32>, %l: tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>) {
    %m = bnc.read @m : tensor<3xf32>
    // expected-error @below {{has no place in inference graph @wrong: bnc-fold-batch-norm folds it or makes it a bnc.affine}}
    %a = bnc.batch_norm %x mean(%m : tensor<3xf32>) variance(%m : tensor<3xf32>)
        {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x3xf32>
    // expected-error @below {{has no place in inference graph @wrong (the first of 2): it is the identity in inference; bnc-remove-dropout removes it}}
    %b = bnc.dropout %a {ratio = 0.5 : f64} : tensor<?x3xf32>
    %c = bnc.dropout %b {ratio = 0.5 : f64} : tensor<?x3xf32>
    // expected-error @below {{has no place in inference graph @wrong: inference folds batch normalization or carries it as bnc.affine}}
    %d = bnc.normalize %c mean(%m : tensor<3xf32>) variance(%m : tensor<3xf32>) {epsilon = 1.0e-3} : tensor<?x3xf32>
    // expected-error @below {{has no place in inference graph @wrong: it computes in f64 from inputs; f64 is for folding variables}}
    %e = bnc.fold_scale %z, %m {axis = 0 : i64} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf64>
    // expected-error @below {{has no place in inference graph @wrong: inference leaves variables as they are}}
    bnc.assign @m, %z : tensor<3xf32>
    // expected-error @below {{has no place in inference graph @wrong: it belongs to the training step}}
    %0, %1 = bnc.loss softmax_cross_entropy %d, %l : (tensor<?x3xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
    bnc.return %0, %1 : tensor<?xf32>, tensor<?xf32>
  }
}

// -----

// expected-error @below {{module has bnc.phase = nothing; expected "inference"}}
module {
  bnc.graph inference @net_infer(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
    bnc.return %x : tensor<?x3xf32>
  }
}

// -----

// expected-error @below {{module has no bnc.graph of kind inference}}
module attributes {bnc.phase = "inference"} {
}
