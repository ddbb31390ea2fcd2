// Where paths join and part, and dimensions: concat, slice, add, mean.
//
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-fold-batch-norm -split-input-file 2>/dev/null | FileCheck %s
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-fold-batch-norm --bnc-report-carried \
// RUN:   -split-input-file -o /dev/null 2>&1 | grep -v "see current operation" | FileCheck %s --check-prefix=REMARK

// The channels beside are multiplied by 1 and moved by 0.
// CHECK-LABEL: @forward_concat_infer
// CHECK: %[[SLOPE:.*]], %[[INTERCEPT:.*]] = bnc.fold_coefficients
// CHECK-DAG: %[[ONES:.*]] = bnc.constant dense<1.000000e+00> : tensor<2xf64>
// CHECK-DAG: %[[ZEROS:.*]] = bnc.constant dense<0.000000e+00> : tensor<2xf64>
// CHECK-DAG: bnc.concat %[[ONES]], %[[SLOPE]] {axis = 0 : i64}
// CHECK-DAG: bnc.concat %[[ZEROS]], %[[INTERCEPT]] {axis = 0 : i64}
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (forward)
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.variable params @weight : tensor<4x5x3x3xf32>
bnc.graph model @forward_concat(%x: tensor<?x2x4x4xf32>, %x1: tensor<?x3x4x4xf32>) -> tensor<?x4x4x4xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x1 scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x4x4xf32>
      loc("bn"("net.onnx":2:0))
  %1 = bnc.concat %x, %0 {axis = 1 : i64}
      : (tensor<?x2x4x4xf32>, tensor<?x3x4x4xf32>) -> tensor<?x5x4x4xf32> loc("join"("net.onnx":12:0))
  %weight = bnc.read @weight : tensor<4x5x3x3xf32>
  %2 = bnc.conv %1, %weight {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
      : (tensor<?x5x4x4xf32>, tensor<4x5x3x3xf32>) -> tensor<?x4x4x4xf32> loc("conv"("net.onnx":13:0))
  bnc.return %2 : tensor<?x4x4x4xf32>
}

// -----

// One after the other, each into its own channels.
// CHECK-LABEL: @forward_concat_twice_infer
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into conv 'conv', conv 'conv' (forward)
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.variable params @weight : tensor<4x3x3x3xf32>
bnc.graph model @forward_concat_twice(%x: tensor<?x3x4x4xf32>) -> tensor<?x4x2x2xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x4x4xf32>
      loc("bn"("net.onnx":2:0))
  %1 = bnc.concat %0, %0 {axis = 1 : i64}
      : (tensor<?x3x4x4xf32>, tensor<?x3x4x4xf32>) -> tensor<?x6x4x4xf32> loc("join"("net.onnx":12:0))
  %weight = bnc.read @weight : tensor<4x3x3x3xf32>
  %2 = bnc.conv %1, %weight {groups = 2 : i64, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x6x4x4xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x2x2xf32> loc("conv"("net.onnx":13:0))
  bnc.return %2 : tensor<?x4x2x2xf32>
}

// -----

// Flattened, joined with other features, and a part of all that cut out.
// CHECK-LABEL: @forward_concat_of_features_infer
// CHECK: bnc.constant dense<1.000000e+00> : tensor<1x3x4xf64>
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into dense 'fc' (forward)
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.variable params @weight : tensor<5x7xf32>
bnc.graph model @forward_concat_of_features(%x: tensor<?x3x2x2xf32>, %x1: tensor<?x3xf32>) -> tensor<?x5xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x2x2xf32>
      loc("bn"("net.onnx":2:0))
  %1 = bnc.reshape %0 {shape = array<i64: -1, 12>} : (tensor<?x3x2x2xf32>) -> tensor<?x12xf32>
  %2 = bnc.concat %1, %x1 {axis = 1 : i64}
      : (tensor<?x12xf32>, tensor<?x3xf32>) -> tensor<?x15xf32> loc("join"("net.onnx":13:0))
  %3 = bnc.slice %2 {starts = array<i64: 0, 1>, sizes = array<i64: -1, 7>, steps = array<i64: 1, 2>}
      : (tensor<?x15xf32>) -> tensor<?x7xf32> loc("part"("net.onnx":14:0))
  %weight = bnc.read @weight : tensor<5x7xf32>
  %4 = bnc.dense %3, %weight : (tensor<?x7xf32>, tensor<5x7xf32>) -> tensor<?x5xf32> loc("fc"("net.onnx":15:0))
  bnc.return %4 : tensor<?x5xf32>
}

// -----

// Along another dimension both have the same channels.
// CHECK-LABEL: @no_fold_when_pixels_are_joined_infer
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: carried by the load of conv 'conv': input 'x0' has no weights (backward), concat 'join' joins what is normalized with what is not along dimension 2 (forward)
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.variable params @weight : tensor<4x3x1x1xf32>
bnc.graph model @no_fold_when_pixels_are_joined(%x: tensor<?x3x2x4xf32> {bnc.name = "x0"}, %x1: tensor<?x3x2x4xf32> {bnc.name = "x1"})
    -> tensor<?x4x4x4xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x2x4xf32>
      loc("bn"("net.onnx":2:0))
  %1 = bnc.concat %0, %x1 {axis = 2 : i64}
      : (tensor<?x3x2x4xf32>, tensor<?x3x2x4xf32>) -> tensor<?x3x4x4xf32> loc("join"("net.onnx":12:0))
  %weight = bnc.read @weight : tensor<4x3x1x1xf32>
  %2 = bnc.conv %1, %weight {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<4x3x1x1xf32>) -> tensor<?x4x4x4xf32> loc("conv"("net.onnx":13:0))
  bnc.return %2 : tensor<?x4x4x4xf32>
}

// -----

// Normalized as images that two layers made a part of each: their features get coefficients of their own.
// CHECK-LABEL: @concat_of_features_infer
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into dense 'a', dense 'b' (backward)
bnc.variable params @weight.a : tensor<5x3xf32>
bnc.variable params @weight.b : tensor<7x3xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @concat_of_features(%x: tensor<?x3xf32>) -> tensor<?x3x4xf32> {
  %weight_a = bnc.read @weight.a : tensor<5x3xf32>
  %0 = bnc.dense %x, %weight_a : (tensor<?x3xf32>, tensor<5x3xf32>) -> tensor<?x5xf32> loc("a"("net.onnx":11:0))
  %weight_b = bnc.read @weight.b : tensor<7x3xf32>
  %1 = bnc.dense %x, %weight_b : (tensor<?x3xf32>, tensor<7x3xf32>) -> tensor<?x7xf32> loc("b"("net.onnx":12:0))
  %2 = bnc.concat %0, %1 {axis = 1 : i64} : (tensor<?x5xf32>, tensor<?x7xf32>) -> tensor<?x12xf32>
  %3 = bnc.reshape %2 {shape = array<i64: -1, 3, 4>} : (tensor<?x12xf32>) -> tensor<?x3x4xf32>
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %4 = bnc.batch_norm %3 scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x4xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %4 : tensor<?x3x4xf32>
}

// -----

// Slices without a channel in common share a convolution.
// CHECK-LABEL: @split_infer
// CHECK-DAG: bnc.concat %{{.*}}, %{{.*}} {axis = 0 : i64} : (tensor<2xf64>, tensor<3xf64>) -> tensor<5xf64>
// CHECK-DAG: bnc.concat %{{.*}}, %{{.*}} {axis = 0 : i64} : (tensor<2xf64>, tensor<3xf64>) -> tensor<5xf64>
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:1:0: remark: folded into conv 'conv' (backward)
// REMARK: net.onnx:2:0: remark: folded into conv 'conv' (backward)
bnc.variable params @weight : tensor<5x3x3x3xf32>
bnc.variable params @first_scale : tensor<2xf32>
bnc.variable params @first_offset : tensor<2xf32>
bnc.variable batch_stats @first_mean : tensor<2xf32>
bnc.variable batch_stats @first_variance : tensor<2xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @split(%x: tensor<?x3x4x4xf32>) -> (tensor<?x2x2x2xf32>, tensor<?x3x2x2xf32>) {
  %weight = bnc.read @weight : tensor<5x3x3x3xf32>
  %0 = bnc.conv %x, %weight {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<5x3x3x3xf32>) -> tensor<?x5x2x2xf32> loc("conv"("net.onnx":11:0))
  %1 = bnc.slice %0 {starts = array<i64: 0, 0, 0, 0>, sizes = array<i64: -1, 2, 2, 2>, steps = array<i64: 1, 1, 1, 1>}
      : (tensor<?x5x2x2xf32>) -> tensor<?x2x2x2xf32> loc("left"("net.onnx":12:0))
  %first_scale = bnc.read @first_scale : tensor<2xf32>
  %first_offset = bnc.read @first_offset : tensor<2xf32>
  %first_mean = bnc.read @first_mean : tensor<2xf32>
  %first_variance = bnc.read @first_variance : tensor<2xf32>
  %2 = bnc.batch_norm %1 scale(%first_scale : tensor<2xf32>) offset(%first_offset : tensor<2xf32>)
      mean(%first_mean : tensor<2xf32>) variance(%first_variance : tensor<2xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x2x2x2xf32>
      loc("bn1"("net.onnx":1:0))
  %3 = bnc.slice %0 {starts = array<i64: 0, 2, 0, 0>, sizes = array<i64: -1, 3, 2, 2>, steps = array<i64: 1, 1, 1, 1>}
      : (tensor<?x5x2x2xf32>) -> tensor<?x3x2x2xf32> loc("right"("net.onnx":14:0))
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %4 = bnc.batch_norm %3 scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x2x2xf32>
      loc("bn2"("net.onnx":2:0))
  bnc.return %2, %4 : tensor<?x2x2x2xf32>, tensor<?x3x2x2xf32>
}

// -----

// CHECK-LABEL: @no_fold_when_slices_overlap_infer
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: carried by relu 'relu': slice 'left' and slice 'right' take the same channels (backward)
bnc.variable params @weight : tensor<5x3x3x3xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @no_fold_when_slices_overlap(%x: tensor<?x3x4x4xf32>) -> (tensor<?x3x2x2xf32>, tensor<?x3x2x2xf32>) {
  %weight = bnc.read @weight : tensor<5x3x3x3xf32>
  %0 = bnc.conv %x, %weight {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<5x3x3x3xf32>) -> tensor<?x5x2x2xf32> loc("conv"("net.onnx":11:0))
  %1 = bnc.slice %0 {starts = array<i64: 0, 0, 0, 0>, sizes = array<i64: -1, 3, 2, 2>, steps = array<i64: 1, 1, 1, 1>}
      : (tensor<?x5x2x2xf32>) -> tensor<?x3x2x2xf32> loc("left"("net.onnx":12:0))
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %2 = bnc.batch_norm %1 scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x2x2xf32>
      loc("bn"("net.onnx":2:0))
  %3 = bnc.relu %2 : tensor<?x3x2x2xf32> loc("relu"("net.onnx":14:0))
  %4 = bnc.slice %0 {starts = array<i64: 0, 2, 0, 0>, sizes = array<i64: -1, 3, 2, 2>, steps = array<i64: 1, 1, 1, 1>}
      : (tensor<?x5x2x2xf32>) -> tensor<?x3x2x2xf32> loc("right"("net.onnx":15:0))
  bnc.return %3, %4 : tensor<?x3x2x2xf32>, tensor<?x3x2x2xf32>
}

// -----

// CHECK-LABEL: @no_fold_when_the_whole_is_used_besides_infer
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: carried by relu 'relu': the result of conv 'conv' has another use (backward)
bnc.variable params @weight : tensor<5x3x3x3xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @no_fold_when_the_whole_is_used_besides(%x: tensor<?x3x4x4xf32>)
    -> (tensor<?x3x2x2xf32>, tensor<?x5x2x2xf32>) {
  %weight = bnc.read @weight : tensor<5x3x3x3xf32>
  %0 = bnc.conv %x, %weight {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<5x3x3x3xf32>) -> tensor<?x5x2x2xf32> loc("conv"("net.onnx":11:0))
  %1 = bnc.slice %0 {starts = array<i64: 0, 0, 0, 0>, sizes = array<i64: -1, 3, 2, 2>, steps = array<i64: 1, 1, 1, 1>}
      : (tensor<?x5x2x2xf32>) -> tensor<?x3x2x2xf32> loc("left"("net.onnx":12:0))
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %2 = bnc.batch_norm %1 scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x2x2xf32>
      loc("bn"("net.onnx":2:0))
  %3 = bnc.relu %2 : tensor<?x3x2x2xf32> loc("relu"("net.onnx":14:0))
  bnc.return %3, %0 : tensor<?x3x2x2xf32>, tensor<?x5x2x2xf32>
}

// -----

// CHECK-LABEL: @no_fold_when_channels_are_skipped_infer
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: {{.*}}: slice 'odd' takes channels in steps of 2 (backward)
bnc.variable params @weight : tensor<6x3x1x1xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @no_fold_when_channels_are_skipped(%x: tensor<?x3x2x2xf32>) -> tensor<?x3x2x2xf32> {
  %weight = bnc.read @weight : tensor<6x3x1x1xf32>
  %0 = bnc.conv %x, %weight {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x2x2xf32>, tensor<6x3x1x1xf32>) -> tensor<?x6x2x2xf32> loc("conv"("net.onnx":11:0))
  %1 = bnc.slice %0 {starts = array<i64: 0, 1, 0, 0>, sizes = array<i64: -1, 3, 2, 2>, steps = array<i64: 1, 2, 1, 1>}
      : (tensor<?x6x2x2xf32>) -> tensor<?x3x2x2xf32> loc("odd"("net.onnx":12:0))
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %2 = bnc.batch_norm %1 scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x2x2xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %2 : tensor<?x3x2x2xf32>
}

// -----

// The mean of padding and pixels keeps the slope; the intercept takes the other side.
// CHECK-LABEL: @add_beside_counted_padding_infer
// CHECK: %[[SLOPE:.*]], %[[INTERCEPT:.*]] = bnc.fold_coefficients
// CHECK: bnc.cast %[[INTERCEPT]]
// CHECK-NOT: bnc.affine
// REMARK: net.onnx:2:0: remark: folded into conv 'a', conv 'b' (backward)
bnc.variable params @weight.a : tensor<3x3x1x1xf32>
bnc.variable params @weight.b : tensor<3x3x1x1xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @add_beside_counted_padding(%x: tensor<?x3x4x4xf32>) -> tensor<?x3x4x4xf32> {
  %weight_a = bnc.read @weight.a : tensor<3x3x1x1xf32>
  %0 = bnc.conv %x, %weight_a {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<3x3x1x1xf32>) -> tensor<?x3x4x4xf32> loc("a"("net.onnx":11:0))
  %1 = bnc.avg_pool %0 {count_include_pad, kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>) -> tensor<?x3x4x4xf32> loc("pool"("net.onnx":12:0))
  %weight_b = bnc.read @weight.b : tensor<3x3x1x1xf32>
  %2 = bnc.conv %x, %weight_b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<3x3x1x1xf32>) -> tensor<?x3x4x4xf32> loc("b"("net.onnx":13:0))
  %3 = bnc.add %1, %2 : (tensor<?x3x4x4xf32>, tensor<?x3x4x4xf32>) -> tensor<?x3x4x4xf32> loc("sum"("net.onnx":14:0))
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %4 = bnc.batch_norm %3 scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x4x4xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %4 : tensor<?x3x4x4xf32>
}

// -----

// CHECK-LABEL: @no_fold_when_both_sides_count_padding_infer
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: {{.*}}: avg_pool 'left' counts zero padding (backward)
bnc.variable params @weight.a : tensor<3x3x1x1xf32>
bnc.variable params @weight.b : tensor<3x3x1x1xf32>
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @no_fold_when_both_sides_count_padding(%x: tensor<?x3x4x4xf32>) -> tensor<?x3x4x4xf32> {
  %weight_a = bnc.read @weight.a : tensor<3x3x1x1xf32>
  %0 = bnc.conv %x, %weight_a {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<3x3x1x1xf32>) -> tensor<?x3x4x4xf32> loc("a"("net.onnx":11:0))
  %weight_b = bnc.read @weight.b : tensor<3x3x1x1xf32>
  %1 = bnc.conv %x, %weight_b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<3x3x1x1xf32>) -> tensor<?x3x4x4xf32> loc("b"("net.onnx":12:0))
  %2 = bnc.avg_pool %0 {count_include_pad, kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>) -> tensor<?x3x4x4xf32> loc("left"("net.onnx":13:0))
  %3 = bnc.avg_pool %1 {count_include_pad, kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>) -> tensor<?x3x4x4xf32> loc("right"("net.onnx":14:0))
  %4 = bnc.add %2, %3 : (tensor<?x3x4x4xf32>, tensor<?x3x4x4xf32>) -> tensor<?x3x4x4xf32> loc("sum"("net.onnx":15:0))
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %5 = bnc.batch_norm %4 scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x4x4xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %5 : tensor<?x3x4x4xf32>
}

// -----

// One channel is left, which is none of the convolution.
// CHECK-LABEL: @no_fold_when_channels_are_averaged_infer
// CHECK: bnc.affine
// REMARK: net.onnx:2:0: remark: {{.*}}: reduce_mean 'mean' averages over the channels (backward)
bnc.variable params @weight : tensor<5x3x3x3xf32>
bnc.variable params @scale : tensor<1xf32>
bnc.variable params @offset : tensor<1xf32>
bnc.variable batch_stats @mean : tensor<1xf32>
bnc.variable batch_stats @variance : tensor<1xf32>
bnc.graph model @no_fold_when_channels_are_averaged(%x: tensor<?x3x4x4xf32>) -> tensor<?x1x2x2xf32> {
  %weight = bnc.read @weight : tensor<5x3x3x3xf32>
  %0 = bnc.conv %x, %weight {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x4x4xf32>, tensor<5x3x3x3xf32>) -> tensor<?x5x2x2xf32> loc("conv"("net.onnx":11:0))
  %1 = bnc.reduce_mean %0 {axes = array<i64: 1>, keep_dims}
      : (tensor<?x5x2x2xf32>) -> tensor<?x1x2x2xf32> loc("mean"("net.onnx":12:0))
  %scale = bnc.read @scale : tensor<1xf32>
  %offset = bnc.read @offset : tensor<1xf32>
  %mean = bnc.read @mean : tensor<1xf32>
  %variance = bnc.read @variance : tensor<1xf32>
  %2 = bnc.batch_norm %1 scale(%scale : tensor<1xf32>) offset(%offset : tensor<1xf32>)
      mean(%mean : tensor<1xf32>) variance(%variance : tensor<1xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x1x2x2xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %2 : tensor<?x1x2x2xf32>
}

// -----

// Channels, then rows.
// CHECK-LABEL: @no_fold_along_another_dimension_infer
// CHECK-COUNT-2: bnc.affine
// REMARK: net.onnx:1:0: remark: {{.*}}, affine 'bn2' scales along dimension 2, not 1 (forward)
// REMARK: net.onnx:2:0: remark: {{.*}}: affine 'bn1' scales along dimension 1, not 2 (backward)
bnc.variable params @first_scale : tensor<3xf32>
bnc.variable params @first_offset : tensor<3xf32>
bnc.variable batch_stats @first_mean : tensor<3xf32>
bnc.variable batch_stats @first_variance : tensor<3xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @no_fold_along_another_dimension(%x: tensor<?x3x4x4xf32> {bnc.name = "x"}) -> tensor<?x3x4x4xf32> {
  %first_scale = bnc.read @first_scale : tensor<3xf32>
  %first_offset = bnc.read @first_offset : tensor<3xf32>
  %first_mean = bnc.read @first_mean : tensor<3xf32>
  %first_variance = bnc.read @first_variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%first_scale : tensor<3xf32>) offset(%first_offset : tensor<3xf32>)
      mean(%first_mean : tensor<3xf32>) variance(%first_variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x4x4xf32>
      loc("bn1"("net.onnx":1:0))
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {feature_index = 2 : i64, epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x4x4xf32>
      loc("bn2"("net.onnx":2:0))
  bnc.return %1 : tensor<?x3x4x4xf32>
}
