// The gradient of a bias before batch normalization is zero, and is known to be; gradients that only look alike stay.
//
// RUN: bnc-opt %s --bnc-zero-gradients --bnc-simplify -split-input-file | FileCheck %s

// CHECK-LABEL: @bias(
// CHECK: %[[ZERO:.*]] = bnc.constant dense<0.000000e+00> : tensor<3xf32>
// CHECK-NOT: bnc.reduce_sum
// CHECK: bnc.return %[[ZERO]]
bnc.graph training @bias(%g: tensor<?x3x2xf32>, %x: tensor<?x3x2xf32>) -> tensor<3xf32> {
  %m, %v, %n = bnc.batch_stats %x : (tensor<?x3x2xf32>) -> (tensor<3xf32>, tensor<3xf32>, tensor<i64>)
  %s, %c = bnc.gradient_sums %g, %x, %m : (tensor<?x3x2xf32>, tensor<?x3x2xf32>, tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  %0 = bnc.normalize_gradient %g, %x mean(%m) variance(%v) sums(%s, %c, %n) {epsilon = 1.0e-5}
      : (tensor<?x3x2xf32>, tensor<?x3x2xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<i64>) -> tensor<?x3x2xf32>
  %1 = bnc.reduce_sum %0 {axes = array<i64: 0, 2>} : (tensor<?x3x2xf32>) -> tensor<3xf32>
  bnc.return %1 : tensor<3xf32>
}

// -----

// Through a transpose, a reshape that keeps channels apart, and the gradient of average pooling.
// CHECK-LABEL: @moved(
// CHECK: %[[ZERO:.*]] = bnc.constant dense<0.000000e+00> : tensor<3xf32>
// CHECK: bnc.return %[[ZERO]], %[[ZERO]]
bnc.graph training @moved(%g: tensor<4x3x2x2xf32>, %x: tensor<4x3x2x2xf32>)
    -> (tensor<3xf32>, tensor<3xf32>) {
  %m, %v, %n = bnc.batch_stats %x : (tensor<4x3x2x2xf32>) -> (tensor<3xf32>, tensor<3xf32>, tensor<i64>)
  %s, %c = bnc.gradient_sums %g, %x, %m : (tensor<4x3x2x2xf32>, tensor<4x3x2x2xf32>, tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  %0 = bnc.normalize_gradient %g, %x mean(%m) variance(%v) sums(%s, %c, %n) {epsilon = 1.0e-5}
      : (tensor<4x3x2x2xf32>, tensor<4x3x2x2xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<i64>) -> tensor<4x3x2x2xf32>
  %1 = bnc.transpose %0 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<4x3x2x2xf32>) -> tensor<4x2x2x3xf32>
  %2 = bnc.reshape %1 {shape = array<i64: 4, 4, 3>} : (tensor<4x2x2x3xf32>) -> tensor<4x4x3xf32>
  %3 = bnc.reduce_sum %2 {axes = array<i64: 0, 1>} : (tensor<4x4x3xf32>) -> tensor<3xf32>
  %4 = bnc.avg_pool_gradient %0 {input_shape = array<i64: 4, 4>, kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<4x3x2x2xf32>) -> tensor<4x3x4x4xf32>
  %5 = bnc.reduce_sum %4 {axes = array<i64: 0, 2, 3>} : (tensor<4x3x4x4xf32>) -> tensor<3xf32>
  bnc.return %3, %5 : tensor<3xf32>, tensor<3xf32>
}

// -----

// Frozen statistics take no constant away.
// CHECK-LABEL: @no_zero_when_frozen(
// CHECK: bnc.reduce_sum
bnc.graph training @no_zero_when_frozen(%g: tensor<?x3x2xf32>, %x: tensor<?x3x2xf32>, %m: tensor<3xf32>, %v: tensor<3xf32>)
    -> tensor<3xf32> {
  %0 = bnc.normalize_gradient %g, %x mean(%m) variance(%v) {epsilon = 1.0e-5}
      : (tensor<?x3x2xf32>, tensor<?x3x2xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<?x3x2xf32>
  %1 = bnc.reduce_sum %0 {axes = array<i64: 0, 2>} : (tensor<?x3x2xf32>) -> tensor<3xf32>
  bnc.return %1 : tensor<3xf32>
}

// -----

// Only the sum over everything but the channels is zero, not one over less or over other groups (a bias per pixel, a
// gradient flattened so that pixels and channels share a dimension).
// CHECK-LABEL: @no_zero_when_other_sums(
// CHECK: bnc.reduce_sum
// CHECK: bnc.reduce_sum
bnc.graph training @no_zero_when_other_sums(%g: tensor<?x2x2xf32>, %x: tensor<?x2x2xf32>) -> (tensor<2xf32>, tensor<4xf32>) {
  %m, %v, %n = bnc.batch_stats %x : (tensor<?x2x2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<i64>)
  %s, %c = bnc.gradient_sums %g, %x, %m : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  %0 = bnc.normalize_gradient %g, %x mean(%m) variance(%v) sums(%s, %c, %n) {epsilon = 1.0e-5}
      : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<i64>) -> tensor<?x2x2xf32>
  %1 = bnc.reduce_sum %0 {axes = array<i64: 0, 1>} : (tensor<?x2x2xf32>) -> tensor<2xf32>
  %2 = bnc.reshape %0 {shape = array<i64: -1, 4>} : (tensor<?x2x2xf32>) -> tensor<?x4xf32>
  %3 = bnc.reduce_sum %2 {axes = array<i64: 0>} : (tensor<?x4xf32>) -> tensor<4xf32>
  bnc.return %1, %3 : tensor<2xf32>, tensor<4xf32>
}
