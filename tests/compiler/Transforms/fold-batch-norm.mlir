// What inference makes of batch_norm: where scale and shift go, and which rule keeps them out. Every module here is
// also evaluated, folded against unfolded, by fold-batch-norm-values.test.
//
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-fold-batch-norm -split-input-file 2>/dev/null | FileCheck %s
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-fold-batch-norm --bnc-report-carried \
// RUN:   -split-input-file -o /dev/null 2>&1 | grep -v "see current operation" | FileCheck %s --check-prefix=REMARK

// Backward into a convolution: its rows are scaled, its bias scaled and shifted. The padding does not matter.
// CHECK-LABEL: @conv_infer
// CHECK: %[[W:.*]] = bnc.read @weight
// CHECK: %[[B:.*]] = bnc.read @bias
// CHECK: %[[SLOPE:.*]], %[[INTERCEPT:.*]] = bnc.fold_coefficients scale(%{{.*}}) offset(%{{.*}}) mean(%{{.*}}) variance(%{{.*}}) {epsilon
// CHECK: %[[BS:.*]] = bnc.fold_scale %[[B]], %[[SLOPE]] {axis = 0
// CHECK: %[[B64:.*]] = bnc.fold_add %[[INTERCEPT]] to %[[BS]]
// CHECK: %[[W64:.*]] = bnc.fold_scale %[[W]], %[[SLOPE]] {axis = 0
// CHECK-DAG: %[[WF:.*]] = bnc.cast %[[W64]] : tensor<4x3x3x3xf64> to tensor<4x3x3x3xf32>
// CHECK-DAG: %[[BF:.*]] = bnc.cast %[[B64]] : tensor<4xf64> to tensor<4xf32>
// CHECK: %[[Y:.*]] = bnc.conv %{{.*}}, %[[WF]], %[[BF]] {
// CHECK-NEXT: bnc.return %[[Y]]
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (backward)
bnc.variable params @weight : tensor<4x3x3x3xf32>
bnc.variable params @bias : tensor<4xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @conv(%x: tensor<?x3x6x6xf32>) -> tensor<?x4x3x3xf32> {
  %w = bnc.read @weight : tensor<4x3x3x3xf32>
  %b = bnc.read @bias : tensor<4xf32>
  %0 = bnc.conv %x, %w, %b {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x6x6xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<?x4x3x3xf32> loc("conv"("net.onnx":1:0))
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

// Without scale, offset and bias: slope and intercept come from the statistics, and the intercept is the bias.
// CHECK-LABEL: @statistics_only_infer
// CHECK: %[[SLOPE:.*]], %[[INTERCEPT:.*]] = bnc.fold_coefficients mean(%{{.*}}) variance(%{{.*}})
// CHECK-NOT: bnc.fold_add
// CHECK: %[[B:.*]] = bnc.cast %[[INTERCEPT]]
// CHECK: bnc.conv %{{.*}}, %{{.*}}, %[[B]] {
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (backward)
bnc.variable params @weight : tensor<4x3x3xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @statistics_only(%x: tensor<2x3x6xf32>) -> tensor<2x4x4xf32> {
  %w = bnc.read @weight : tensor<4x3x3xf32>
  %0 = bnc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}
      : (tensor<2x3x6xf32>, tensor<4x3x3xf32>) -> tensor<2x4x4xf32> loc("conv"("net.onnx":1:0))
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %1 = bnc.batch_norm %0 mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<2x4x4xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<2x4x4xf32>
}

// -----

// A depthwise convolution with two outputs per channel has its outputs in dimension 0 like any other.
// CHECK-LABEL: @depthwise_infer
// CHECK: bnc.fold_scale %{{.*}}, %{{.*}} {axis = 0 : i64} : (tensor<6x1x3x3xf32>
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (backward)
bnc.variable params @weight : tensor<6x1x3x3xf32>
bnc.variable params @scale : tensor<6xf32>
bnc.variable params @offset : tensor<6xf32>
bnc.variable batch_stats @mean : tensor<6xf32>
bnc.variable batch_stats @variance : tensor<6xf32>
bnc.graph model @depthwise(%x: tensor<?x3x5x5xf32>) -> tensor<?x6x5x5xf32> {
  %w = bnc.read @weight : tensor<6x1x3x3xf32>
  %0 = bnc.conv %x, %w {groups = 3 : i64, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x5x5xf32>, tensor<6x1x3x3xf32>) -> tensor<?x6x5x5xf32> loc("conv"("net.onnx":1:0))
  %scale = bnc.read @scale : tensor<6xf32>
  %offset = bnc.read @offset : tensor<6xf32>
  %mean = bnc.read @mean : tensor<6xf32>
  %variance = bnc.read @variance : tensor<6xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<6xf32>) offset(%offset : tensor<6xf32>)
      mean(%mean : tensor<6xf32>) variance(%variance : tensor<6xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x6x5x5xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x6x5x5xf32>
}

// -----

// The outputs of a transposed convolution lie along dimension 1 of its weight, group by group.
// CHECK-LABEL: @grouped_conv_transpose_infer
// CHECK: bnc.fold_scale %{{.*}}, %{{.*}} {axis = 1 : i64, groups = 2 : i64} : (tensor<4x3x2x2xf32>, tensor<6xf64>)
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into conv_transpose 'deconv' (backward)
bnc.variable params @weight : tensor<4x3x2x2xf32>
bnc.variable params @bias : tensor<6xf32>
bnc.variable params @scale : tensor<6xf32>
bnc.variable params @offset : tensor<6xf32>
bnc.variable batch_stats @mean : tensor<6xf32>
bnc.variable batch_stats @variance : tensor<6xf32>
bnc.graph model @grouped_conv_transpose(%x: tensor<?x4x3x3xf32>) -> tensor<?x6x7x7xf32> {
  %w = bnc.read @weight : tensor<4x3x2x2xf32>
  %b = bnc.read @bias : tensor<6xf32>
  %0 = bnc.conv_transpose %x, %w, %b {groups = 2 : i64, output_padding = array<i64: 1, 1>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x4x3x3xf32>, tensor<4x3x2x2xf32>, tensor<6xf32>) -> tensor<?x6x7x7xf32>
      loc("deconv"("net.onnx":1:0))
  %scale = bnc.read @scale : tensor<6xf32>
  %offset = bnc.read @offset : tensor<6xf32>
  %mean = bnc.read @mean : tensor<6xf32>
  %variance = bnc.read @variance : tensor<6xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<6xf32>) offset(%offset : tensor<6xf32>)
      mean(%mean : tensor<6xf32>) variance(%variance : tensor<6xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x6x7x7xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x6x7x7xf32>
}

// -----

// CHECK-LABEL: @dense_infer
// CHECK: bnc.fold_scale %{{.*}}, %{{.*}} {axis = 0 : i64} : (tensor<5x7xf32>
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into dense 'fc' (backward)
bnc.variable params @weight : tensor<5x7xf32>
bnc.variable params @scale : tensor<5xf32>
bnc.variable params @offset : tensor<5xf32>
bnc.variable batch_stats @mean : tensor<5xf32>
bnc.variable batch_stats @variance : tensor<5xf32>
bnc.graph model @dense(%x: tensor<?x7xf32>) -> tensor<?x5xf32> {
  %w = bnc.read @weight : tensor<5x7xf32>
  %0 = bnc.dense %x, %w : (tensor<?x7xf32>, tensor<5x7xf32>) -> tensor<?x5xf32> loc("fc"("net.onnx":1:0))
  %scale = bnc.read @scale : tensor<5xf32>
  %offset = bnc.read @offset : tensor<5xf32>
  %mean = bnc.read @mean : tensor<5xf32>
  %variance = bnc.read @variance : tensor<5xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<5xf32>) offset(%offset : tensor<5xf32>)
      mean(%mean : tensor<5xf32>) variance(%variance : tensor<5xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x5xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x5xf32>
}

// -----

// A MatMul keeps its weight as (inputs, outputs); the channels may be moved before they are normalized.
// CHECK-LABEL: @transposed_dense_infer
// CHECK: bnc.fold_scale %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<3x3xf32>
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into dense 'fc' (backward)
bnc.variable params @weight : tensor<3x3xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @transposed_dense(%x: tensor<?x3x3xf32>) -> tensor<?x3x3xf32> {
  %w = bnc.read @weight : tensor<3x3xf32>
  %0 = bnc.dense %x, %w {transposed}
      : (tensor<?x3x3xf32>, tensor<3x3xf32>) -> tensor<?x3x3xf32> loc("fc"("net.onnx":1:0))
  %t = bnc.transpose %0 {permutation = array<i64: 0, 2, 1>} : (tensor<?x3x3xf32>) -> tensor<?x3x3xf32>
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %1 = bnc.batch_norm %t scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x3xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x3x3xf32>
}

// -----

// (N, L, C) normalized along L: that the sizes coincide does not make L the outputs of the dense layer.
// CHECK-LABEL: @no_fold_when_channels_are_not_the_outputs_infer
// CHECK: %[[Y:.*]] = bnc.dense
// CHECK: bnc.affine %[[Y]], %{{.*}}, %{{.*}} : (tensor<?x3x3xf32>, tensor<3xf32>, tensor<3xf32>)
// REMARK: net.onnx:2:0: remark: carried by the store of dense 'fc': dense 'fc' makes its channels in dimension 2, but those normalized are in dimension 1 (backward), the result is an output of the graph (forward)
bnc.variable params @weight : tensor<3x3xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @no_fold_when_channels_are_not_the_outputs(%x: tensor<?x3x3xf32>) -> tensor<?x3x3xf32> {
  %w = bnc.read @weight : tensor<3x3xf32>
  %0 = bnc.dense %x, %w : (tensor<?x3x3xf32>, tensor<3x3xf32>) -> tensor<?x3x3xf32> loc("fc"("net.onnx":1:0))
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x3xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x3x3xf32>
}

// -----

// The folded weight is a new value: another convolution on the same variable keeps the variable.
// CHECK-LABEL: @shared_weight_infer
// CHECK: %[[W:.*]] = bnc.read @weight
// CHECK: %[[WF:.*]] = bnc.cast %{{.*}} : tensor<4x3x1x1xf64>
// CHECK: bnc.conv %{{.*}}, %[[WF]], %{{.*}} {
// CHECK: bnc.conv %{{.*}}, %[[W]] {
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (backward)
bnc.variable params @weight : tensor<4x3x1x1xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @shared_weight(%x: tensor<?x3x4x4xf32>) -> (tensor<?x4x4x4xf32>, tensor<?x4x4x4xf32>) {
  %w = bnc.read @weight : tensor<4x3x1x1xf32>
  %0 = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<4x3x1x1xf32>) -> tensor<?x4x4x4xf32> loc("conv"("net.onnx":1:0))
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x4x4xf32>
      loc("bn"("net.onnx":2:0))
  %2 = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<4x3x1x1xf32>) -> tensor<?x4x4x4xf32> loc("conv"("net.onnx":3:0))
  bnc.return %1, %2 : tensor<?x4x4x4xf32>, tensor<?x4x4x4xf32>
}

// -----

// Someone else needs the convolution's own result.
// CHECK-LABEL: @no_fold_when_conv_has_another_use_infer
// CHECK: bnc.conv %{{.*}}, %{{.*}} {
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: carried by add 'sum': the result of conv 'conv' has another use (backward), add 'sum' has no weights and lets no affine pass (forward)
bnc.variable params @weight : tensor<4x3x1x1xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @no_fold_when_conv_has_another_use(%x: tensor<?x3x4x4xf32>) -> tensor<?x4x4x4xf32> {
  %w = bnc.read @weight : tensor<4x3x1x1xf32>
  %0 = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<4x3x1x1xf32>) -> tensor<?x4x4x4xf32> loc("conv"("net.onnx":1:0))
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x4x4xf32>
      loc("bn"("net.onnx":2:0))
  %2 = bnc.add %1, %0 : (tensor<?x4x4x4xf32>, tensor<?x4x4x4xf32>) -> tensor<?x4x4x4xf32>
      loc("sum"("net.onnx":3:0))
  bnc.return %2 : tensor<?x4x4x4xf32>
}

// -----

// CHECK-LABEL: @no_fold_across_relu_infer
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: carried by the store of conv 'conv': relu 'relu' has no weights and lets no affine pass (backward), max_pool 'pool' has no weights and lets no affine pass (forward)
bnc.variable params @weight : tensor<4x3x1x1xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @no_fold_across_relu(%x: tensor<?x3x4x4xf32>) -> tensor<?x4x2x2xf32> {
  %w = bnc.read @weight : tensor<4x3x1x1xf32>
  %0 = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<4x3x1x1xf32>) -> tensor<?x4x4x4xf32> loc("conv"("net.onnx":1:0))
  %r = bnc.relu %0 : tensor<?x4x4x4xf32> loc("relu"("net.onnx":5:0))
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %1 = bnc.batch_norm %r scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x4x4xf32>
      loc("bn"("net.onnx":2:0))
  %2 = bnc.max_pool %1 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x4x4x4xf32>) -> tensor<?x4x2x2xf32>
      loc("pool"("net.onnx":3:0))
  bnc.return %2 : tensor<?x4x2x2xf32>
}

// -----

// Forward: inputs are scaled, and what the shift adds to each output goes into the bias.
// CHECK-LABEL: @forward_conv_infer
// CHECK: %[[SLOPE:.*]], %[[INTERCEPT:.*]] = bnc.fold_coefficients
// CHECK: %[[SHIFT:.*]] = bnc.fold_shift %[[W:.*]], %[[INTERCEPT]] :
// CHECK: bnc.fold_add %[[SHIFT]] to %{{.*}}
// CHECK: bnc.fold_scale %[[W]], %[[SLOPE]] {axis = 1
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (forward)
bnc.variable params @weight : tensor<4x3x3x3xf32>
bnc.variable params @bias : tensor<4xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @forward_conv(%x: tensor<?x3x5x5xf32>) -> tensor<?x4x3x3xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x5x5xf32>
      loc("bn"("net.onnx":2:0))
  %w = bnc.read @weight : tensor<4x3x3x3xf32>
  %b = bnc.read @bias : tensor<4xf32>
  %1 = bnc.conv %0, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x5x5xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<?x4x3x3xf32> loc("conv"("net.onnx":1:0))
  bnc.return %1 : tensor<?x4x3x3xf32>
}

// -----

// CHECK-LABEL: @forward_grouped_conv_infer
// CHECK: bnc.fold_shift %{{.*}}, %{{.*}} {groups = 2 : i64} : (tensor<4x3x3x3xf32>, tensor<6xf64>)
// CHECK: bnc.fold_scale %{{.*}}, %{{.*}} {axis = 1 : i64, groups = 2 : i64} : (tensor<4x3x3x3xf32>, tensor<6xf64>)
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (forward)
bnc.variable params @weight : tensor<4x3x3x3xf32>
bnc.variable params @scale : tensor<6xf32>
bnc.variable params @offset : tensor<6xf32>
bnc.variable batch_stats @mean : tensor<6xf32>
bnc.variable batch_stats @variance : tensor<6xf32>
bnc.graph model @forward_grouped_conv(%x: tensor<?x6x5x5xf32>) -> tensor<?x4x3x3xf32> {
  %scale = bnc.read @scale : tensor<6xf32>
  %offset = bnc.read @offset : tensor<6xf32>
  %mean = bnc.read @mean : tensor<6xf32>
  %variance = bnc.read @variance : tensor<6xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<6xf32>) offset(%offset : tensor<6xf32>)
      mean(%mean : tensor<6xf32>) variance(%variance : tensor<6xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x6x5x5xf32>
      loc("bn"("net.onnx":2:0))
  %w = bnc.read @weight : tensor<4x3x3x3xf32>
  %1 = bnc.conv %0, %w {groups = 2 : i64, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x6x5x5xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x3x3xf32> loc("conv"("net.onnx":1:0))
  bnc.return %1 : tensor<?x4x3x3xf32>
}

// -----

// CHECK-LABEL: @no_fold_into_following_conv_transpose_infer
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: stays an affine: {{.*}} (backward), conv_transpose 'deconv' adds a different number of terms at different positions (forward)
bnc.variable params @weight : tensor<3x4x3x3xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @no_fold_into_following_conv_transpose(%x: tensor<?x3x5x5xf32>) -> tensor<?x4x7x7xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x5x5xf32>
      loc("bn"("net.onnx":2:0))
  %w = bnc.read @weight : tensor<3x4x3x3xf32>
  %1 = bnc.conv_transpose %0, %w {output_padding = array<i64: 0, 0>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x5x5xf32>, tensor<3x4x3x3xf32>) -> tensor<?x4x7x7xf32> loc("deconv"("net.onnx":1:0))
  bnc.return %1 : tensor<?x4x7x7xf32>
}

// -----

// Through Flatten each channel's coefficients serve all its pixels.
// CHECK-LABEL: @forward_flattened_infer
// CHECK: %[[ONES:.*]] = bnc.constant dense<1.000000e+00> : tensor<1x3x4xf64>
// CHECK: %[[TABLE:.*]] = bnc.fold_scale %[[ONES]], %{{.*}} {axis = 1 : i64} : (tensor<1x3x4xf64>, tensor<3xf64>)
// CHECK: %[[SLOPE:.*]] = bnc.reshape %[[TABLE]] {shape = array<i64: 12>}
// CHECK: bnc.fold_scale %{{.*}}, %[[SLOPE]] {axis = 1 : i64} : (tensor<5x12xf32>
// REMARK: net.onnx:2:0: remark: folded into dense 'fc' (forward)
bnc.variable params @weight : tensor<5x12xf32>
bnc.variable params @bias : tensor<5xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @forward_flattened(%x: tensor<?x3x2x2xf32>) -> tensor<?x5xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x2x2xf32>
      loc("bn"("net.onnx":2:0))
  %f = bnc.reshape %0 {shape = array<i64: -1, 12>} : (tensor<?x3x2x2xf32>) -> tensor<?x12xf32>
  %w = bnc.read @weight : tensor<5x12xf32>
  %b = bnc.read @bias : tensor<5xf32>
  %1 = bnc.dense %f, %w, %b : (tensor<?x12xf32>, tensor<5x12xf32>, tensor<5xf32>) -> tensor<?x5xf32>
      loc("fc"("net.onnx":1:0))
  bnc.return %1 : tensor<?x5xf32>
}

// -----

// Flattened as (N, H, W, C) the channels are the fastest digit; this dense layer has its weight transposed.
// CHECK-LABEL: @forward_flattened_channels_last_infer
// CHECK: bnc.constant dense<1.000000e+00> : tensor<4x3x1xf64>
// CHECK: bnc.fold_shift %{{.*}}, %{{.*}} {transposed}
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into dense 'fc' (forward)
bnc.variable params @weight : tensor<12x5xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @forward_flattened_channels_last(%x: tensor<2x3x2x2xf32>) -> tensor<2x5xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<2x3x2x2xf32>
      loc("bn"("net.onnx":2:0))
  %t = bnc.transpose %0 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<2x3x2x2xf32>) -> tensor<2x2x2x3xf32>
  %f = bnc.reshape %t {shape = array<i64: 2, 12>} : (tensor<2x2x2x3xf32>) -> tensor<2x12xf32>
  %w = bnc.read @weight : tensor<12x5xf32>
  %1 = bnc.dense %f, %w {transposed} : (tensor<2x12xf32>, tensor<12x5xf32>) -> tensor<2x5xf32>
      loc("fc"("net.onnx":1:0))
  bnc.return %1 : tensor<2x5xf32>
}

// -----

// Normalized after flattening, every pixel has its own coefficients; a convolution has one per channel.
// CHECK-LABEL: @no_fold_when_flatten_spreads_channels_infer
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: carried by the store of conv 'conv': reshape 'flatten' spreads the channels over several dimensions (backward)
bnc.variable params @weight : tensor<3x2x1x1xf32>
bnc.variable params @scale : tensor<12xf32>
bnc.variable params @offset : tensor<12xf32>
bnc.variable batch_stats @mean : tensor<12xf32>
bnc.variable batch_stats @variance : tensor<12xf32>
bnc.graph model @no_fold_when_flatten_spreads_channels(%x: tensor<?x2x2x2xf32>) -> tensor<?x12xf32> {
  %w = bnc.read @weight : tensor<3x2x1x1xf32>
  %0 = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x2x2x2xf32>, tensor<3x2x1x1xf32>) -> tensor<?x3x2x2xf32> loc("conv"("net.onnx":1:0))
  %f = bnc.reshape %0 {shape = array<i64: -1, 12>} : (tensor<?x3x2x2xf32>) -> tensor<?x12xf32>
      loc("flatten"("net.onnx":3:0))
  %scale = bnc.read @scale : tensor<12xf32>
  %offset = bnc.read @offset : tensor<12xf32>
  %mean = bnc.read @mean : tensor<12xf32>
  %variance = bnc.read @variance : tensor<12xf32>
  %1 = bnc.batch_norm %f scale(%scale : tensor<12xf32>) offset(%offset : tensor<12xf32>)
      mean(%mean : tensor<12xf32>) variance(%variance : tensor<12xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x12xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x12xf32>
}

// -----

// Channels may take the long way: averaged, flattened, joined along the batch's other dimensions.
// CHECK-LABEL: @through_mean_infer
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (backward)
bnc.variable params @weight : tensor<4x3x1x1xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @through_mean(%x: tensor<?x3x4x4xf32>) -> tensor<?x4xf32> {
  %w = bnc.read @weight : tensor<4x3x1x1xf32>
  %0 = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<4x3x1x1xf32>) -> tensor<?x4x4x4xf32> loc("conv"("net.onnx":1:0))
  %p = bnc.avg_pool %0 {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x4x4x4xf32>) -> tensor<?x4x2x2xf32>
  %m = bnc.reduce_mean %p {axes = array<i64: 2, 3>} : (tensor<?x4x2x2xf32>) -> tensor<?x4xf32>
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %1 = bnc.batch_norm %m scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x4xf32>
}

// -----

// Where padding counts, the mean of a constant is not the constant.
// CHECK-LABEL: @no_fold_through_counted_padding_infer
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: carried by avg_pool 'pool': avg_pool 'pool' counts zero padding (backward)
bnc.variable params @weight : tensor<4x3x1x1xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @no_fold_through_counted_padding(%x: tensor<?x3x4x4xf32>) -> tensor<?x4x2x2xf32> {
  %w = bnc.read @weight : tensor<4x3x1x1xf32>
  %0 = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<4x3x1x1xf32>) -> tensor<?x4x4x4xf32> loc("conv"("net.onnx":1:0))
  %p = bnc.avg_pool %0 {count_include_pad, kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
      : (tensor<?x4x4x4xf32>) -> tensor<?x4x2x2xf32> loc("pool"("net.onnx":3:0))
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %1 = bnc.batch_norm %p scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x2x2xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x4x2x2xf32>
}

// -----

// Two in a row become one, here carried because neither side has weights.
// CHECK-LABEL: @two_in_a_row_infer
// CHECK: %[[S1:.*]], %[[C1:.*]] = bnc.fold_coefficients
// CHECK: %[[S2:.*]], %[[C2:.*]] = bnc.fold_coefficients
// CHECK: %[[S:.*]] = bnc.fold_scale %[[S2]], %[[S1]]
// CHECK: %[[T:.*]] = bnc.fold_scale %[[C1]], %[[S2]]
// CHECK: %[[C:.*]] = bnc.fold_add %[[C2]] to %[[T]]
// CHECK-DAG: %[[SF:.*]] = bnc.cast %[[S]] : tensor<3xf64> to tensor<3xf32>
// CHECK-DAG: %[[CF:.*]] = bnc.cast %[[C]] : tensor<3xf64> to tensor<3xf32>
// CHECK: bnc.affine %{{.*}}, %[[SF]], %[[CF]]
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:1:0: remark: folded into batch_norm 'bn2' (forward)
// REMARK: net.onnx:2:0: remark: gets a kernel of its own: input 'image' has no weights (backward), the result is an output of the graph (forward)
bnc.variable params @first_scale : tensor<3xf32>
bnc.variable params @first_offset : tensor<3xf32>
bnc.variable batch_stats @first_mean : tensor<3xf32>
bnc.variable batch_stats @first_variance : tensor<3xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @two_in_a_row(%x: tensor<?x3x2xf32> {bnc.name = "image"}) -> tensor<?x3x2xf32> {
  %first_scale = bnc.read @first_scale : tensor<3xf32>
  %first_offset = bnc.read @first_offset : tensor<3xf32>
  %first_mean = bnc.read @first_mean : tensor<3xf32>
  %first_variance = bnc.read @first_variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%first_scale : tensor<3xf32>) offset(%first_offset : tensor<3xf32>)
      mean(%first_mean : tensor<3xf32>) variance(%first_variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x2xf32>
      loc("bn1"("net.onnx":1:0))
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x2xf32>
      loc("bn2"("net.onnx":2:0))
  bnc.return %1 : tensor<?x3x2xf32>
}

// -----

// One convolution takes the batch_norm before it and the one after it, with one rounding.
// CHECK-LABEL: @both_sides_infer
// CHECK: %[[IN:.*]] = bnc.fold_scale %{{.*}}, %{{.*}} {axis = 1
// CHECK: %[[BOTH:.*]] = bnc.fold_scale %[[IN]], %{{.*}} {axis = 0 : i64} : (tensor<4x3x3x3xf64>, tensor<4xf64>)
// CHECK: %[[W:.*]] = bnc.cast %[[BOTH]]
// CHECK: bnc.conv %{{.*}}, %[[W]], %{{.*}} {
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:1:0: remark: folded into conv 'conv' (forward)
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (backward)
bnc.variable params @weight : tensor<4x3x3x3xf32>
bnc.variable params @first_scale : tensor<3xf32>
bnc.variable params @first_offset : tensor<3xf32>
bnc.variable batch_stats @first_mean : tensor<3xf32>
bnc.variable batch_stats @first_variance : tensor<3xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @both_sides(%x: tensor<?x3x5x5xf32>) -> tensor<?x4x3x3xf32> {
  %first_scale = bnc.read @first_scale : tensor<3xf32>
  %first_offset = bnc.read @first_offset : tensor<3xf32>
  %first_mean = bnc.read @first_mean : tensor<3xf32>
  %first_variance = bnc.read @first_variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%first_scale : tensor<3xf32>) offset(%first_offset : tensor<3xf32>)
      mean(%first_mean : tensor<3xf32>) variance(%first_variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x5x5xf32>
      loc("bn1"("net.onnx":1:0))
  %w = bnc.read @weight : tensor<4x3x3x3xf32>
  %1 = bnc.conv %0, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x5x5xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x3x3xf32> loc("conv"("net.onnx":3:0))
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %2 = bnc.batch_norm %1 scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x3x3xf32>
      loc("bn2"("net.onnx":2:0))
  bnc.return %2 : tensor<?x4x3x3xf32>
}

// -----

// Along the channels each input of a concat gets its part of the coefficients.
// CHECK-LABEL: @concat_infer
// CHECK-DAG: bnc.slice %{{.*}} {sizes = array<i64: 2>, starts = array<i64: 0>, steps = array<i64: 1>} : (tensor<6xf64>) -> tensor<2xf64>
// CHECK-DAG: bnc.slice %{{.*}} {sizes = array<i64: 4>, starts = array<i64: 2>, steps = array<i64: 1>} : (tensor<6xf64>) -> tensor<4xf64>
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into conv 'a', conv 'b' (backward)
bnc.variable params @weight.a : tensor<2x3x1x1xf32>
bnc.variable params @weight.b : tensor<4x3x1x1xf32>
bnc.variable params @scale : tensor<6xf32>
bnc.variable params @offset : tensor<6xf32>
bnc.variable batch_stats @mean : tensor<6xf32>
bnc.variable batch_stats @variance : tensor<6xf32>
bnc.graph model @concat(%x: tensor<?x3x2x2xf32>) -> tensor<?x6x2x2xf32> {
  %wa = bnc.read @weight.a : tensor<2x3x1x1xf32>
  %wb = bnc.read @weight.b : tensor<4x3x1x1xf32>
  %a = bnc.conv %x, %wa {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x2x2xf32>, tensor<2x3x1x1xf32>) -> tensor<?x2x2x2xf32> loc("a"("net.onnx":3:0))
  %b = bnc.conv %x, %wb {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x2x2xf32>, tensor<4x3x1x1xf32>) -> tensor<?x4x2x2xf32> loc("b"("net.onnx":4:0))
  %0 = bnc.concat %a, %b {axis = 1 : i64} : (tensor<?x2x2x2xf32>, tensor<?x4x2x2xf32>) -> tensor<?x6x2x2xf32>
  %scale = bnc.read @scale : tensor<6xf32>
  %offset = bnc.read @offset : tensor<6xf32>
  %mean = bnc.read @mean : tensor<6xf32>
  %variance = bnc.read @variance : tensor<6xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<6xf32>) offset(%offset : tensor<6xf32>)
      mean(%mean : tensor<6xf32>) variance(%variance : tensor<6xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x6x2x2xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x6x2x2xf32>
}

// -----

// Along another dimension each input gets all of them; one input that refuses is enough to keep them out.
// CHECK-LABEL: @no_fold_when_a_branch_refuses_infer
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: carried by concat: sigmoid 'gate' has no weights and lets no affine pass (backward)
bnc.variable params @weight : tensor<3x3x1x1xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @no_fold_when_a_branch_refuses(%x: tensor<?x3x2x2xf32>) -> tensor<?x3x4x2xf32> {
  %w = bnc.read @weight : tensor<3x3x1x1xf32>
  %a = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x2x2xf32>, tensor<3x3x1x1xf32>) -> tensor<?x3x2x2xf32> loc("a"("net.onnx":3:0))
  %b = bnc.sigmoid %x : tensor<?x3x2x2xf32> loc("gate"("net.onnx":4:0))
  %0 = bnc.concat %a, %b {axis = 2 : i64} : (tensor<?x3x2x2xf32>, tensor<?x3x2x2xf32>) -> tensor<?x3x4x2xf32>
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x4x2xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x3x4x2xf32>
}

// -----

// A sum takes the slope on both sides and the intercept on one.
// CHECK-LABEL: @add_infer
// CHECK: %[[SLOPE:.*]], %[[INTERCEPT:.*]] = bnc.fold_coefficients
// CHECK: bnc.fold_scale %{{.*}}, %[[SLOPE]]
// CHECK: bnc.fold_scale %{{.*}}, %[[SLOPE]]
// CHECK: bnc.conv %{{.*}}, %{{.*}}, %{{.*}} {
// CHECK: bnc.conv %{{[^,]*}}, %{{[^,]*}} {
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into conv 'a', conv 'b' (backward)
bnc.variable params @weight.a : tensor<3x3x1x1xf32>
bnc.variable params @weight.b : tensor<3x3x1x1xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @add(%x: tensor<?x3x2x2xf32>) -> tensor<?x3x2x2xf32> {
  %wa = bnc.read @weight.a : tensor<3x3x1x1xf32>
  %wb = bnc.read @weight.b : tensor<3x3x1x1xf32>
  %a = bnc.conv %x, %wa {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x2x2xf32>, tensor<3x3x1x1xf32>) -> tensor<?x3x2x2xf32> loc("a"("net.onnx":3:0))
  %b = bnc.conv %x, %wb {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x2x2xf32>, tensor<3x3x1x1xf32>) -> tensor<?x3x2x2xf32> loc("b"("net.onnx":4:0))
  %0 = bnc.add %a, %b : (tensor<?x3x2x2xf32>, tensor<?x3x2x2xf32>) -> tensor<?x3x2x2xf32>
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x2x2xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x3x2x2xf32>
}

// -----

// A bias written apart from its layer, here for (N, C, L), takes slope and intercept; the layer takes the slope.
// CHECK-LABEL: @bias_apart_infer
// CHECK: bnc.fold_add %{{.*}} to %{{.*}} : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
// CHECK: %[[B64:.*]] = bnc.reshape %{{.*}} {shape = array<i64: 3, 1>} : (tensor<3xf64>) -> tensor<3x1xf64>
// CHECK: %[[B:.*]] = bnc.cast %[[B64]]
// CHECK: %[[Y:.*]] = bnc.conv %{{[^,]*}}, %{{[^,]*}} {
// CHECK: bnc.add %[[B]], %[[Y]]
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into add 'bias', conv 'conv' (backward)
bnc.variable params @weight : tensor<3x2x1xf32>
bnc.variable params @bias : tensor<3x1xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @bias_apart(%x: tensor<?x2x4xf32>) -> tensor<?x3x4xf32> {
  %w = bnc.read @weight : tensor<3x2x1xf32>
  %b = bnc.read @bias : tensor<3x1xf32>
  %y = bnc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}
      : (tensor<?x2x4xf32>, tensor<3x2x1xf32>) -> tensor<?x3x4xf32> loc("conv"("net.onnx":1:0))
  %0 = bnc.add %b, %y : (tensor<3x1xf32>, tensor<?x3x4xf32>) -> tensor<?x3x4xf32> loc("bias"("net.onnx":3:0))
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x4xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x3x4xf32>
}

// -----

// A bias along another dimension than the channels is none of theirs.
// CHECK-LABEL: @no_fold_when_bias_is_along_pixels_infer
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: carried by the store of conv 'conv': add 'bias' broadcasts (backward)
bnc.variable params @weight : tensor<3x2x1xf32>
bnc.variable params @bias : tensor<3xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @no_fold_when_bias_is_along_pixels(%x: tensor<?x2x3xf32>) -> tensor<?x3x3xf32> {
  %w = bnc.read @weight : tensor<3x2x1xf32>
  %b = bnc.read @bias : tensor<3xf32>
  %y = bnc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}
      : (tensor<?x2x3xf32>, tensor<3x2x1xf32>) -> tensor<?x3x3xf32> loc("conv"("net.onnx":1:0))
  %0 = bnc.add %y, %b : (tensor<?x3x3xf32>, tensor<3xf32>) -> tensor<?x3x3xf32> loc("bias"("net.onnx":3:0))
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x3xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x3x3xf32>
}

// -----

// Split into channels, forward: each user takes its part, here every second channel.
// CHECK-LABEL: @slice_infer
// CHECK-DAG: bnc.slice %{{.*}} {sizes = array<i64: 2>, starts = array<i64: 0>, steps = array<i64: 2>} : (tensor<4xf64>)
// CHECK-DAG: bnc.slice %{{.*}} {sizes = array<i64: 2>, starts = array<i64: 1>, steps = array<i64: 2>} : (tensor<4xf64>)
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into conv '{{[ab]}}', conv '{{[ab]}}' (forward)
bnc.variable params @weight.a : tensor<3x2x1x1xf32>
bnc.variable params @weight.b : tensor<5x2x1x1xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @slice(%x: tensor<?x4x2x2xf32>) -> (tensor<?x3x2x2xf32>, tensor<?x5x2x2xf32>) {
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x2x2xf32>
      loc("bn"("net.onnx":2:0))
  %even = bnc.slice %0 {starts = array<i64: 0, 0, 0, 0>, sizes = array<i64: -1, 2, 2, 2>, steps = array<i64: 1, 2, 1, 1>}
      : (tensor<?x4x2x2xf32>) -> tensor<?x2x2x2xf32>
  %odd = bnc.slice %0 {starts = array<i64: 0, 1, 0, 0>, sizes = array<i64: -1, 2, 2, 2>, steps = array<i64: 1, 2, 1, 1>}
      : (tensor<?x4x2x2xf32>) -> tensor<?x2x2x2xf32>
  %wa = bnc.read @weight.a : tensor<3x2x1x1xf32>
  %wb = bnc.read @weight.b : tensor<5x2x1x1xf32>
  %a = bnc.conv %even, %wa {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x2x2x2xf32>, tensor<3x2x1x1xf32>) -> tensor<?x3x2x2xf32> loc("a"("net.onnx":3:0))
  %b = bnc.conv %odd, %wb {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x2x2x2xf32>, tensor<5x2x1x1xf32>) -> tensor<?x5x2x2xf32> loc("b"("net.onnx":4:0))
  bnc.return %a, %b : tensor<?x3x2x2xf32>, tensor<?x5x2x2xf32>
}

// -----

// The convolution's own result is an output of the model.
// CHECK-LABEL: @no_fold_when_conv_is_an_output_infer
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: gets a kernel of its own: the result of conv 'conv' has another use (backward)
bnc.variable params @weight : tensor<3x3x1x1xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @no_fold_when_conv_is_an_output(%x: tensor<?x3x2x2xf32>)
    -> (tensor<?x3x2x2xf32>, tensor<?x3x2x2xf32>) {
  %w = bnc.read @weight : tensor<3x3x1x1xf32>
  %0 = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x2x2xf32>, tensor<3x3x1x1xf32>) -> tensor<?x3x2x2xf32> loc("conv"("net.onnx":1:0))
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x2x2xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %0, %1 : tensor<?x3x2x2xf32>, tensor<?x3x2x2xf32>
}

// -----

// A weight that is computed from an input cannot be folded ahead of time.
// CHECK-LABEL: @no_fold_when_weight_is_computed_infer
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: carried by the store of conv 'conv': the weights of conv 'conv' are computed from inputs of the graph (backward)
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @no_fold_when_weight_is_computed(%x: tensor<?x3x2x2xf32>, %w: tensor<3x3x1x1xf32>)
    -> tensor<?x3x2x2xf32> {
  %0 = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x2x2xf32>, tensor<3x3x1x1xf32>) -> tensor<?x3x2x2xf32> loc("conv"("net.onnx":1:0))
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x2x2xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x3x2x2xf32>
}
