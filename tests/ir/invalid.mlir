// Every sentence of the dialect's verifiers and of its type inference, with its numbers.
//
// RUN: bnc-opt %s -split-input-file -verify-diagnostics

//===-- Graphs and variables ----------------------------------------===//

// expected-error @below {{expected the kind of the graph: model, training or inference}}
bnc.graph network @net() {
  bnc.return
}

// -----

// expected-error @below {{'bnc.graph' op has 'f32' in its signature; inputs and outputs are ranked tensors}}
bnc.graph model @net(%x: f32) {
  bnc.return
}

// -----

// expected-error @below {{'bnc.variable' op has type 'tensor<?x3xf32>'; a variable's shape is static}}
bnc.variable params @w : tensor<?x3xf32>

// -----

bnc.graph model @net(%x: tensor<2xf32>) {
  // expected-error @below {{'bnc.read' op refers to @w, which is no bnc.variable of the module}}
  %0 = bnc.read @w : tensor<2xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<2xf32>) {
  // expected-error @below {{'bnc.assign' op refers to @w, which is no bnc.variable of the module}}
  bnc.assign @w, %x : tensor<2xf32>
  bnc.return
}

// -----

//===-- Arithmetic and normalization --------------------------------===//

bnc.graph model @net(%x: tensor<2x3xf32>, %y: tensor<4xf32>) {
  // expected-error @below {{'bnc.add' op operands (2, 3) and (4) do not broadcast: aligned at the last dimension, sizes must be equal or 1}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.add %x, %y : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x3xf32>, %y: tensor<4x3xf32>) {
  // expected-error @below {{'bnc.mul' op operands (?, 3) and (4, 3) do not broadcast: aligned at the last dimension, sizes must be equal or 1}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.mul %x, %y : (tensor<?x3xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<2xf32>, %y: tensor<2xf64>) {
  // expected-error @below {{'bnc.sub' op operands are 'tensor<2xf32>' and 'tensor<2xf64>'; element types must agree}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.sub %x, %y : (tensor<2xf32>, tensor<2xf64>) -> tensor<2xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x3xf32>) {
  // expected-error @below {{'bnc.relu' op inferred type(s) 'tensor<?x3xf32>' are incompatible with return type(s) of operation 'tensor<2x3xf32>'}}
  // expected-error @below {{failed to infer returned types}}
  %0 = "bnc.relu"(%x) : (tensor<?x3xf32>) -> tensor<2x3xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<2x3xf32>, %s: tensor<4xf32>) {
  // expected-error @below {{'bnc.affine' op slope has 4 values, but dimension 1 of the input (2, 3) has size 3}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.affine %x, %s, %s : (tensor<2x3xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x3xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<2x3xf32>, %s: tensor<3xf32>, %i: tensor<2xf32>) {
  // expected-error @below {{'bnc.affine' op intercept has 2 values, but dimension 1 of the input (2, 3) has size 3}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.affine %x, %s, %i : (tensor<2x3xf32>, tensor<3xf32>, tensor<2xf32>) -> tensor<2x3xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<2x3xf32>, %s: tensor<3xf32>) {
  // expected-error @below {{'bnc.affine' op has feature_index = 2, but the input has rank 2}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.affine %x, %s, %s {feature_index = 2} : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<2x3xf32>) {
  // expected-error @below {{'bnc.dropout' op has ratio = 1.000000e+00; expected a number in [0, 1)}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.dropout %x {ratio = 1.0} : tensor<2x3xf32>
  bnc.return
}

// -----

// batch_norm C1
bnc.graph model @net(%x: tensor<2x6xf32>, %m: tensor<6xf32>, %v: tensor<6xf32>) {
  // expected-error @below {{'bnc.batch_norm' op has feature_index = -1, but the input has rank 2}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.batch_norm %x mean(%m : tensor<6xf32>) variance(%v : tensor<6xf32>) {feature_index = -1, epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<2x6xf32>
  bnc.return
}

// -----

// batch_norm C2
bnc.graph model @net(%x: tensor<2x4xf32>, %m: tensor<6xf32>, %v: tensor<6xf32>) {
  // expected-error @below {{'bnc.batch_norm' op mean has 6 values, but dimension 1 of the input (2, 4) has size 4}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.batch_norm %x mean(%m : tensor<6xf32>) variance(%v : tensor<6xf32>) {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<2x4xf32>
  bnc.return
}

// -----

// batch_norm C2
bnc.graph model @net(%x: tensor<2x6xf32>, %m: tensor<6xf32>, %v: tensor<6xf32>, %s: tensor<5xf32>) {
  // expected-error @below {{'bnc.batch_norm' op scale has 5 values, but dimension 1 of the input (2, 6) has size 6}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.batch_norm %x scale(%s : tensor<5xf32>) mean(%m : tensor<6xf32>) variance(%v : tensor<6xf32>) {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<2x6xf32>
  bnc.return
}

// -----

// batch_norm C2
bnc.graph model @net(%x: tensor<2x6xf32>, %m: tensor<6xf32>, %v: tensor<6xf32>, %s: tensor<5xf32>) {
  // expected-error @below {{'bnc.batch_norm' op offset has 5 values, but dimension 1 of the input (2, 6) has size 6}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.batch_norm %x offset(%s : tensor<5xf32>) mean(%m : tensor<6xf32>) variance(%v : tensor<6xf32>) {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<2x6xf32>
  bnc.return
}

// -----

// batch_norm C2
bnc.graph model @net(%x: tensor<2x6xf32>, %m: tensor<6xf32>, %v: tensor<5xf32>) {
  // expected-error @below {{'bnc.batch_norm' op variance has 5 values, but dimension 1 of the input (2, 6) has size 6}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.batch_norm %x mean(%m : tensor<6xf32>) variance(%v : tensor<5xf32>) {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<2x6xf32>
  bnc.return
}

// -----

// batch_norm C3
bnc.graph model @net(%x: tensor<2x6xf32>, %m: tensor<6xf32>, %v: tensor<6xf32>) {
  // expected-error @below {{'bnc.batch_norm' op has epsilon = -1.000000e+00; expected a finite number >= 0}}
  %0 = bnc.batch_norm %x mean(%m : tensor<6xf32>) variance(%v : tensor<6xf32>) {epsilon = -1.0, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<2x6xf32>
  bnc.return
}

// -----

// batch_norm C3
bnc.graph model @net(%x: tensor<2x6xf32>, %m: tensor<6xf32>, %v: tensor<6xf32>) {
  // expected-error @below {{'bnc.batch_norm' op has epsilon = INF; expected a finite number >= 0}}
  %0 = bnc.batch_norm %x mean(%m : tensor<6xf32>) variance(%v : tensor<6xf32>) {epsilon = 0x7FF0000000000000 : f64, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<2x6xf32>
  bnc.return
}

// -----

// batch_norm C4
bnc.graph model @net(%x: tensor<2x6xf32>, %m: tensor<6xf32>, %v: tensor<6xf32>) {
  // expected-error @below {{'bnc.batch_norm' op has decay = 1.500000e+00; expected a number in [0, 1]}}
  %0 = bnc.batch_norm %x mean(%m : tensor<6xf32>) variance(%v : tensor<6xf32>) {epsilon = 1.0e-5, decay = 1.5, running_variance = #bnc<running_variance sample>} : tensor<2x6xf32>
  bnc.return
}

// -----

// batch_norm C6
bnc.graph model @net(%x: tensor<2x6xf32>, %m: tensor<6xf32>, %v: tensor<6xf32>) {
  // expected-error @below {{'bnc.batch_norm' op is cumulative but has no count of the steps taken}}
  %0 = bnc.batch_norm %x mean(%m : tensor<6xf32>) variance(%v : tensor<6xf32>) {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance sample>, cumulative} : tensor<2x6xf32>
  bnc.return
}

// -----

// batch_norm C6
bnc.graph model @net(%x: tensor<2x6xf32>, %m: tensor<6xf32>, %v: tensor<6xf32>, %n: tensor<f32>) {
  // expected-error @below {{'bnc.batch_norm' op is both cumulative and frozen; frozen statistics do not move}}
  %0 = bnc.batch_norm %x mean(%m : tensor<6xf32>) variance(%v : tensor<6xf32>) count(%n : tensor<f32>) {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance sample>, cumulative, frozen} : tensor<2x6xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<2x6xf32>, %m: tensor<6xf32>, %v: tensor<6xf32>) {
  // expected-error @below {{'bnc.batch_norm' op has statistics_group = "world"; only "replica" exists: each replica uses its own statistics}}
  %0 = bnc.batch_norm %x mean(%m : tensor<6xf32>) variance(%v : tensor<6xf32>) {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance sample>, statistics_group = "world"} : tensor<2x6xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<2x6xf32>) {
  // expected-error @below {{'bnc.batch_stats' op has feature_index = 2, but the input has rank 2}}
  // expected-error @below {{failed to infer returned types}}
  %0:3 = bnc.batch_stats %x {feature_index = 2} : (tensor<2x6xf32>) -> (tensor<6xf32>, tensor<6xf32>, tensor<i64>)
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<2x4xf32>, %m: tensor<6xf32>, %v: tensor<6xf32>) {
  // expected-error @below {{'bnc.normalize' op mean has 6 values, but dimension 1 of the input (2, 4) has size 4}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.normalize %x mean(%m : tensor<6xf32>) variance(%v : tensor<6xf32>) {epsilon = 1.0e-5} : tensor<2x4xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<2x4xf32>, %m: tensor<6xf32>) {
  // expected-error @below {{'bnc.gradient_sums' op mean has 6 values, but dimension 1 of the input (2, 4) has size 4}}
  // expected-error @below {{failed to infer returned types}}
  %0:2 = bnc.gradient_sums %x, %x, %m : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>)
  bnc.return
}

// -----

bnc.graph model @net(%m: tensor<6xf32>, %n: tensor<i64>) {
  // expected-error @below {{'bnc.update_running' op needs `steps` exactly when it is cumulative}}
  // expected-error @below {{failed to infer returned types}}
  %0:2 = bnc.update_running %m, %m batch(%m, %m, %n) {decay = 0.9, running_variance = #bnc<running_variance sample>, cumulative} : (tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<i64>) -> (tensor<6xf32>, tensor<6xf32>)
  bnc.return
}

// -----

//===-- Convolution, dense, pools -----------------------------------===//

bnc.graph model @net(%x: tensor<?x4xf32>, %w: tensor<6x4xf32>) {
  // expected-error @below {{'bnc.conv' op input (?, 4) has rank 2; expected (N, C, spatial...) with 1 to 3 spatial dimensions}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv %x, %w {strides = array<i64>, pads = array<i64>, dilations = array<i64>} : (tensor<?x4xf32>, tensor<6x4xf32>) -> tensor<?x6xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4x9x9xf32>, %w: tensor<6x4x3xf32>) {
  // expected-error @below {{'bnc.conv' op weight (6, 4, 3) does not have the rank of the input (?, 4, 9, 9)}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x4x9x9xf32>, tensor<6x4x3xf32>) -> tensor<?x6x7x7xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4x9x9xf32>, %w: tensor<6x1x3x3xf32>) {
  // expected-error @below {{'bnc.conv' op has groups = 4, which does not divide the 6 output channels}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 4} : (tensor<?x4x9x9xf32>, tensor<6x1x3x3xf32>) -> tensor<?x6x7x7xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4x9x9xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'bnc.conv' op has groups = 0, which does not divide the 6 output channels}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 0} : (tensor<?x4x9x9xf32>, tensor<6x4x3x3xf32>) -> tensor<?x6x7x7xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4x9x9xf32>, %w: tensor<6x4x3x3xf32>, %b: tensor<4xf32>) {
  // expected-error @below {{'bnc.conv' op bias has 4 values for 6 output channels}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x4x9x9xf32>, tensor<6x4x3x3xf32>, tensor<4xf32>) -> tensor<?x6x7x7xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4x9x9xf32>, %w: tensor<6x3x3x3xf32>) {
  // expected-error @below {{'bnc.conv' op input has 4 channels, but the weight (6, 3, 3, 3) with groups = 2 takes 6}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2} : (tensor<?x4x9x9xf32>, tensor<6x3x3x3xf32>) -> tensor<?x6x7x7xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4x9x9xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'bnc.conv' op has 2 kernel sizes, 1 strides, 2 dilations and 4 pads; 2 spatial dimensions need 2, 2, 2 and 4}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x4x9x9xf32>, tensor<6x4x3x3xf32>) -> tensor<?x6x7x7xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4x9x9xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'bnc.conv' op has kernel 3, stride 0 and dilation 1 in spatial dimension 1; each must be at least 1}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv %x, %w {strides = array<i64: 1, 0>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x4x9x9xf32>, tensor<6x4x3x3xf32>) -> tensor<?x6x7x7xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4x9x9xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'bnc.conv' op has negative pads in spatial dimension 0; slice the input instead}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, -1, 0>, dilations = array<i64: 1, 1>} : (tensor<?x4x9x9xf32>, tensor<6x4x3x3xf32>) -> tensor<?x6x7x7xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<2x4x?x9xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'bnc.conv' op input has unknown size in spatial dimension 0; only the batch may be unknown}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<2x4x?x9xf32>, tensor<6x4x3x3xf32>) -> tensor<2x6x7x7xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4x9x2xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'bnc.conv' op window covers 3 elements in spatial dimension 1, but the padded input has only 2}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x4x9x2xf32>, tensor<6x4x3x3xf32>) -> tensor<?x6x7x7xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4x9x9xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{'bnc.conv_transpose' op input has 4 channels, but the weight (6, 4, 3, 3) takes 6}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv_transpose %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>} : (tensor<?x4x9x9xf32>, tensor<6x4x3x3xf32>) -> tensor<?x4x11x11xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4x9x9xf32>, %w: tensor<4x6x3x3xf32>) {
  // expected-error @below {{'bnc.conv_transpose' op has 1 output_padding values for 2 spatial dimensions}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv_transpose %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0>} : (tensor<?x4x9x9xf32>, tensor<4x6x3x3xf32>) -> tensor<?x6x11x11xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4x1x1xf32>, %w: tensor<4x6x3x3xf32>) {
  // expected-error @below {{'bnc.conv_transpose' op result would have size -1 in spatial dimension 0}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv_transpose %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 2, 0, 2, 0>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>} : (tensor<?x4x1x1xf32>, tensor<4x6x3x3xf32>) -> tensor<?x6x1x3xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<4xf32>, %w: tensor<3x4xf32>) {
  // expected-error @below {{'bnc.dense' op has input (4) and weight (3, 4); expected an input of rank 2 or more and a weight of rank 2}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.dense %x, %w : (tensor<4xf32>, tensor<3x4xf32>) -> tensor<3xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x5xf32>, %w: tensor<3x4xf32>) {
  // expected-error @below {{'bnc.dense' op input (?, 5) has 5 features, but the weight (3, 4) takes 4}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.dense %x, %w : (tensor<?x5xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x5xf32>, %w: tensor<3x4xf32>) {
  // expected-error @below {{'bnc.dense' op input (?, 5) has 5 features, but the weight (3, 4) (transposed) takes 3}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.dense %x, %w {transposed} : (tensor<?x5xf32>, tensor<3x4xf32>) -> tensor<?x4xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4xf32>, %w: tensor<3x4xf32>, %b: tensor<4xf32>) {
  // expected-error @below {{'bnc.dense' op bias has 4 values for 3 outputs}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.dense %x, %w, %b : (tensor<?x4xf32>, tensor<3x4xf32>, tensor<4xf32>) -> tensor<?x3xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4xf32>) {
  // expected-error @below {{'bnc.max_pool' op input (?, 4) has no spatial dimensions; expected (N, C, spatial...)}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.max_pool %x {kernel = array<i64>, strides = array<i64>, pads = array<i64>, dilations = array<i64>} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4x9x9xf32>) {
  // expected-error @below {{'bnc.avg_pool' op has a pad in spatial dimension 1 that is not smaller than the window (2): a window could hold padding only}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.avg_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 2>, dilations = array<i64: 1, 1>} : (tensor<?x4x9x9xf32>) -> tensor<?x4x8x10xf32>
  bnc.return
}

// -----

bnc.graph model @net(%g: tensor<?x6x7x7xf32>, %w: tensor<5x4x3x3xf32>) {
  // expected-error @below {{'bnc.conv_input_gradient' op has a gradient of type 'tensor<?x6x7x7xf32>', expected 'tensor<?x5x7x7xf32>'}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv_input_gradient %g, %w {input_shape = array<i64: 9, 9>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x6x7x7xf32>, tensor<5x4x3x3xf32>) -> tensor<?x4x9x9xf32>
  bnc.return
}

// -----

bnc.graph model @net(%g: tensor<?x6x7xf32>, %x: tensor<?x4x9x9xf32>) {
  // expected-error @below {{'bnc.conv_weight_gradient' op gradient (?, 6, 7) does not fit the input (?, 4, 9, 9)}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv_weight_gradient %g, %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x6x7xf32>, tensor<?x4x9x9xf32>) -> tensor<6x4x3x3xf32>
  bnc.return
}

// -----

//===-- Reductions and shape ----------------------------------------===//

bnc.graph model @net(%x: tensor<?x4xf32>) {
  // expected-error @below {{'bnc.reduce_sum' op has axes (1, 1); expected different dimensions of the input (?, 4)}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.reduce_sum %x {axes = array<i64: 1, 1>} : (tensor<?x4xf32>) -> tensor<?xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4xf32>) {
  // expected-error @below {{'bnc.reduce_mean' op has axes (2); expected different dimensions of the input (?, 4)}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.reduce_mean %x {axes = array<i64: 2>} : (tensor<?x4xf32>) -> tensor<?xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4xf32>) {
  // expected-error @below {{'bnc.softmax' op has axis = 2, but the input has rank 2}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.softmax %x {axis = 2} : tensor<?x4xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4xf32>) {
  // expected-error @below {{'bnc.log_softmax' op has axis = -1, but the input has rank 2}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.log_softmax %x {axis = -1} : tensor<?x4xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<2x4xf32>) {
  // expected-error @below {{'bnc.cast' op changes the shape from 'tensor<2x4xf32>' to 'tensor<2x5xf64>'}}
  %0 = bnc.cast %x : tensor<2x4xf32> to tensor<2x5xf64>
  bnc.return
}

// -----

bnc.graph model @net() {
  // expected-error @below {{'bnc.concat' op has no inputs}}
  // expected-error @below {{failed to infer returned types}}
  %0 = "bnc.concat"() {axis = 0 : i64} : () -> tensor<2xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4xf32>) {
  // expected-error @below {{'bnc.concat' op has axis = 2, but the inputs have rank 2}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.concat %x, %x {axis = 2} : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x8xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4xf32>, %y: tensor<?x3x4xf32>) {
  // expected-error @below {{'bnc.concat' op inputs (?, 4) and (?, 3, 4) differ outside axis 1}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.concat %x, %y {axis = 1} : (tensor<?x4xf32>, tensor<?x3x4xf32>) -> tensor<?x8xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4xf32>) {
  // expected-error @below {{'bnc.pad' op has 1 low and 2 high values for an input of rank 2}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.pad %x {low = array<i64: 0>, high = array<i64: 0, 1>, value = 0.0} : (tensor<?x4xf32>) -> tensor<?x5xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4xf32>) {
  // expected-error @below {{'bnc.pad' op pads by 0 and 1; expected sizes >= 0, and none in the batch dimension}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.pad %x {low = array<i64: 0, 0>, high = array<i64: 1, 0>, value = 0.0} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4xf32>) {
  // expected-error @below {{'bnc.pad' op pads by -1 and 0; expected sizes >= 0, and none in the batch dimension}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.pad %x {low = array<i64: 0, -1>, high = array<i64: 0, 0>, value = 0.0} : (tensor<?x4xf32>) -> tensor<?x3xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4xf32>) {
  // expected-error @below {{'bnc.reshape' op from (?, 4) to (?, 3) does not keep the number of elements of a sample}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.reshape %x {shape = array<i64: -1, 3>} : (tensor<?x4xf32>) -> tensor<?x3xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4xf32>) {
  // expected-error @below {{'bnc.reshape' op from (?, 4) to (4) does not keep the number of elements of a sample}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.reshape %x {shape = array<i64: 4>} : (tensor<?x4xf32>) -> tensor<4xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4xf32>) {
  // expected-error @below {{'bnc.slice' op has 1 starts, 2 sizes and 2 steps for an input of rank 2}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.slice %x {starts = array<i64: 0>, sizes = array<i64: -1, 2>, steps = array<i64: 1, 1>} : (tensor<?x4xf32>) -> tensor<?x2xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4xf32>) {
  // expected-error @below {{'bnc.slice' op takes 2 elements from 1 in steps of 3 of dimension 1, whose size is 4}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.slice %x {starts = array<i64: 0, 1>, sizes = array<i64: -1, 2>, steps = array<i64: 1, 3>} : (tensor<?x4xf32>) -> tensor<?x2xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4xf32>) {
  // expected-error @below {{'bnc.slice' op takes 2 elements from 0 in steps of 1 of dimension 0, whose size is the batch's}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.slice %x {starts = array<i64: 0, 0>, sizes = array<i64: 2, 4>, steps = array<i64: 1, 1>} : (tensor<?x4xf32>) -> tensor<2x4xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x4xf32>) {
  // expected-error @below {{'bnc.transpose' op has permutation (0, 0) for an input of rank 2}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.transpose %x {permutation = array<i64: 0, 0>} : (tensor<?x4xf32>) -> tensor<?x?xf32>
  bnc.return
}

// -----

//===-- Loss and folding --------------------------------------------===//

bnc.graph model @net(%y: tensor<?x4x2xf32>, %l: tensor<?xi32>) {
  // expected-error @below {{'bnc.loss' op needs an output (N, classes), found (?, 4, 2)}}
  // expected-error @below {{failed to infer returned types}}
  %0:2 = bnc.loss softmax_cross_entropy %y, %l : (tensor<?x4x2xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  bnc.return
}

// -----

bnc.graph model @net(%y: tensor<?x4xf32>, %l: tensor<?xi64>) {
  // expected-error @below {{'bnc.loss' op needs labels (N) of i32 class ids, found 'tensor<?xi64>'}}
  // expected-error @below {{failed to infer returned types}}
  %0:2 = bnc.loss softmax_cross_entropy %y, %l : (tensor<?x4xf32>, tensor<?xi64>) -> (tensor<?xf32>, tensor<?xf32>)
  bnc.return
}

// -----

bnc.graph model @net(%y: tensor<?x4xf32>, %l: tensor<?x3xf32>) {
  // expected-error @below {{'bnc.loss_gradient' op needs labels of the output's type 'tensor<?x4xf32>', found 'tensor<?x3xf32>'}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.loss_gradient mse %y, %l : (tensor<?x4xf32>, tensor<?x3xf32>) -> tensor<?x4xf32>
  bnc.return
}

// -----

bnc.graph model @net(%w: tensor<6x2xf32>, %f: tensor<3xf64>) {
  // expected-error @below {{'bnc.fold_scale' op scales dimension 1 of (6, 2) in 1 groups by 3 factors}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.fold_scale %w, %f {axis = 1} : (tensor<6x2xf32>, tensor<3xf64>) -> tensor<6x2xf64>
  bnc.return
}

// -----

bnc.graph model @net(%w: tensor<5x2xf32>, %f: tensor<4xf64>) {
  // expected-error @below {{'bnc.fold_scale' op has groups = 2 along axis 1 of (5, 2); groups divide dimension 0 and need another axis}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.fold_scale %w, %f {axis = 1, groups = 2} : (tensor<5x2xf32>, tensor<4xf64>) -> tensor<5x2xf64>
  bnc.return
}

// -----

bnc.graph model @net(%w: tensor<6x2xf32>, %f: tensor<3xf64>) {
  // expected-error @below {{'bnc.fold_shift' op adds 3 shifts to the input of the weight (6, 2) with groups = 1}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.fold_shift %w, %f : (tensor<6x2xf32>, tensor<3xf64>) -> tensor<6xf64>
  bnc.return
}

// -----

bnc.graph model @net(%w: tensor<5x2xf32>, %f: tensor<4xf64>) {
  // expected-error @below {{'bnc.fold_shift' op has groups = 2 for the weight (5, 2); groups divide the outputs of a weight that is not transposed}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.fold_shift %w, %f {groups = 2} : (tensor<5x2xf32>, tensor<4xf64>) -> tensor<5xf64>
  bnc.return
}

// -----

bnc.graph model @net(%w: tensor<6x2x3xf32>, %f: tensor<3xf64>) {
  // expected-error @below {{'bnc.fold_border_shift' op input has 3 channels, but the weight (6, 2, 3) with groups = 1 takes 2}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.fold_border_shift %w, %f {image = array<i64: 4>, strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>}
      : (tensor<6x2x3xf32>, tensor<3xf64>) -> tensor<6x3xf64>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x6x4xf32>, %b: tensor<6x2xf32>) {
  // expected-error @below {{'bnc.add_border_bias' op adds a bias (6, 2) to (?, 6, 4) with low = (1) and high = (1); expected one value per channel and place of each spatial dimension}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.add_border_bias %x, %b {low = array<i64: 1>, high = array<i64: 1>} : (tensor<?x6x4xf32>, tensor<6x2xf32>) -> tensor<?x6x4xf32>
  bnc.return
}

// -----

//===-- Cases of more than one op ----------------------------------------------===//

bnc.variable params @w : tensor<2xf32> // expected-note {{declared here}}
bnc.graph model @net() {
  // expected-error @below {{'bnc.read' op has type 'tensor<3xf32>', but @w is 'tensor<2xf32>'}}
  %0 = bnc.read @w : tensor<3xf32>
  bnc.return
}

// -----

bnc.variable batch_stats @m : tensor<2xf32>
bnc.graph model @net(%x: tensor<2xf32>) {
  bnc.assign @m, %x : tensor<2xf32>
  // expected-error @below {{'bnc.assign' op is the second one to @m; a variable has one value after a step}}
  bnc.assign @m, %x : tensor<2xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<2xf32>) -> (tensor<2xf32>) {
  // expected-error @below {{'bnc.return' op has 2 values, but @net returns 1}}
  bnc.return %x, %x : tensor<2xf32>, tensor<2xf32>
}

// -----

bnc.graph model @net(%x: tensor<2xf32>) -> (tensor<3xf32>) {
  // expected-error @below {{'bnc.return' op value #0 is 'tensor<2xf32>', but @net returns 'tensor<3xf32>'}}
  bnc.return %x : tensor<2xf32>
}

// -----

// An unknown size fits a known one.
bnc.graph model @net(%x: tensor<?xf32>) -> (tensor<3xf32>) {
  bnc.return %x : tensor<?xf32>
}

// -----

//===-- Kernels ------------------------------------------------------------------===//

bnc.graph training @net(%x: tensor<2xf32>) {
  // expected-error @below {{expected the grid of the kernel: rows or images}}
  %0 = bnc.kernel columns(1) (%a = %x) {chains = 0 : i64} : (tensor<2xf32>) -> tensor<2xf32> {
    bnc.yield %a : tensor<2xf32>
  }
  bnc.return
}

// -----

bnc.graph training @net(%x: tensor<2xf32>) {
  // expected-error @below {{'bnc.kernel' op has block arguments whose types differ from its inputs'}}
  %0 = "bnc.kernel"(%x) <{grid = #bnc<grid rows>, rows = 1 : i64, chains = 0 : i64}> ({
  ^bb0(%a: tensor<3xf32>):
    bnc.yield %a : tensor<3xf32>
  }) : (tensor<2xf32>) -> tensor<3xf32>
  bnc.return
}

// -----

bnc.graph training @net(%x: tensor<2xf32>) {
  // expected-error @below {{'bnc.kernel' op does not end in bnc.yield}}
  bnc.kernel rows(1) (%a = %x) {chains = 0 : i64} : (tensor<2xf32>) -> () {
    %0 = bnc.relu %a : tensor<2xf32>
  }
  bnc.return
}

// -----

bnc.graph training @net(%x: tensor<2xf32>) {
  // expected-error @below {{'bnc.kernel' op yields values whose types differ from its results'}}
  %0 = bnc.kernel rows(1) (%a = %x) {chains = 0 : i64} : (tensor<2xf32>) -> tensor<3xf32> {
    bnc.yield %a : tensor<2xf32>
  }
  bnc.return
}

// -----

bnc.graph training @net(%x: tensor<2xf32>) {
  // expected-error @below {{'bnc.kernel' op has 0 rows or images a task; expected at least 1}}
  %0 = bnc.kernel images(0) (%a = %x) {chains = 0 : i64} : (tensor<2xf32>) -> tensor<2xf32> {
    bnc.yield %a : tensor<2xf32>
  }
  bnc.return
}

// -----

bnc.graph training @net(%x: tensor<2xf32>) {
  // expected-error @below {{'bnc.kernel' op has 0 blocks of channels; expected at least 1}}
  %0 = bnc.kernel rows(1) (%a = %x) {blocks = 0 : i64, chains = 0 : i64} : (tensor<2xf32>) -> tensor<2xf32> {
    bnc.yield %a : tensor<2xf32>
  }
  bnc.return
}

// -----

bnc.graph training @net(%x: tensor<?x2xf32>) {
  // expected-error @below {{'bnc.kernel' op cannot compute its channels in 2 blocks: they depend on each other}}
  %0 = bnc.kernel rows(1) (%a = %x) {blocks = 2 : i64, chains = 0 : i64} : (tensor<?x2xf32>) -> tensor<?x2xf32> {
    %y = bnc.softmax %a {axis = 1} : tensor<?x2xf32>
    bnc.yield %y : tensor<?x2xf32>
  }
  bnc.return
}

// -----

bnc.graph training @net(%x: tensor<?x4x6x6xf32>, %w: tensor<3x1x1x4x8xf32>) {
  // expected-error @below {{'bnc.kernel' op has weights that 2 blocks of channels do not divide}}
  %0 = bnc.kernel rows(6) (%a = %x, %b = %w) {blocks = 2 : i64, chains = 0 : i64} : (tensor<?x4x6x6xf32>, tensor<3x1x1x4x8xf32>) -> tensor<?x24x6x6xf32> {
    %y = bnc.packed_conv %a, %b {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x4x6x6xf32>, tensor<3x1x1x4x8xf32>) -> tensor<?x24x6x6xf32>
    bnc.yield %y : tensor<?x24x6x6xf32>
  }
  bnc.return
}

// -----

bnc.graph training @net(%x: tensor<2xf32>) {
  // expected-error @below {{'bnc.kernel' op has 2 storages for 1 results}}
  %0 = bnc.kernel rows(1) (%a = %x) {chains = 0 : i64, storage = [#bnc.storage<fixed, 0, 0>, #bnc.storage<fixed, 8, 0>]} : (tensor<2xf32>) -> tensor<2xf32> {
    bnc.yield %a : tensor<2xf32>
  }
  bnc.return
}

// -----

bnc.graph model @net(%g: tensor<?x6x7x7xf32>, %x: tensor<?x4x9x9xf32>) {
  // expected-error @below {{'bnc.conv_weight_gradient' op has groups = 0, which does not divide the 4 input channels}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv_weight_gradient %g, %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 0 : i64} : (tensor<?x6x7x7xf32>, tensor<?x4x9x9xf32>) -> tensor<6x4x3x3xf32>
  bnc.return
}

// -----

bnc.graph model @net(%g: tensor<?x6x8x7xf32>, %x: tensor<?x4x9x9xf32>) {
  // expected-error @below {{'bnc.conv_weight_gradient' op has a gradient of type 'tensor<?x6x8x7xf32>', expected 'tensor<?x6x7x7xf32>'}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv_weight_gradient %g, %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x6x8x7xf32>, tensor<?x4x9x9xf32>) -> tensor<6x4x3x3xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<?x2x4x4xf32>, %w: tensor<2x3x3x3xf32>) {
  // expected-error @below {{'bnc.conv_transpose' op has output_padding -1 in spatial dimension 0; expected at least 0 and less than the stride or the dilation}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.conv_transpose %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, output_padding = array<i64: -1, 0>} : (tensor<?x2x4x4xf32>, tensor<2x3x3x3xf32>) -> tensor<?x3x8x9xf32>
  bnc.return
}

// -----

bnc.graph model @net(%g: tensor<?x4x5x5xf32>) {
  // expected-error @below {{'bnc.avg_pool_gradient' op has a gradient of type 'tensor<?x4x5x5xf32>', expected 'tensor<?x4x7x7xf32>'}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.avg_pool_gradient %g {input_shape = array<i64: 9, 9>, kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x4x5x5xf32>) -> tensor<?x4x9x9xf32>
  bnc.return
}

// -----

bnc.graph model @net(%g: tensor<?x4x5x5xf32>) {
  // expected-error @below {{'bnc.avg_pool_gradient' op gradient (?, 4, 5, 5) does not fit input_shape (9)}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.avg_pool_gradient %g {input_shape = array<i64: 9>, kernel = array<i64: 3>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>} : (tensor<?x4x5x5xf32>) -> tensor<?x4x9xf32>
  bnc.return
}

// -----

bnc.graph model @net(%g: tensor<?x4x5x5xf32>, %x: tensor<?x4x9x9xf32>) {
  // expected-error @below {{'bnc.max_pool_gradient' op has a gradient of type 'tensor<?x4x5x5xf32>', expected 'tensor<?x4x7x7xf32>'}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.max_pool_gradient %g, %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x4x5x5xf32>, tensor<?x4x9x9xf32>) -> tensor<?x4x9x9xf32>
  bnc.return
}

// -----

bnc.graph model @net(%g: tensor<?x4xf32>, %x: tensor<?x5xf32>) {
  // expected-error @below {{'bnc.activation_gradient' op has a gradient of type 'tensor<?x4xf32>', expected 'tensor<?x5xf32>'}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.activation_gradient "relu", %g, %x {} : (tensor<?x4xf32>, tensor<?x5xf32>) -> tensor<?x5xf32>
  bnc.return
}

// -----

bnc.graph model @net(%g: tensor<?x4xf32>) {
  // expected-error @below {{'bnc.activation_gradient' op names the activation "conv"; expected the mnemonic of an activation op}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.activation_gradient "conv", %g, %g {} : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  bnc.return
}

// -----

bnc.graph model @net(%g: tensor<?x4xf32>) {
  // expected-error @below {{'bnc.activation_gradient' op has no number "alpha" in its parameters, which elu needs}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.activation_gradient "elu", %g, %g {} : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  bnc.return
}

// -----

bnc.graph model @net(%g: tensor<5x4xf32>, %x: tensor<3x2xf32>) {
  // expected-error @below {{'bnc.dense_weight_gradient' op gradient (5, 4) does not fit the input (3, 2)}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.dense_weight_gradient %g, %x : (tensor<5x4xf32>, tensor<3x2xf32>) -> tensor<4x2xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<3xf32>, %y: tensor<5x4xf32>) {
  // expected-error @below {{'bnc.broadcast' op has an input of type 'tensor<3xf32>', which does not spread along axes (0) to 'tensor<5x4xf32>'}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.broadcast %x, %y {axes = array<i64: 0>} : (tensor<3xf32>, tensor<5x4xf32>) -> tensor<5x4xf32>
  bnc.return
}

// -----

bnc.graph model @net(%c: tensor<4xf32>, %v: tensor<3xf32>) {
  // expected-error @below {{'bnc.scale_gradient' op has vectors of 4 and of 3 values; expected one value per channel in each}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.scale_gradient %c, %v {epsilon = 0.1} : (tensor<4xf32>, tensor<3xf32>) -> tensor<4xf32>
  bnc.return
}

// -----

bnc.graph model @net(%g: tensor<?x4xf32>, %x: tensor<?x4xf32>, %v: tensor<4xf32>, %w: tensor<3xf32>) {
  // expected-error @below {{'bnc.normalize_gradient' op variance has 3 values, but dimension 1 of the input (?, 4) has size 4}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.normalize_gradient %g, %x mean(%v) variance(%w) {epsilon = 0.1} : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<4xf32>, tensor<3xf32>) -> tensor<?x4xf32>
  bnc.return
}

// -----

bnc.graph model @net(%y: tensor<?x4xf32>, %l: tensor<?xi32>) {
  // expected-error @below {{'bnc.loss' op has label_smoothing = 1.000000e+00; expected a number in [0, 1)}}
  // expected-error @below {{failed to infer returned types}}
  %0:2 = bnc.loss softmax_cross_entropy %y, %l {label_smoothing = 1.0} : (tensor<?x4xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<4xf32>) {
  // expected-error @below {{'bnc.optimizer_update' op names the optimizer "sgd:nesterov", which does not exist}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.optimizer_update "sgd:nesterov" %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<4xf32>) {
  // expected-error @below {{'bnc.optimizer_update' op has 1 slots; adam has 2}}
  // expected-error @below {{failed to infer returned types}}
  %0:2 = bnc.optimizer_update "adam" %x, %x slots(%x) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<4xf32>, %y: tensor<3xf32>) {
  // expected-error @below {{'bnc.optimizer_update' op has a slot of type 'tensor<3xf32>', expected 'tensor<4xf32>'}}
  // expected-error @below {{failed to infer returned types}}
  %0:2 = bnc.optimizer_update "sgd:momentum" %x, %x slots(%y) : (tensor<4xf32>, tensor<4xf32>, tensor<3xf32>) -> (tensor<4xf32>, tensor<3xf32>)
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<5x4xf32>, %k: tensor<4xi32>) {
  // expected-error @below {{'bnc.apply_dropout' op has keys of type 'tensor<4xi32>'; expected one for each sample of 'tensor<5x4xf32>'}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.apply_dropout %x, %k {ratio = 0.5} : (tensor<5x4xf32>, tensor<4xi32>) -> tensor<5x4xf32>
  bnc.return
}

// -----

bnc.graph model @net(%x: tensor<2x3xf32>) {
  // expected-error @below {{'bnc.reshape' op has the size -2; expected at least 1, or -1 for the batch}}
  // expected-error @below {{failed to infer returned types}}
  %0 = bnc.reshape %x {shape = array<i64: -2, -3>} : (tensor<2x3xf32>) -> tensor<6xf32>
  bnc.return
}

// -----

// expected-error @below {{'bnc.variable' op has type 'tensor<0x3xf32>'; a variable holds at least one value}}
bnc.variable params @w : tensor<0x3xf32>

// -----

//===-- Running statistics -------------------------------------------===//

bnc.graph model @half(%x: tensor<?x3xf32>, %m: tensor<3xf32>) -> tensor<?x3xf32> {
  // expected-error @below {{has one of mean and variance; expected both, or neither to always use the batch's own}}
  %y = bnc.batch_norm %x mean(%m : tensor<3xf32>) {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x3xf32>
  bnc.return %y : tensor<?x3xf32>
}

// -----

bnc.graph model @frozen(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  // expected-error @below {{is frozen but has no running mean and variance}}
  %y = bnc.batch_norm %x {epsilon = 1.0e-5, decay = 0.9, frozen, running_variance = #bnc<running_variance sample>} : tensor<?x3xf32>
  bnc.return %y : tensor<?x3xf32>
}

// -----

bnc.graph model @average(%x: tensor<?x3x2xf32>, %a: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @below {{has an average of type 'tensor<3xf32>' for samples of 'tensor<?x3x2xf32>'; expected the shape of one sample}}
  // expected-error @below {{failed to infer returned types}}
  %y = bnc.running_average %x average(%a) {decay = 0.9} : (tensor<?x3x2xf32>, tensor<3xf32>) -> tensor<3xf32>
  bnc.return %y : tensor<3xf32>
}

// -----

bnc.graph model @decay(%x: tensor<?x3xf32>, %a: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @below {{has decay = 1.500000e+00; expected a number in [0, 1]}}
  %y = bnc.running_average %x average(%a) {decay = 1.5} : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<3xf32>
  bnc.return %y : tensor<3xf32>
}
