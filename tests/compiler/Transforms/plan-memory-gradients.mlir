// Gradients end where the activations' memory does, the first ones last; each parameter has one of its own.
// RUN: bnc-opt %s --bnc-training-pipeline --bnc-lower-normalization --bnc-merge-updates --bnc-form-kernels --bnc-lower-kernels --cse --bnc-plan-memory 2>/dev/null | FileCheck %s

// The later a gradient is known the further in front it lies; the one that is zero is written when all others are.
// CHECK: @conv.bias {{.*}}bnc.offset = 0 :
// CHECK: @b2 {{.*}}bnc.offset = 4192 :
// CHECK: @b1 {{.*}}bnc.offset = 4208 :
// CHECK: @fc.weight {{.*}}bnc.offset = 96 :
// CHECK: @conv.weight {{.*}}bnc.offset = 16 :
//
// Where the first gradients, 128 bytes, are written, the activations of a sample reach up to 4352 bytes; where all are, up to
// 128, as they would without gaps.
// CHECK: bnc.gradient_live_rooms = array<i64: 128, 16896, 4288, 16512, 4352, 128>, bnc.gradient_rooms = array<i64: 128, 16896, 4288, 16512, 4352, 128>, bnc.scaled_bytes = 4352
//
// Two biases of one value have gradients of their own, and a weight of another shape has one.
// CHECK: %[[B2:.*]] = bnc.channel_gradient {{.*}}<gradients, 16768, 0>
// CHECK: %[[B1:.*]] = bnc.channel_gradient {{.*}}<gradients, 16832, 0>
// CHECK: %[[FC:.*]] = bnc.merge_slices {{.*}}<gradients, 384, 0>
// CHECK: %[[SLICES:.*]] = bnc.merge_slices {{.*}}<gradients, 64, 0>
// CHECK-NEXT: %[[CONV:.*]] = bnc.reshape %[[SLICES]]
// CHECK-NEXT: %[[ZERO:.*]] = bnc.constant {{.*}}program = 1 : i64, {{.*}}<gradients, 0, 0>
// CHECK: bnc.optimize "sgd" [@conv.bias, @b2, @b1, @fc.weight, @conv.weight](%[[ZERO]], %[[B2]], %[[B1]], %[[FC]], %[[CONV]])
module attributes {bnc.phase = "import"} {
  bnc.variable params @conv.bias : tensor<8xf32>
  bnc.variable params @b2 : tensor<8xf32>
  bnc.variable params @b1 : tensor<8xf32>
  bnc.variable params @fc.weight : tensor<8x512xf32>
  bnc.variable params @conv.weight : tensor<24x1x3xf32>
  bnc.variable batch_stats @mean : tensor<8xf32>
  bnc.variable batch_stats @variance : tensor<8xf32>
  bnc.graph model @net(%x: tensor<?x3x8x8xf32> {bnc.name = "x"}) -> (tensor<?x8xf32> {bnc.name = "y"}) {
    %w = bnc.read @conv.weight : tensor<24x1x3xf32>
    %w4 = bnc.reshape %w {shape = array<i64: 8, 3, 1, 3>} : (tensor<24x1x3xf32>) -> tensor<8x3x1x3xf32>
    %cb = bnc.read @conv.bias : tensor<8xf32>
    %a = bnc.conv %x, %w4, %cb {strides = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 1>, dilations = array<i64: 1, 1>} : (tensor<?x3x8x8xf32>, tensor<8x3x1x3xf32>, tensor<8xf32>) -> tensor<?x8x8x8xf32>
    %m = bnc.read @mean : tensor<8xf32>
    %v = bnc.read @variance : tensor<8xf32>
    %b = bnc.batch_norm %a mean(%m : tensor<8xf32>) variance(%v : tensor<8xf32>) {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x8x8x8xf32>
    %r = bnc.relu %b : tensor<?x8x8x8xf32>
    %f = bnc.reshape %r {shape = array<i64: -1, 512>} : (tensor<?x8x8x8xf32>) -> tensor<?x512xf32>
    %fw = bnc.read @fc.weight : tensor<8x512xf32>
    %b1 = bnc.read @b1 : tensor<8xf32>
    %b2 = bnc.read @b2 : tensor<8xf32>
    %0 = bnc.dense %f, %fw, %b1 : (tensor<?x512xf32>, tensor<8x512xf32>, tensor<8xf32>) -> tensor<?x8xf32>
    %1 = bnc.add %0, %b2 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
    bnc.return %1 : tensor<?x8xf32>
  }
}
