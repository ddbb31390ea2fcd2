// Rewrites that change no bit of any value.
//
// RUN: bnc-opt %s --bnc-simplify -split-input-file | FileCheck %s
// RUN: bnc-opt %s --bnc-simplify -split-input-file --mlir-print-debuginfo --mlir-print-local-scope \
// RUN:   | FileCheck %s --check-prefix=LOC

// A transpose and its inverse.
// CHECK-LABEL: @transposes_cancel(
// CHECK-SAME: %[[X:.*]]: tensor
// CHECK-NEXT: bnc.return %[[X]]
bnc.graph model @transposes_cancel(%x: tensor<?x2x3xf32>) -> tensor<?x2x3xf32> {
  %0 = bnc.transpose %x {permutation = array<i64: 2, 0, 1>} : (tensor<?x2x3xf32>) -> tensor<3x?x2xf32>
  %1 = bnc.transpose %0 {permutation = array<i64: 1, 2, 0>} : (tensor<3x?x2xf32>) -> tensor<?x2x3xf32>
  bnc.return %1 : tensor<?x2x3xf32>
}

// -----

// CHECK-LABEL: @transposes_compose(
// CHECK: bnc.transpose %{{.*}} {permutation = array<i64: 1, 2, 0>} : (tensor<4x2x3xf32>) -> tensor<2x3x4xf32>
// CHECK-NOT: bnc.transpose
bnc.graph model @transposes_compose(%x: tensor<4x2x3xf32>) -> tensor<2x3x4xf32> {
  %0 = bnc.transpose %x {permutation = array<i64: 2, 0, 1>} : (tensor<4x2x3xf32>) -> tensor<3x4x2xf32>
  %1 = bnc.transpose %0 {permutation = array<i64: 2, 0, 1>} : (tensor<3x4x2xf32>) -> tensor<2x3x4xf32>
  bnc.return %1 : tensor<2x3x4xf32>
}

// -----

// CHECK-LABEL: @reshapes_compose(
// CHECK: bnc.reshape %{{.*}} {shape = array<i64: -1, 3, 2>} : (tensor<?x6xf32>) -> tensor<?x3x2xf32>
// CHECK-NOT: bnc.reshape
// LOC: bnc.reshape {{.*}} loc(fused["a"("net.onnx":1:0), "b"("net.onnx":2:0)])
bnc.graph model @reshapes_compose(%x: tensor<?x6xf32>) -> tensor<?x3x2xf32> {
  %0 = bnc.reshape %x {shape = array<i64: -1, 2, 3>} : (tensor<?x6xf32>) -> tensor<?x2x3xf32> loc("a"("net.onnx":1:0))
  %1 = bnc.reshape %0 {shape = array<i64: -1, 3, 2>} : (tensor<?x2x3xf32>) -> tensor<?x3x2xf32> loc("b"("net.onnx":2:0))
  bnc.return %1 : tensor<?x3x2xf32>
}

// -----

// CHECK-LABEL: @identities(
// CHECK-SAME: %[[X:.*]]: tensor
// CHECK-NEXT: bnc.return %[[X]]
bnc.graph model @identities(%x: tensor<?x2x3xf32>) -> tensor<?x2x3xf32> {
  %0 = bnc.reshape %x {shape = array<i64: -1, 2, 3>} : (tensor<?x2x3xf32>) -> tensor<?x2x3xf32>
  %1 = bnc.pad %0 {low = array<i64: 0, 0, 0>, high = array<i64: 0, 0, 0>, value = 1.0 : f64}
      : (tensor<?x2x3xf32>) -> tensor<?x2x3xf32>
  %2 = bnc.slice %1 {starts = array<i64: 0, 0, 0>, sizes = array<i64: -1, 2, 3>, steps = array<i64: 1, 1, 1>}
      : (tensor<?x2x3xf32>) -> tensor<?x2x3xf32>
  %3 = bnc.concat %2 {axis = 1 : i64} : (tensor<?x2x3xf32>) -> tensor<?x2x3xf32>
  %4 = bnc.dropout %3 {ratio = 0.0 : f64} : tensor<?x2x3xf32>
  %5 = bnc.cast %4 : tensor<?x2x3xf32> to tensor<?x2x3xf32>
  %6 = bnc.reduce_sum %5 {axes = array<i64>} : (tensor<?x2x3xf32>) -> tensor<?x2x3xf32>
  %7 = bnc.reduce_mean %6 {axes = array<i64>} : (tensor<?x2x3xf32>) -> tensor<?x2x3xf32>
  %8 = bnc.reduce_max %7 {axes = array<i64>} : (tensor<?x2x3xf32>) -> tensor<?x2x3xf32>
  %9 = bnc.transpose %8 {permutation = array<i64: 0, 1, 2>} : (tensor<?x2x3xf32>) -> tensor<?x2x3xf32>
  bnc.return %9 : tensor<?x2x3xf32>
}

// -----

// CHECK-LABEL: @pools_of_one(
// CHECK-SAME: %[[X:.*]]: tensor
// CHECK-NEXT: %[[Y:.*]] = bnc.max_pool %[[X]]
// CHECK-NEXT: bnc.return %[[Y]]
bnc.graph model @pools_of_one(%x: tensor<?x2x3x3xf32>) -> tensor<?x2x2x2xf32> {
  %0 = bnc.avg_pool %x {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x2x3x3xf32>) -> tensor<?x2x3x3xf32>
  %1 = bnc.max_pool %0 {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x2x3x3xf32>) -> tensor<?x2x3x3xf32>
  %2 = bnc.max_pool %1 {kernel = array<i64: 1, 1>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x2x3x3xf32>) -> tensor<?x2x2x2xf32>
  bnc.return %2 : tensor<?x2x2x2xf32>
}

// -----

// These look alike and do something: real padding, a narrower slice, dropout, a sum over a dimension of size 1 that
// stays.
// CHECK-LABEL: @no_change_when_ops_do_something(
// CHECK: bnc.pad
// CHECK: bnc.slice
// CHECK: bnc.dropout
// CHECK: bnc.reduce_sum
bnc.graph model @no_change_when_ops_do_something(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %0 = bnc.pad %x {low = array<i64: 0, 1>, high = array<i64: 0, 0>, value = 1.0 : f64}
      : (tensor<?x1xf32>) -> tensor<?x2xf32>
  %1 = bnc.slice %0 {starts = array<i64: 0, 1>, sizes = array<i64: -1, 1>, steps = array<i64: 1, 1>}
      : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %2 = bnc.dropout %1 {ratio = 0.5 : f64} : tensor<?x1xf32>
  %3 = bnc.reduce_sum %2 {axes = array<i64: 1>, keep_dims} : (tensor<?x1xf32>) -> tensor<?x1xf32>
  bnc.return %3 : tensor<?x1xf32>
}

// -----

// CHECK-LABEL: @splats(
// CHECK: %[[C:.*]] = bnc.constant dense<1.000000e+00> : tensor<3x2xf32>
// CHECK-NEXT: bnc.return %[[C]]
bnc.graph model @splats() -> tensor<3x2xf32> {
  %0 = bnc.constant dense<1.0> : tensor<6xf32>
  %1 = bnc.reshape %0 {shape = array<i64: 2, 3>} : (tensor<6xf32>) -> tensor<2x3xf32>
  %2 = bnc.transpose %1 {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  bnc.return %2 : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: @dead_ops(
// CHECK-NOT: bnc.relu
// CHECK-NOT: bnc.read
bnc.variable params @unused : tensor<2xf32>
bnc.graph model @dead_ops(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %0 = bnc.read @unused : tensor<2xf32>
  %1 = bnc.relu %x : tensor<?x2xf32>
  bnc.return %x : tensor<?x2xf32>
}

// -----

// A concat joins an earlier one of its first inputs, the longest there is.
// CHECK-LABEL: @concats_nest(
// CHECK-SAME: %[[A:.*]]: tensor<?x2xf32>, %[[B:.*]]: tensor<?x3xf32>, %[[C:.*]]: tensor<?x4xf32>
// CHECK-NEXT: %[[AB:.*]] = bnc.concat %[[A]], %[[B]] {axis = 1 : i64}
// CHECK-NEXT: %[[ABC:.*]] = bnc.concat %[[AB]], %[[C]] {axis = 1 : i64}
// CHECK-NEXT: %[[ABCA:.*]] = bnc.concat %[[ABC]], %[[A]] {axis = 1 : i64}
// CHECK-NEXT: %[[BA:.*]] = bnc.concat %[[B]], %[[A]] {axis = 1 : i64}
// CHECK-NEXT: bnc.return %[[AB]], %[[ABC]], %[[ABCA]], %[[BA]]
bnc.graph model @concats_nest(%a: tensor<?x2xf32>, %b: tensor<?x3xf32>, %c: tensor<?x4xf32>)
    -> (tensor<?x5xf32>, tensor<?x9xf32>, tensor<?x11xf32>, tensor<?x5xf32>) {
  %0 = bnc.concat %a, %b {axis = 1 : i64} : (tensor<?x2xf32>, tensor<?x3xf32>) -> tensor<?x5xf32>
  %1 = bnc.concat %a, %b, %c {axis = 1 : i64} : (tensor<?x2xf32>, tensor<?x3xf32>, tensor<?x4xf32>) -> tensor<?x9xf32>
  %2 = bnc.concat %a, %b, %c, %a {axis = 1 : i64} : (tensor<?x2xf32>, tensor<?x3xf32>, tensor<?x4xf32>, tensor<?x2xf32>) -> tensor<?x11xf32>
  %3 = bnc.concat %b, %a {axis = 1 : i64} : (tensor<?x3xf32>, tensor<?x2xf32>) -> tensor<?x5xf32>
  bnc.return %0, %1, %2, %3 : tensor<?x5xf32>, tensor<?x9xf32>, tensor<?x11xf32>, tensor<?x5xf32>
}
