// The name of the node that an op comes from stays with the op: through text, and in what is derived from it.
//
// RUN: bnc-opt %s --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s
// RUN: bnc-opt %s --verify-roundtrip --mlir-print-debuginfo -o %t
// RUN: not bnc-evaluate %s --check-gradients 2>&1 | FileCheck %s --check-prefix=ERROR

// CHECK: bnc.graph model @net
// CHECK: bnc.conv {{.*}} loc("stage1/conv1"("resnet18.onnx":3:0))
// CHECK: bnc.dropout {{.*}} loc("drop"("resnet18.onnx":4:0))

// ERROR: error: resnet18.onnx: node 'drop' (dropout): has ratio = 5.000000e-01; dropout must be expanded before differentiation
bnc.graph model @net(%x: tensor<?x3x4x4xf32>, %w: tensor<2x3x1x1xf32>) -> (tensor<?x2x4x4xf32>) {
  %0 = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x3x4x4xf32>, tensor<2x3x1x1xf32>) -> tensor<?x2x4x4xf32> loc("stage1/conv1"("resnet18.onnx":3:0))
  %1 = bnc.dropout %0 {ratio = 0.5} : tensor<?x2x4x4xf32> loc("drop"("resnet18.onnx":4:0))
  bnc.return %1 : tensor<?x2x4x4xf32>
}
