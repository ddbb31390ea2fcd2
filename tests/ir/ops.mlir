// Every op of BncOps.td and BncTrainingOps.td as it is printed: the file parses to what prints the same text again, and
// survives bytecode. `bnc-opt` of this file is its own update.
//
// RUN: bnc-opt %s --verify-roundtrip -o %t
// RUN: grep -v "^//" %s > %t.expected
// RUN: grep . %t | diff -b %t.expected -
module @lenet attributes {bnc.phase = "import", bnc.weights = "lenet.safetensors"} {
  bnc.variable  params @conv1.weight : tensor<6x3x5x5xf32>
  bnc.variable  params @conv1.bias : tensor<6xf32> {trainable = false}
  bnc.variable  batch_stats @bn1.running_mean : tensor<6xf32>
  bnc.variable  optimizer @bnc.optimizer.momentum.conv1.weight : tensor<6x3x5x5xf32>
  bnc.graph model @variables(%arg0: tensor<?x6xf32> {bnc.name = "x"}) -> (tensor<?x6xf32> {bnc.name = "y"}) {
    %0 = bnc.read @conv1.bias : tensor<6xf32>
    %1 = bnc.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 5.000000e+00, 6.000000e+00]> : tensor<6xf32>
    bnc.assign @bn1.running_mean, %1 : tensor<6xf32>
    bnc.return %arg0 : tensor<?x6xf32>
  }
  bnc.graph inference @nothing() {
    bnc.return
  }
  bnc.graph model @activations(%arg0: tensor<?x3xf32>) -> tensor<?x3xf32> {
    %0 = bnc.abs %arg0 : tensor<?x3xf32>
    %1 = bnc.clip %0 {max = 6.000000e+00 : f64, min = 0.000000e+00 : f64} : tensor<?x3xf32>
    %2 = bnc.elu %1 {alpha = 1.000000e+00 : f64} : tensor<?x3xf32>
    %3 = bnc.erf %2 : tensor<?x3xf32>
    %4 = bnc.exp %3 : tensor<?x3xf32>
    %5 = bnc.hard_sigmoid %4 {alpha = 2.000000e-01 : f64, beta = 5.000000e-01 : f64} : tensor<?x3xf32>
    %6 = bnc.hard_swish %5 : tensor<?x3xf32>
    %7 = bnc.leaky_relu %6 {alpha = 1.000000e-02 : f64} : tensor<?x3xf32>
    %8 = bnc.log %7 : tensor<?x3xf32>
    %9 = bnc.neg %8 : tensor<?x3xf32>
    %10 = bnc.relu %9 : tensor<?x3xf32>
    %11 = bnc.sigmoid %10 : tensor<?x3xf32>
    %12 = bnc.softplus %11 : tensor<?x3xf32>
    %13 = bnc.sqrt %12 : tensor<?x3xf32>
    %14 = bnc.tanh %13 : tensor<?x3xf32>
    bnc.return %14 : tensor<?x3xf32>
  }
  bnc.graph model @arithmetic(%arg0: tensor<?x3x4xf32>, %arg1: tensor<3x1xf32>, %arg2: tensor<2xi64>) -> (tensor<?x3x4xf32>, tensor<2xi64>) {
    %0 = bnc.add %arg0, %arg1 : (tensor<?x3x4xf32>, tensor<3x1xf32>) -> tensor<?x3x4xf32>
    %1 = bnc.div %arg1, %0 : (tensor<3x1xf32>, tensor<?x3x4xf32>) -> tensor<?x3x4xf32>
    %2 = bnc.max %1, %arg0 : (tensor<?x3x4xf32>, tensor<?x3x4xf32>) -> tensor<?x3x4xf32>
    %3 = bnc.min %2, %arg0 : (tensor<?x3x4xf32>, tensor<?x3x4xf32>) -> tensor<?x3x4xf32>
    %4 = bnc.mul %3, %arg0 : (tensor<?x3x4xf32>, tensor<?x3x4xf32>) -> tensor<?x3x4xf32>
    %5 = bnc.sub %4, %arg0 : (tensor<?x3x4xf32>, tensor<?x3x4xf32>) -> tensor<?x3x4xf32>
    %6 = bnc.add %arg2, %arg2 : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
    bnc.return %5, %6 : tensor<?x3x4xf32>, tensor<2xi64>
  }
  bnc.graph model @convolution(%arg0: tensor<?x4x9x9xf32>, %arg1: tensor<6x2x3x3xf32>, %arg2: tensor<6xf32>, %arg3: tensor<6x4x2x2xf32>, %arg4: tensor<5x6xf32>, %arg5: tensor<5x7xf32>, %arg6: tensor<7xf32>, %arg7: tensor<?x6xf32>) -> (tensor<?x4x10x10xf32>, tensor<?x7xf32>) {
    %0 = bnc.conv %arg0, %arg1, %arg2 {dilations = array<i64: 1, 1>, groups = 2 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<?x4x9x9xf32>, tensor<6x2x3x3xf32>, tensor<6xf32>) -> tensor<?x6x5x5xf32>
    %1 = bnc.conv %arg0, %arg1 {dilations = array<i64: 1, 1>, groups = 2 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<?x4x9x9xf32>, tensor<6x2x3x3xf32>) -> tensor<?x6x5x5xf32>
    %2 = bnc.conv_transpose %1, %arg3 {dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<?x6x5x5xf32>, tensor<6x4x2x2xf32>) -> tensor<?x4x10x10xf32>
    %3 = bnc.dense %arg7, %arg4 : (tensor<?x6xf32>, tensor<5x6xf32>) -> tensor<?x5xf32>
    %4 = bnc.dense %3, %arg5, %arg6 {transposed} : (tensor<?x5xf32>, tensor<5x7xf32>, tensor<7xf32>) -> tensor<?x7xf32>
    bnc.return %2, %4 : tensor<?x4x10x10xf32>, tensor<?x7xf32>
  }
  bnc.graph model @normalization(%arg0: tensor<?x6x4xf32>, %arg1: tensor<6xf32>, %arg2: tensor<6xf32>, %arg3: tensor<6xf32>, %arg4: tensor<6xf32>, %arg5: tensor<f32>) -> tensor<?x6x4xf32> {
    %0 = bnc.affine %arg0, %arg1, %arg2 : (tensor<?x6x4xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<?x6x4xf32>
    %1 = bnc.batch_norm %0 scale(%arg1 : tensor<6xf32>) offset(%arg2 : tensor<6xf32>) mean(%arg3 : tensor<6xf32>) variance(%arg4 : tensor<6xf32>) {decay = 9.000000e-01 : f64, epsilon = 1.000000e-05 : f64, running_variance = #bnc<running_variance sample>} : tensor<?x6x4xf32>
    %2 = bnc.batch_norm %1 mean(%arg3 : tensor<6xf32>) variance(%arg4 : tensor<6xf32>) count(%arg5 : tensor<f32>) {cumulative, decay = 0.000000e+00 : f64, epsilon = 1.000000e-05 : f64, running_variance = #bnc<running_variance population>} : tensor<?x6x4xf32>
    %3 = bnc.batch_norm %2 mean(%arg3 : tensor<6xf32>) variance(%arg4 : tensor<6xf32>) {decay = 0.000000e+00 : f64, epsilon = 1.000000e-05 : f64, frozen, running_variance = #bnc<running_variance population>} : tensor<?x6x4xf32>
    %4 = bnc.dropout %3 {ratio = 5.000000e-01 : f64} : tensor<?x6x4xf32>
    bnc.return %4 : tensor<?x6x4xf32>
  }
  bnc.graph model @pooling(%arg0: tensor<?x6x8x8xf32>) -> (tensor<?x6x1x1xf32>, tensor<?xf32>, tensor<?x6x8x8xf32>) {
    %0 = bnc.avg_pool %arg0 {count_include_pad, dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<?x6x8x8xf32>) -> tensor<?x6x4x4xf32>
    %1 = bnc.max_pool %0 {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<?x6x4x4xf32>) -> tensor<?x6x2x2xf32>
    %2 = bnc.reduce_mean %1 {axes = array<i64: 2, 3>, keep_dims} : (tensor<?x6x2x2xf32>) -> tensor<?x6x1x1xf32>
    %3 = bnc.reduce_max %2 {axes = array<i64: 2, 3>} : (tensor<?x6x1x1xf32>) -> tensor<?x6xf32>
    %4 = bnc.reduce_sum %3 {axes = array<i64: 1>} : (tensor<?x6xf32>) -> tensor<?xf32>
    %5 = bnc.softmax %arg0 {axis = 1 : i64} : tensor<?x6x8x8xf32>
    %6 = bnc.log_softmax %5 {axis = 1 : i64} : tensor<?x6x8x8xf32>
    bnc.return %2, %4, %6 : tensor<?x6x1x1xf32>, tensor<?xf32>, tensor<?x6x8x8xf32>
  }
  bnc.graph model @shape(%arg0: tensor<?x4x6xf32>) -> tensor<?x6x3xf64> {
    %0 = bnc.concat %arg0, %arg0 {axis = 2 : i64} : (tensor<?x4x6xf32>, tensor<?x4x6xf32>) -> tensor<?x4x12xf32>
    %1 = bnc.pad %0 {high = array<i64: 0, 1, 0>, low = array<i64: 0, 1, 0>, value = 0.000000e+00 : f64} : (tensor<?x4x12xf32>) -> tensor<?x6x12xf32>
    %2 = bnc.slice %1 {sizes = array<i64: -1, 6, 3>, starts = array<i64: 0, 0, 3>, steps = array<i64: 1, 1, 2>} : (tensor<?x6x12xf32>) -> tensor<?x6x3xf32>
    %3 = bnc.transpose %2 {permutation = array<i64: 0, 2, 1>} : (tensor<?x6x3xf32>) -> tensor<?x3x6xf32>
    %4 = bnc.reshape %3 {shape = array<i64: -1, 6, 3>} : (tensor<?x3x6xf32>) -> tensor<?x6x3xf32>
    %5 = bnc.cast %4 : tensor<?x6x3xf32> to tensor<?x6x3xf64>
    bnc.return %5 : tensor<?x6x3xf64>
  }
  bnc.graph training @normalization_in_training(%arg0: tensor<?x6x4xf32>, %arg1: tensor<?x6x4xf32>, %arg2: tensor<6xf32>, %arg3: tensor<6xf32>, %arg4: tensor<6xf32>, %arg5: tensor<6xf32>, %arg6: tensor<f32>) -> tensor<?x6x4xf32> {
    %mean, %variance, %count = bnc.batch_stats %arg0 : (tensor<?x6x4xf32>) -> (tensor<6xf32>, tensor<6xf32>, tensor<i64>)
    %0 = bnc.normalize %arg0 scale(%arg2 : tensor<6xf32>) offset(%arg3 : tensor<6xf32>) mean(%mean : tensor<6xf32>) variance(%variance : tensor<6xf32>) {epsilon = 1.000000e-05 : f64} : tensor<?x6x4xf32>
    %1 = bnc.normalize %arg0 mean(%mean : tensor<6xf32>) variance(%variance : tensor<6xf32>) {epsilon = 1.000000e-05 : f64} : tensor<?x6x4xf32>
    %sum, %centred = bnc.gradient_sums %arg1, %arg0, %mean : (tensor<?x6x4xf32>, tensor<?x6x4xf32>, tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>)
    %2 = bnc.normalize_gradient %arg1, %arg0 scale(%arg2) mean(%mean) variance(%variance) sums(%sum, %centred, %count) {epsilon = 1.000000e-05 : f64} : (tensor<?x6x4xf32>, tensor<?x6x4xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<i64>) -> tensor<?x6x4xf32>
    %3 = bnc.normalize_gradient %arg1, %arg0 mean(%mean) variance(%variance) {epsilon = 1.000000e-05 : f64} : (tensor<?x6x4xf32>, tensor<?x6x4xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<?x6x4xf32>
    %4 = bnc.scale_gradient %centred, %variance {epsilon = 1.000000e-05 : f64} : (tensor<6xf32>, tensor<6xf32>) -> tensor<6xf32>
    %new_mean, %new_variance = bnc.update_running %arg4, %arg5 batch(%mean, %variance, %count) {decay = 9.000000e-01 : f64, running_variance = #bnc<running_variance population>} : (tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<i64>) -> (tensor<6xf32>, tensor<6xf32>)
    %new_mean_0, %new_variance_1, %new_steps = bnc.update_running %arg4, %arg5 steps(%arg6) batch(%mean, %variance, %count) {cumulative, decay = 0.000000e+00 : f64, running_variance = #bnc<running_variance sample>} : (tensor<6xf32>, tensor<6xf32>, tensor<f32>, tensor<6xf32>, tensor<6xf32>, tensor<i64>) -> (tensor<6xf32>, tensor<6xf32>, tensor<f32>)
    bnc.return %2 : tensor<?x6x4xf32>
  }
  bnc.graph training @gradients(%arg0: tensor<?x4x9x9xf32>, %arg1: tensor<6x4x3x3xf32>, %arg2: tensor<?x6x9x9xf32>, %arg3: tensor<?x4x4x4xf32>, %arg4: tensor<?x5xf32>, %arg5: tensor<?x7xf32>, %arg6: tensor<?xf32>) -> tensor<?x4x9x9xf32> {
    %0 = bnc.conv_input_gradient %arg2, %arg1 {dilations = array<i64: 1, 1>, input_shape = array<i64: 9, 9>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<?x6x9x9xf32>, tensor<6x4x3x3xf32>) -> tensor<?x4x9x9xf32>
    %1 = bnc.conv_weight_gradient %arg2, %arg0 {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<?x6x9x9xf32>, tensor<?x4x9x9xf32>) -> tensor<6x4x3x3xf32>
    %2 = bnc.avg_pool_gradient %arg3 {dilations = array<i64: 1, 1>, input_shape = array<i64: 9, 9>, kernel = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<?x4x4x4xf32>) -> tensor<?x4x9x9xf32>
    %3 = bnc.max_pool_gradient %arg3, %arg0 {dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<?x4x4x4xf32>, tensor<?x4x9x9xf32>) -> tensor<?x4x9x9xf32>
    %4 = bnc.dense_weight_gradient %arg5, %arg4 {transposed} : (tensor<?x7xf32>, tensor<?x5xf32>) -> tensor<5x7xf32>
    %5 = bnc.activation_gradient "clip", %arg4, %arg4 {max = 6.000000e+00 : f64, min = 0.000000e+00 : f64} : (tensor<?x5xf32>, tensor<?x5xf32>) -> tensor<?x5xf32>
    %6 = bnc.broadcast %arg6, %arg4 {axes = array<i64: 1>} : (tensor<?xf32>, tensor<?x5xf32>) -> tensor<?x5xf32>
    bnc.return %0 : tensor<?x4x9x9xf32>
  }
  bnc.graph training @step(%arg0: tensor<?x10xf32>, %arg1: tensor<3xf32>, %arg2: tensor<3xf32>, %arg3: tensor<3xf32>, %arg4: tensor<3xf32>, %arg5: tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>) {
    %losses, %correct = bnc.loss  softmax_cross_entropy %arg0, %arg5 : (tensor<?x10xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
    %0 = bnc.loss_gradient  softmax_cross_entropy %arg0, %arg5 : (tensor<?x10xf32>, tensor<?xi32>) -> tensor<?x10xf32>
    %1 = bnc.loss_gradient  mse %arg0, %arg0 : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<?x10xf32>
    %losses_0, %correct_1 = bnc.loss  softmax_cross_entropy %arg0, %arg0 {label_smoothing = 1.000000e-01 : f64} : (tensor<?x10xf32>, tensor<?x10xf32>) -> (tensor<?xf32>, tensor<?xf32>)
    %new_value = bnc.optimizer_update "sgd" %arg1, %arg2 {no_weight_decay} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    %new_value_2, %new_slots = bnc.optimizer_update "sgd:flavor=keras,momentum,nesterov" %arg1, %arg2 slots(%arg3) : (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
    %new_value_3, %new_slots_4:2 = bnc.optimizer_update "adam" %arg1, %arg2 slots(%arg3, %arg4) : (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
    %2 = bnc.dropout_keys {layer = 3 : i64} : tensor<?xi32>
    %3 = bnc.apply_dropout %arg0, %2 {ratio = 5.000000e-01 : f64} : (tensor<?x10xf32>, tensor<?xi32>) -> tensor<?x10xf32>
    bnc.return %losses, %correct : tensor<?xf32>, tensor<?xf32>
  }
  bnc.graph inference @folding(%arg0: tensor<6x2x3x3xf32>, %arg1: tensor<6xf32>, %arg2: tensor<6xf32>, %arg3: tensor<6xf32>, %arg4: tensor<6xf32>, %arg5: tensor<4xf64>) -> tensor<6xf32> {
    %slope, %intercept = bnc.fold_coefficients scale(%arg1) offset(%arg2) mean(%arg3) variance(%arg4) {epsilon = 1.000000e-05 : f64} : (tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> (tensor<6xf64>, tensor<6xf64>)
    %slope_0, %intercept_1 = bnc.fold_coefficients mean(%arg3) variance(%arg4) {epsilon = 1.000000e-05 : f64} : (tensor<6xf32>, tensor<6xf32>) -> (tensor<6xf64>, tensor<6xf64>)
    %0 = bnc.fold_scale %arg0, %slope {axis = 0 : i64} : (tensor<6x2x3x3xf32>, tensor<6xf64>) -> tensor<6x2x3x3xf64>
    %1 = bnc.fold_scale %0, %arg5 {axis = 1 : i64, groups = 2 : i64} : (tensor<6x2x3x3xf64>, tensor<4xf64>) -> tensor<6x2x3x3xf64>
    %2 = bnc.fold_shift %1, %arg5 {groups = 2 : i64} : (tensor<6x2x3x3xf64>, tensor<4xf64>) -> tensor<6xf64>
    %3 = bnc.fold_add %2 to %arg2 : (tensor<6xf64>, tensor<6xf32>) -> tensor<6xf64>
    %4 = bnc.fold_add %intercept : (tensor<6xf64>) -> tensor<6xf64>
    %5 = bnc.cast %4 : tensor<6xf64> to tensor<6xf32>
    bnc.return %5 : tensor<6xf32>
  }
  bnc.graph inference @borders(%arg0: tensor<6x2x3x3xf32>, %arg1: tensor<4xf64>, %arg2: tensor<?x6x4x5xf32>, %arg3: tensor<6x3x3xf32>) -> tensor<?x6x4x5xf32> {
    %0 = bnc.fold_border_shift %arg0, %arg1 {dilations = array<i64: 1, 1>, groups = 2 : i64, image = array<i64: 4, 5>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<6x2x3x3xf32>, tensor<4xf64>) -> tensor<6x3x3xf64>
    %1 = bnc.add_border_bias %arg2, %arg3 {high = array<i64: 1, 1>, low = array<i64: 1, 1>} : (tensor<?x6x4x5xf32>, tensor<6x3x3xf32>) -> tensor<?x6x4x5xf32>
    bnc.return %1 : tensor<?x6x4x5xf32>
  }
  bnc.variable  batch_stats @average : tensor<3xf32>
  bnc.graph training @averages(%arg0: tensor<?x3xf32>) -> tensor<?x3xf32> {
    %0 = bnc.read @average : tensor<3xf32>
    %1 = bnc.batch_norm %arg0 {decay = 9.000000e-01 : f64, epsilon = 1.000000e-05 : f64, running_variance = #bnc<running_variance population>} : tensor<?x3xf32>
    %2 = bnc.running_average %1 average(%0) {decay = 9.000000e-01 : f64} : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<3xf32>
    %3 = bnc.update_average %1, %0 {decay = 9.000000e-01 : f64} : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<3xf32>
    %4 = bnc.update_average_gradient %3, %1 {decay = 9.000000e-01 : f64} : (tensor<3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
    bnc.return %4 : tensor<?x3xf32>
  }
}
