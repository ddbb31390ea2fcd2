// Forward into a convolution that pads with zeros: the shift is missing where a window hangs over the border.
//
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-fold-batch-norm -split-input-file 2>/dev/null | FileCheck %s
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-fold-batch-norm --bnc-report-carried \
// RUN:   -split-input-file -o /dev/null 2>&1 | grep -v "see current operation" | FileCheck %s --check-prefix=REMARK

// One place for every border and corner, and one for the inside; the convolution keeps its own bias.
// CHECK-LABEL: @padded_infer
// CHECK: %[[SLOPE:.*]], %[[INTERCEPT:.*]] = bnc.fold_coefficients
// CHECK: %[[MAP:.*]] = bnc.fold_border_shift %[[W:.*]], %[[INTERCEPT]] {dilations = array<i64: 1, 1>, image = array<i64: 5, 5>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<4x3x3x3xf32>, tensor<3xf64>) -> tensor<4x3x3xf64>
// CHECK: %[[PLACES:.*]] = bnc.cast %[[MAP]]
// CHECK: bnc.fold_scale %[[W]], %[[SLOPE]] {axis = 1
// CHECK: %[[Y:.*]] = bnc.conv %arg0, %{{.*}}, %{{.*}} {
// CHECK: bnc.add_border_bias %[[Y]], %[[PLACES]] {high = array<i64: 1, 1>, low = array<i64: 1, 1>}
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (forward)
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.variable params @weight : tensor<4x3x3x3xf32>
bnc.variable params @bias : tensor<4xf32>
bnc.graph model @padded(%x: tensor<?x3x5x5xf32>) -> tensor<?x4x5x5xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x5x5xf32>
      loc("bn"("net.onnx":2:0))
  %weight = bnc.read @weight : tensor<4x3x3x3xf32>
  %bias = bnc.read @bias : tensor<4xf32>
  %1 = bnc.conv %0, %weight, %bias {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x5x5xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<?x4x5x5xf32> loc("conv"("net.onnx":12:0))
  bnc.return %1 : tensor<?x4x5x5xf32>
}

// -----

// Strides skip positions, dilation spreads the taps, and the borders differ.
// CHECK-LABEL: @padded_asymmetric_infer
// CHECK: bnc.fold_border_shift {{.*}} -> tensor<4x4x3xf64>
// CHECK: bnc.add_border_bias {{.*}} {high = array<i64: 2, 1>, low = array<i64: 1, 1>}
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (forward)
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.variable params @weight : tensor<4x3x3x2xf32>
bnc.graph model @padded_asymmetric(%x: tensor<?x3x9x8xf32>) -> tensor<?x4x5x5xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x9x8xf32>
      loc("bn"("net.onnx":2:0))
  %weight = bnc.read @weight : tensor<4x3x3x2xf32>
  %1 = bnc.conv %0, %weight {strides = array<i64: 2, 3>, pads = array<i64: 1, 3, 3, 4>, dilations = array<i64: 2, 1>}
      : (tensor<?x3x9x8xf32>, tensor<4x3x3x2xf32>) -> tensor<?x4x5x5xf32> loc("conv"("net.onnx":12:0))
  bnc.return %1 : tensor<?x4x5x5xf32>
}

// -----

// CHECK-LABEL: @padded_groups_infer
// CHECK: bnc.fold_border_shift {{.*}} groups = 2
// CHECK: bnc.fold_scale {{.*}} {axis = 1 : i64, groups = 2 : i64}
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (forward)
bnc.variable params @scale : tensor<6xf32>
bnc.variable params @offset : tensor<6xf32>
bnc.variable batch_stats @mean : tensor<6xf32>
bnc.variable batch_stats @variance : tensor<6xf32>
bnc.variable params @weight : tensor<4x3x3x3xf32>
bnc.graph model @padded_groups(%x: tensor<?x6x5x5xf32>) -> tensor<?x4x5x5xf32> {
  %scale = bnc.read @scale : tensor<6xf32>
  %offset = bnc.read @offset : tensor<6xf32>
  %mean = bnc.read @mean : tensor<6xf32>
  %variance = bnc.read @variance : tensor<6xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<6xf32>) offset(%offset : tensor<6xf32>)
      mean(%mean : tensor<6xf32>) variance(%variance : tensor<6xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x6x5x5xf32>
      loc("bn"("net.onnx":2:0))
  %weight = bnc.read @weight : tensor<4x3x3x3xf32>
  %1 = bnc.conv %0, %weight {groups = 2 : i64, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
      : (tensor<?x6x5x5xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x5x5xf32> loc("conv"("net.onnx":12:0))
  bnc.return %1 : tensor<?x4x5x5xf32>
}

// -----

// Two outputs per channel.
// CHECK-LABEL: @padded_depthwise_infer
// CHECK: bnc.fold_border_shift {{.*}} groups = 3
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (forward)
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.variable params @weight : tensor<6x1x3x3xf32>
bnc.graph model @padded_depthwise(%x: tensor<?x3x5x5xf32>) -> tensor<?x6x5x5xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x5x5xf32>
      loc("bn"("net.onnx":2:0))
  %weight = bnc.read @weight : tensor<6x1x3x3xf32>
  %1 = bnc.conv %0, %weight {groups = 3 : i64, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x5x5xf32>, tensor<6x1x3x3xf32>) -> tensor<?x6x5x5xf32> loc("conv"("net.onnx":12:0))
  bnc.return %1 : tensor<?x6x5x5xf32>
}

// -----

// CHECK-LABEL: @padded_line_infer
// CHECK: bnc.fold_border_shift {{.*}} -> tensor<4x4xf64>
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (forward)
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.variable params @weight : tensor<4x3x4xf32>
bnc.graph model @padded_line(%x: tensor<?x3x7xf32>) -> tensor<?x4x7xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x7xf32>
      loc("bn"("net.onnx":2:0))
  %weight = bnc.read @weight : tensor<4x3x4xf32>
  %1 = bnc.conv %0, %weight {strides = array<i64: 1>, pads = array<i64: 2, 1>, dilations = array<i64: 1>}
      : (tensor<?x3x7xf32>, tensor<4x3x4xf32>) -> tensor<?x4x7xf32> loc("conv"("net.onnx":12:0))
  bnc.return %1 : tensor<?x4x7xf32>
}

// -----

// CHECK-LABEL: @padded_volume_infer
// CHECK: bnc.fold_border_shift {{.*}} -> tensor<4x3x2x1xf64>
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (forward)
bnc.variable params @scale : tensor<2xf32>
bnc.variable params @offset : tensor<2xf32>
bnc.variable batch_stats @mean : tensor<2xf32>
bnc.variable batch_stats @variance : tensor<2xf32>
bnc.variable params @weight : tensor<4x2x3x2x1xf32>
bnc.graph model @padded_volume(%x: tensor<?x2x4x3x5xf32>) -> tensor<?x4x4x3x5xf32> {
  %scale = bnc.read @scale : tensor<2xf32>
  %offset = bnc.read @offset : tensor<2xf32>
  %mean = bnc.read @mean : tensor<2xf32>
  %variance = bnc.read @variance : tensor<2xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<2xf32>) offset(%offset : tensor<2xf32>)
      mean(%mean : tensor<2xf32>) variance(%variance : tensor<2xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x2x4x3x5xf32>
      loc("bn"("net.onnx":2:0))
  %weight = bnc.read @weight : tensor<4x2x3x2x1xf32>
  %1 = bnc.conv %0, %weight {strides = array<i64: 1, 1, 1>, pads = array<i64: 1, 0, 0, 1, 1, 0>, dilations = array<i64: 1, 1, 1>}
      : (tensor<?x2x4x3x5xf32>, tensor<4x2x3x2x1xf32>) -> tensor<?x4x4x3x5xf32> loc("conv"("net.onnx":12:0))
  bnc.return %1 : tensor<?x4x4x3x5xf32>
}

// -----

// Every window hangs over some border: each position is a place.
// CHECK-LABEL: @no_inside_infer
// CHECK: bnc.fold_border_shift {{.*}} -> tensor<4x3x2xf64>
// CHECK: bnc.add_border_bias {{.*}} {high = array<i64: 0, 0>, low = array<i64: 3, 2>}
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (forward)
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.variable params @weight : tensor<4x3x5x5xf32>
bnc.graph model @no_inside(%x: tensor<?x3x3x2xf32>) -> tensor<?x4x3x2xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x3x2xf32>
      loc("bn"("net.onnx":2:0))
  %weight = bnc.read @weight : tensor<4x3x5x5xf32>
  %1 = bnc.conv %0, %weight {strides = array<i64: 1, 1>, pads = array<i64: 2, 2, 2, 2>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x3x2xf32>, tensor<4x3x5x5xf32>) -> tensor<?x4x3x2xf32> loc("conv"("net.onnx":12:0))
  bnc.return %1 : tensor<?x4x3x2xf32>
}

// -----

// The image lies between two taps of some windows.
// CHECK-LABEL: @gaps_over_the_image_infer
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (forward)
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.variable params @weight : tensor<4x3x2x2xf32>
bnc.graph model @gaps_over_the_image(%x: tensor<?x3x2x6xf32>) -> tensor<?x4x6x7xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x2x6xf32>
      loc("bn"("net.onnx":2:0))
  %weight = bnc.read @weight : tensor<4x3x2x2xf32>
  %1 = bnc.conv %0, %weight {strides = array<i64: 1, 1>, pads = array<i64: 4, 2, 4, 2>, dilations = array<i64: 4, 3>}
      : (tensor<?x3x2x6xf32>, tensor<4x3x2x2xf32>) -> tensor<?x4x6x7xf32> loc("conv"("net.onnx":12:0))
  bnc.return %1 : tensor<?x4x6x7xf32>
}

// -----

// Each user as it needs it.
// CHECK-LABEL: @padded_or_not_infer
// CHECK: bnc.add_border_bias
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into conv '{{[ab]}}', conv '{{[ab]}}' (forward)
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.variable params @weight.a : tensor<4x3x3x3xf32>
bnc.variable params @weight.b : tensor<2x3x3x3xf32>
bnc.graph model @padded_or_not(%x: tensor<?x3x5x5xf32>) -> (tensor<?x4x5x5xf32>, tensor<?x2x3x3xf32>) {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x5x5xf32>
      loc("bn"("net.onnx":2:0))
  %weight_a = bnc.read @weight.a : tensor<4x3x3x3xf32>
  %1 = bnc.conv %0, %weight_a {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x5x5xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x5x5xf32> loc("a"("net.onnx":12:0))
  %weight_b = bnc.read @weight.b : tensor<2x3x3x3xf32>
  %2 = bnc.conv %0, %weight_b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x5x5xf32>, tensor<2x3x3x3xf32>) -> tensor<?x2x3x3xf32> loc("b"("net.onnx":13:0))
  bnc.return %1, %2 : tensor<?x4x5x5xf32>, tensor<?x2x3x3xf32>
}

// -----

// What the first one added near the border is scaled by the second one.
// CHECK-LABEL: @between_two_infer
// CHECK: %[[MAP:.*]] = bnc.fold_border_shift
// CHECK: bnc.fold_scale %[[MAP]], %{{.*}} {axis = 0
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:1:0: remark: folded into conv 'conv' (forward)
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (backward)
bnc.variable params @first_scale : tensor<3xf32>
bnc.variable params @first_offset : tensor<3xf32>
bnc.variable batch_stats @first_mean : tensor<3xf32>
bnc.variable batch_stats @first_variance : tensor<3xf32>
bnc.variable params @weight : tensor<4x3x3x3xf32>
bnc.variable params @bias : tensor<4xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @between_two(%x: tensor<?x3x5x5xf32>) -> tensor<?x4x5x5xf32> {
  %first_scale = bnc.read @first_scale : tensor<3xf32>
  %first_offset = bnc.read @first_offset : tensor<3xf32>
  %first_mean = bnc.read @first_mean : tensor<3xf32>
  %first_variance = bnc.read @first_variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%first_scale : tensor<3xf32>) offset(%first_offset : tensor<3xf32>)
      mean(%first_mean : tensor<3xf32>) variance(%first_variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x5x5xf32>
      loc("bn1"("net.onnx":1:0))
  %weight = bnc.read @weight : tensor<4x3x3x3xf32>
  %bias = bnc.read @bias : tensor<4xf32>
  %1 = bnc.conv %0, %weight, %bias {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x5x5xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<?x4x5x5xf32> loc("conv"("net.onnx":12:0))
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %2 = bnc.batch_norm %1 scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x5x5xf32>
      loc("bn2"("net.onnx":2:0))
  bnc.return %2 : tensor<?x4x5x5xf32>
}

// -----

// Zeros that are written into the tensor are elements like others.
// CHECK-LABEL: @no_fold_when_other_values_are_padded_infer
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: {{.*}}: input 'image' has no weights (backward), pad 'pad' has no weights and lets no affine pass (forward)
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.variable params @weight : tensor<4x3x3x3xf32>
bnc.graph model @no_fold_when_other_values_are_padded(%x: tensor<?x3x5x5xf32> {bnc.name = "image"})
    -> tensor<?x4x5x5xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x5x5xf32>
      loc("bn"("net.onnx":2:0))
  %1 = bnc.pad %0 {high = array<i64: 0, 0, 1, 1>, low = array<i64: 0, 0, 1, 1>, value = 0.0 : f64}
      : (tensor<?x3x5x5xf32>) -> tensor<?x3x7x7xf32> loc("pad"("net.onnx":12:0))
  %weight = bnc.read @weight : tensor<4x3x3x3xf32>
  %2 = bnc.conv %1, %weight {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x7x7xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x5x5xf32> loc("conv"("net.onnx":13:0))
  bnc.return %2 : tensor<?x4x5x5xf32>
}
