// What phase `training` may hold. Everything wrong is reported at once, one sentence per kind of op.
//
// RUN: bnc-opt %s --bnc-verify-training -split-input-file -verify-diagnostics

module attributes {bnc.phase = "training"} {
  bnc.variable params @w : tensor<3xf32>
  bnc.graph training @fine(%x: tensor<?x3xf32>, %l: tensor<?xi32> {bnc.name = "labels"}) -> (tensor<?xf32>, tensor<?xf32>) {
    %w = bnc.read @w : tensor<3xf32>
    bnc.assign @w, %w : tensor<3xf32>
    %0, %1 = bnc.loss softmax_cross_entropy %x, %l : (tensor<?x3xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
    bnc.return %0, %1 : tensor<?xf32>, tensor<?xf32>
  }
}

// -----

module attributes {bnc.phase = "training"} {
  bnc.variable params @w : tensor<3xf32> {trainable = false}
  bnc.variable batch_stats @m : tensor<3xf32>
  bnc.graph training @wrong(%x: tensor<?x3xf32>, %l: tensor<?xi32> {bnc.name = "labels"}) -> (tensor<?xf32>, tensor<?xf32>) {
    %w = bnc.read @w : tensor<3xf32>
    %m = bnc.read @m : tensor<3xf32>
    // expected-error @below {{has no place in training graph @wrong: bnc-expand-batch-norm writes it as statistics, normalization and update}}
    %a = bnc.batch_norm %x mean(%m : tensor<3xf32>) variance(%m : tensor<3xf32>)
        {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x3xf32>
    // expected-error @below {{has no place in training graph @wrong (the first of 2): bnc-expand-dropout writes it as keys and their application}}
    %b = bnc.dropout %a {ratio = 0.5 : f64} : tensor<?x3xf32>
    %c = bnc.dropout %b {ratio = 0.5 : f64} : tensor<?x3xf32>
    // expected-error @below {{has no place in training graph @wrong: weights fold in inference only}}
    %d = bnc.fold_scale %w, %m {axis = 0 : i64} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf64>
    // expected-error @below {{moves @w, which is not trainable}}
    bnc.assign @w, %w : tensor<3xf32>
    %0, %1 = bnc.loss softmax_cross_entropy %c, %l : (tensor<?x3xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
    bnc.return %0, %1 : tensor<?xf32>, tensor<?xf32>
  }
}

// -----

module attributes {bnc.phase = "training"} {
  // expected-error @below {{has no labels; its last input is called 'labels'}}
  bnc.graph training @no_labels(%x: tensor<?x3xf32> {bnc.name = "x"}) -> tensor<?x3xf32> {
    bnc.return %x : tensor<?x3xf32>
  }
}

// -----

module attributes {bnc.phase = "training"} {
  // expected-error @below {{does not return the losses and correctness flags of a bnc.loss, and these only}}
  bnc.graph training @no_loss(%x: tensor<?x3xf32>, %l: tensor<?xi32> {bnc.name = "labels"}) -> tensor<?x3xf32> {
    bnc.return %x : tensor<?x3xf32>
  }
}

// -----

module attributes {bnc.phase = "training"} {
  // expected-error @below {{is still a model graph; phase training has none}}
  bnc.graph model @net(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
    bnc.return %x : tensor<?x3xf32>
  }
  bnc.graph training @net_train(%x: tensor<?x3xf32>, %l: tensor<?xi32> {bnc.name = "labels"}) -> (tensor<?xf32>, tensor<?xf32>) {
    %0, %1 = bnc.loss softmax_cross_entropy %x, %l : (tensor<?x3xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
    bnc.return %0, %1 : tensor<?xf32>, tensor<?xf32>
  }
}

// -----

// expected-error @below {{module has bnc.phase = "import"; expected "training"}}
module attributes {bnc.phase = "import"} {
  bnc.graph training @net_train(%x: tensor<?x3xf32>, %l: tensor<?xi32> {bnc.name = "labels"}) -> (tensor<?xf32>, tensor<?xf32>) {
    %0, %1 = bnc.loss softmax_cross_entropy %x, %l : (tensor<?x3xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
    bnc.return %0, %1 : tensor<?xf32>, tensor<?xf32>
  }
}
