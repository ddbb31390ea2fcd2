// Folds that well-known tools got wrong: weights in two places, equal sizes taken for equal dimensions, what does not
// commute, and scales that nobody had thought of.
//
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-fold-batch-norm -split-input-file 2>/dev/null | FileCheck %s
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-fold-batch-norm --bnc-report-carried \
// RUN:   -split-input-file -o /dev/null 2>&1 | grep -v "see current operation" | FileCheck %s --check-prefix=REMARK

// A module called on two inputs and normalized after one of them: the other path keeps the weight as it is.
// CHECK-LABEL: @conv_called_twice_infer
// CHECK: %[[W:.*]] = bnc.read @weight
// CHECK: bnc.conv %arg0, %[[OTHER:[^W,]*]], %{{[^ ]*}} {
// CHECK: bnc.conv %arg1, %[[W]] {
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (backward)
bnc.variable params @weight : tensor<4x3x3x3xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @conv_called_twice(%x: tensor<?x3x4x4xf32>, %x1: tensor<?x3x4x4xf32>)
    -> (tensor<?x4x2x2xf32>, tensor<?x4x2x2xf32>) {
  %weight = bnc.read @weight : tensor<4x3x3x3xf32>
  %0 = bnc.conv %x, %weight {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x2x2xf32> loc("conv"("net.onnx":11:0))
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x2x2xf32>
      loc("bn"("net.onnx":2:0))
  %2 = bnc.conv %x1, %weight {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x2x2xf32> loc("conv"("net.onnx":13:0))
  bnc.return %1, %2 : tensor<?x4x2x2xf32>, tensor<?x4x2x2xf32>
}

// -----

// One convolution, and statistics of two domains.
// CHECK-LABEL: @two_norms_of_one_conv_infer
// CHECK-COUNT-2: bnc.affine
// REMARK: net.onnx:1:0: remark: {{.*}}: the result of conv 'conv' has another use (backward)
// REMARK: net.onnx:2:0: remark: {{.*}}: the result of conv 'conv' has another use (backward)
bnc.variable params @weight : tensor<4x3x3x3xf32>
bnc.variable params @first_scale : tensor<4xf32>
bnc.variable params @first_offset : tensor<4xf32>
bnc.variable batch_stats @first_mean : tensor<4xf32>
bnc.variable batch_stats @first_variance : tensor<4xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @two_norms_of_one_conv(%x: tensor<?x3x4x4xf32>) -> (tensor<?x4x2x2xf32>, tensor<?x4x2x2xf32>) {
  %weight = bnc.read @weight : tensor<4x3x3x3xf32>
  %0 = bnc.conv %x, %weight {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x2x2xf32> loc("conv"("net.onnx":11:0))
  %first_scale = bnc.read @first_scale : tensor<4xf32>
  %first_offset = bnc.read @first_offset : tensor<4xf32>
  %first_mean = bnc.read @first_mean : tensor<4xf32>
  %first_variance = bnc.read @first_variance : tensor<4xf32>
  %1 = bnc.batch_norm %0 scale(%first_scale : tensor<4xf32>) offset(%first_offset : tensor<4xf32>)
      mean(%first_mean : tensor<4xf32>) variance(%first_variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x2x2xf32>
      loc("bn1"("net.onnx":1:0))
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %2 = bnc.batch_norm %0 scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x2x2xf32>
      loc("bn2"("net.onnx":2:0))
  bnc.return %1, %2 : tensor<?x4x2x2xf32>, tensor<?x4x2x2xf32>
}

// -----

// As many steps as outputs: equal sizes do not make (N, steps, outputs) normalized along its outputs.
// CHECK-LABEL: @dense_on_sequences_infer
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: {{.*}}: dense 'fc' makes its channels in dimension 2, but those normalized are in dimension 1 (backward)
bnc.variable params @weight : tensor<4x3xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @dense_on_sequences(%x: tensor<?x4x3xf32>) -> tensor<?x4x4xf32> {
  %weight = bnc.read @weight : tensor<4x3xf32>
  %0 = bnc.dense %x, %weight : (tensor<?x4x3xf32>, tensor<4x3xf32>) -> tensor<?x4x4xf32> loc("fc"("net.onnx":11:0))
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x4xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x4x4xf32>
}

// -----

// Transposed, it is.
// CHECK-LABEL: @dense_on_sequences_turned_infer
// CHECK: bnc.fold_scale %{{.*}}, %{{.*}} {axis = 0
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into dense 'fc' (backward)
bnc.variable params @weight : tensor<4x3xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @dense_on_sequences_turned(%x: tensor<?x4x3xf32>) -> tensor<?x4x4xf32> {
  %weight = bnc.read @weight : tensor<4x3xf32>
  %0 = bnc.dense %x, %weight : (tensor<?x4x3xf32>, tensor<4x3xf32>) -> tensor<?x4x4xf32> loc("fc"("net.onnx":11:0))
  %1 = bnc.transpose %0 {permutation = array<i64: 0, 2, 1>}
      : (tensor<?x4x4xf32>) -> tensor<?x4x4xf32> loc("turn"("net.onnx":12:0))
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %2 = bnc.batch_norm %1 scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x4xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %2 : tensor<?x4x4xf32>
}

// -----

// Inputs, outputs and taps are all 4, so that a factor along the wrong dimension would fit, too.
// CHECK-LABEL: @grouped_conv_transpose_of_equal_sizes_infer
// CHECK: bnc.fold_scale %{{.*}}, %{{.*}} {axis = 1 : i64, groups = 2 : i64}
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into conv_transpose 'deconv' (backward)
bnc.variable params @weight : tensor<4x2x2x2xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @grouped_conv_transpose_of_equal_sizes(%x: tensor<?x4x4x4xf32>) -> tensor<?x4x5x5xf32> {
  %weight = bnc.read @weight : tensor<4x2x2x2xf32>
  %0 = bnc.conv_transpose %x, %weight {groups = 2 : i64, output_padding = array<i64: 0, 0>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x4x4x4xf32>, tensor<4x2x2x2xf32>) -> tensor<?x4x5x5xf32> loc("deconv"("net.onnx":11:0))
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x5x5xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x4x5x5xf32>
}

// -----

// CHECK-LABEL: @grouped_conv_of_equal_sizes_infer
// CHECK: bnc.fold_scale %{{.*}}, %{{.*}} {axis = 0 : i64} : (tensor<4x2x2x2xf32>
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (backward)
bnc.variable params @weight : tensor<4x2x2x2xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @grouped_conv_of_equal_sizes(%x: tensor<?x4x4x4xf32>) -> tensor<?x4x3x3xf32> {
  %weight = bnc.read @weight : tensor<4x2x2x2xf32>
  %0 = bnc.conv %x, %weight {groups = 2 : i64, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x4x4x4xf32>, tensor<4x2x2x2xf32>) -> tensor<?x4x3x3xf32> loc("conv"("net.onnx":11:0))
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x3x3xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x4x3x3xf32>
}

// -----

// Behind the activation it is another function.
// CHECK-LABEL: @across_relu_infer
// CHECK: bnc.relu
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: {{.*}}: relu 'relu' has no weights and lets no affine pass (backward)
bnc.variable params @weight : tensor<4x3x3x3xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @across_relu(%x: tensor<?x3x4x4xf32>) -> tensor<?x4x2x2xf32> {
  %weight = bnc.read @weight : tensor<4x3x3x3xf32>
  %0 = bnc.conv %x, %weight {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x2x2xf32> loc("conv"("net.onnx":11:0))
  %1 = bnc.relu %0 : tensor<?x4x2x2xf32> loc("relu"("net.onnx":12:0))
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %2 = bnc.batch_norm %1 scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x2x2xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %2 : tensor<?x4x2x2xf32>
}

// -----

// With a negative scale the largest element becomes the smallest.
// CHECK-LABEL: @across_max_pool_infer
// CHECK: bnc.max_pool
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: {{.*}}: max_pool 'pool' has no weights and lets no affine pass (backward)
bnc.variable params @weight : tensor<4x3x3x3xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @across_max_pool(%x: tensor<?x3x4x4xf32>) -> tensor<?x4x1x1xf32> {
  %weight = bnc.read @weight : tensor<4x3x3x3xf32>
  %0 = bnc.conv %x, %weight {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x2x2xf32> loc("conv"("net.onnx":11:0))
  %1 = bnc.max_pool %0 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x4x2x2xf32>) -> tensor<?x4x1x1xf32> loc("pool"("net.onnx":12:0))
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %2 = bnc.batch_norm %1 scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x1x1xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %2 : tensor<?x4x1x1xf32>
}

// -----

// CHECK-LABEL: @negative_scales_infer
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:1:0: remark: folded into conv 'conv' (forward)
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (backward)
bnc.variable params @first_offset : tensor<3xf32>
bnc.variable batch_stats @first_mean : tensor<3xf32>
bnc.variable batch_stats @first_variance : tensor<3xf32>
bnc.variable params @weight : tensor<3x3x3x3xf32>
bnc.variable params @last_offset : tensor<3xf32>
bnc.variable batch_stats @last_mean : tensor<3xf32>
bnc.variable batch_stats @last_variance : tensor<3xf32>
bnc.graph model @negative_scales(%x: tensor<?x3x4x4xf32>) -> tensor<?x3x4x4xf32> {
  %first_scale = bnc.constant dense<[-1.0, -2.0, -0.5]> : tensor<3xf32>
  %first_offset = bnc.read @first_offset : tensor<3xf32>
  %first_mean = bnc.read @first_mean : tensor<3xf32>
  %first_variance = bnc.read @first_variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%first_scale : tensor<3xf32>) offset(%first_offset : tensor<3xf32>)
      mean(%first_mean : tensor<3xf32>) variance(%first_variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x4x4xf32>
      loc("bn1"("net.onnx":1:0))
  %weight = bnc.read @weight : tensor<3x3x3x3xf32>
  %1 = bnc.conv %0, %weight {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<3x3x3x3xf32>) -> tensor<?x3x4x4xf32> loc("conv"("net.onnx":12:0))
  %last_scale = bnc.constant dense<[-1.0, -2.0, -0.5]> : tensor<3xf32>
  %last_offset = bnc.read @last_offset : tensor<3xf32>
  %last_mean = bnc.read @last_mean : tensor<3xf32>
  %last_variance = bnc.read @last_variance : tensor<3xf32>
  %2 = bnc.batch_norm %1 scale(%last_scale : tensor<3xf32>) offset(%last_offset : tensor<3xf32>)
      mean(%last_mean : tensor<3xf32>) variance(%last_variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x4x4xf32>
      loc("bn2"("net.onnx":2:0))
  bnc.return %2 : tensor<?x3x4x4xf32>
}

// -----

// What is left is the offset, near the border as elsewhere.
// CHECK-LABEL: @zero_scales_infer
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:1:0: remark: folded into conv 'conv' (forward)
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (backward)
bnc.variable params @first_offset : tensor<3xf32>
bnc.variable batch_stats @first_mean : tensor<3xf32>
bnc.variable batch_stats @first_variance : tensor<3xf32>
bnc.variable params @weight : tensor<3x3x3x3xf32>
bnc.variable params @last_offset : tensor<3xf32>
bnc.variable batch_stats @last_mean : tensor<3xf32>
bnc.variable batch_stats @last_variance : tensor<3xf32>
bnc.graph model @zero_scales(%x: tensor<?x3x4x4xf32>) -> tensor<?x3x4x4xf32> {
  %first_scale = bnc.constant dense<[0.0, 0.0, 0.0]> : tensor<3xf32>
  %first_offset = bnc.read @first_offset : tensor<3xf32>
  %first_mean = bnc.read @first_mean : tensor<3xf32>
  %first_variance = bnc.read @first_variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%first_scale : tensor<3xf32>) offset(%first_offset : tensor<3xf32>)
      mean(%first_mean : tensor<3xf32>) variance(%first_variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x4x4xf32>
      loc("bn1"("net.onnx":1:0))
  %weight = bnc.read @weight : tensor<3x3x3x3xf32>
  %1 = bnc.conv %0, %weight {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<3x3x3x3xf32>) -> tensor<?x3x4x4xf32> loc("conv"("net.onnx":12:0))
  %last_scale = bnc.constant dense<[0.0, 0.0, 0.0]> : tensor<3xf32>
  %last_offset = bnc.read @last_offset : tensor<3xf32>
  %last_mean = bnc.read @last_mean : tensor<3xf32>
  %last_variance = bnc.read @last_variance : tensor<3xf32>
  %2 = bnc.batch_norm %1 scale(%last_scale : tensor<3xf32>) offset(%last_offset : tensor<3xf32>)
      mean(%last_mean : tensor<3xf32>) variance(%last_variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x4x4xf32>
      loc("bn2"("net.onnx":2:0))
  bnc.return %2 : tensor<?x3x4x4xf32>
}
