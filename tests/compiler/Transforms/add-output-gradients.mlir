// The application's own loss: it gives a gradient for each output, and gets the outputs.
//
// RUN: bnc-opt %s --bnc-specialize --bnc-add-output-gradients --split-input-file --verify-diagnostics | FileCheck %s
// RUN: not bnc-opt %s --bnc-specialize --bnc-add-output-gradients --bnc-differentiate --split-input-file 2>/dev/null | FileCheck %s --check-prefix=BACKWARD

// CHECK-LABEL: @net_train
// CHECK-SAME: %[[GY:.*]]: tensor<?x3xf32> {bnc.name = "y_gradient", bnc.output_gradient = 0 : i64}
// CHECK-SAME: %[[GZ:.*]]: tensor<?x3xf32> {bnc.name = "z_gradient", bnc.output_gradient = 1 : i64}
// CHECK: %[[Y:.*]] = bnc.mul %{{.*}}, %{{.*}} : (tensor<?x3xf32>, tensor<f32>)
// CHECK: %[[Z:.*]] = bnc.mul %{{.*}}, %{{.*}} : (tensor<?x3xf32>, tensor<f32>)
// CHECK: bnc.return %[[Y]], %[[Z]]
// BACKWARD: -> (tensor<?x3xf32> {bnc.name = "y"}, tensor<?x3xf32> {bnc.name = "z"}, tensor<3xf32> {bnc.gradient = @w})
bnc.variable params @w : tensor<3xf32>
bnc.graph model @net(%x: tensor<?x3xf32> {bnc.name = "x"}) -> (tensor<?x3xf32> {bnc.name = "y"}, tensor<?x3xf32> {bnc.name = "z"}) {
  %w = bnc.read @w : tensor<3xf32>
  %0 = bnc.mul %x, %w : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %1 = bnc.relu %0 : tensor<?x3xf32>
  bnc.return %0, %1 : tensor<?x3xf32>, tensor<?x3xf32>
}

// -----

bnc.variable params @w : tensor<3xf32>
// expected-error @below {{has the output 'y' of type 'tensor<?xf32>'; a loss of the application's own needs floats (N, values...)}}
bnc.graph model @net(%x: tensor<?xf32> {bnc.name = "x"}) -> (tensor<?xf32> {bnc.name = "y"}) {
  bnc.return %x : tensor<?xf32>
}
