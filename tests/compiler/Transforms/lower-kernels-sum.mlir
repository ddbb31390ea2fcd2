// RUN: bnc-opt %s --bnc-lower-kernels | FileCheck %s

// A sum that is formed again in a kernel of backward goes through a ReLU into scratch once: the ReLU's own gradient reads it
// there, not what the sum is formed from.
// CHECK-LABEL: @sum
bnc.graph training @sum(%g: tensor<?x16x8x8xf32>, %y: tensor<?x16x8x8xf32>, %z: tensor<?x16x8x8xf32>) -> (tensor<16x16x1x1xf32>, tensor<?x16x8x8xf32>) {
  // CHECK: %[[S:.*]] = bnc.add
  // CHECK-NEXT: %[[R:.*]] = bnc.relu %[[S]]
  // CHECK: %[[I:.*]] = bnc.stage %[[R]] {{.*}}pads = array<i64: 0, 0, 0, 0>
  // CHECK: bnc.weight_gradient %{{.*}}, %[[I]]
  // CHECK: bnc.activation_gradient "relu", %{{.*}}, %[[I]]
  %0:2 = bnc.kernel images(1) (%a = %g, %b = %y, %c = %z) {chains = 1 : i64} : (tensor<?x16x8x8xf32>, tensor<?x16x8x8xf32>, tensor<?x16x8x8xf32>) -> (tensor<16x16x1x1xf32>, tensor<?x16x8x8xf32>) {
    %1 = bnc.add %b, %c : (tensor<?x16x8x8xf32>, tensor<?x16x8x8xf32>) -> tensor<?x16x8x8xf32>
    %2 = bnc.relu %1 : tensor<?x16x8x8xf32>
    %3 = bnc.conv_weight_gradient %a, %2 {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x16x8x8xf32>, tensor<?x16x8x8xf32>) -> tensor<16x16x1x1xf32>
    %4 = bnc.activation_gradient "relu", %a, %1 {} : (tensor<?x16x8x8xf32>, tensor<?x16x8x8xf32>) -> tensor<?x16x8x8xf32>
    bnc.yield %3, %4 : tensor<16x16x1x1xf32>, tensor<?x16x8x8xf32>
  }
  // With a border in scratch it is formed twice.
  // CHECK: %[[T:.*]] = bnc.add
  // CHECK: bnc.stage %{{.*}} {{.*}}pads = array<i64: 1, 1, 1, 1>
  // CHECK: bnc.activation_gradient "relu", %{{.*}}, %[[T]]
  %5:2 = bnc.kernel images(1) (%a = %g, %b = %y, %c = %z) {chains = 1 : i64} : (tensor<?x16x8x8xf32>, tensor<?x16x8x8xf32>, tensor<?x16x8x8xf32>) -> (tensor<16x16x3x3xf32>, tensor<?x16x8x8xf32>) {
    %1 = bnc.add %b, %c : (tensor<?x16x8x8xf32>, tensor<?x16x8x8xf32>) -> tensor<?x16x8x8xf32>
    %2 = bnc.relu %1 : tensor<?x16x8x8xf32>
    %3 = bnc.conv_weight_gradient %a, %2 {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x16x8x8xf32>, tensor<?x16x8x8xf32>) -> tensor<16x16x3x3xf32>
    %4 = bnc.activation_gradient "relu", %a, %1 {} : (tensor<?x16x8x8xf32>, tensor<?x16x8x8xf32>) -> tensor<?x16x8x8xf32>
    bnc.yield %3, %4 : tensor<16x16x3x3xf32>, tensor<?x16x8x8xf32>
  }
  bnc.return %0#0, %0#1 : tensor<16x16x1x1xf32>, tensor<?x16x8x8xf32>
}

// Gradients of two paths that meet behind a pool are added up in the register tile that is stored for it.
bnc.variable params @v : tensor<16x16x1x1xf32>
bnc.variable params @w : tensor<16x16x1x1xf32>
// CHECK-LABEL: @paths
bnc.graph training @paths(%g: tensor<?x16x4x4xf32>, %h: tensor<?x16x4x4xf32>, %x: tensor<?x16x8x8xf32>) -> tensor<?x16x8x8xf32> {
  %v = bnc.read @v : tensor<16x16x1x1xf32>
  %w = bnc.read @w : tensor<16x16x1x1xf32>
  // CHECK: %[[A:.*]] = bnc.packed_conv
  // CHECK-NOT: bnc.stage %[[A]]
  // CHECK: %[[B:.*]] = bnc.packed_conv
  // CHECK-NOT: bnc.stage %[[B]]
  // CHECK: %[[SUM:.*]] = bnc.add %[[A]], %[[B]]
  // CHECK: %[[STORED:.*]] = bnc.stage %[[SUM]]
  // CHECK: bnc.route_to_tap %[[STORED]],
  %0 = bnc.kernel images(1) (%a = %g, %b = %h, %c = %x, %d = %v, %e = %w) {chains = 0 : i64} : (tensor<?x16x4x4xf32>, tensor<?x16x4x4xf32>, tensor<?x16x8x8xf32>, tensor<16x16x1x1xf32>, tensor<16x16x1x1xf32>) -> tensor<?x16x8x8xf32> {
    %1 = bnc.conv_input_gradient %a, %d {dilations = array<i64: 1, 1>, input_shape = array<i64: 4, 4>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<?x16x4x4xf32>, tensor<16x16x1x1xf32>) -> tensor<?x16x4x4xf32>
    %2 = bnc.conv_input_gradient %b, %e {dilations = array<i64: 1, 1>, input_shape = array<i64: 4, 4>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<?x16x4x4xf32>, tensor<16x16x1x1xf32>) -> tensor<?x16x4x4xf32>
    %3 = bnc.add %1, %2 : (tensor<?x16x4x4xf32>, tensor<?x16x4x4xf32>) -> tensor<?x16x4x4xf32>
    %4 = bnc.max_pool_gradient %3, %c {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<?x16x4x4xf32>, tensor<?x16x8x8xf32>) -> tensor<?x16x8x8xf32>
    bnc.yield %4 : tensor<?x16x8x8xf32>
  }
  bnc.return %0 : tensor<?x16x8x8xf32>
}
