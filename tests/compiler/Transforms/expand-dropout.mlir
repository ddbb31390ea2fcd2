// Dropout in training: keys for every sample, their application, and the same in backward; layers are counted.
//
// RUN: bnc-opt %s --bnc-expand-dropout | FileCheck %s
// RUN: bnc-opt %s --bnc-expand-dropout --bnc-differentiate 2>/dev/null | FileCheck %s --check-prefix=BACKWARD

// CHECK-LABEL: @net_train
// CHECK: %[[K0:.*]] = bnc.dropout_keys {layer = 0 : i64} : tensor<?xi32>
// CHECK: %[[A:.*]] = bnc.apply_dropout %{{.*}}, %[[K0]] {ratio = 5.000000e-01 : f64}
// CHECK: %[[K1:.*]] = bnc.dropout_keys {layer = 1 : i64} : tensor<?xi32>
// CHECK: bnc.apply_dropout %[[A]], %[[K1]] {ratio = 2.500000e-01 : f64}
// CHECK-NOT: bnc.dropout
// BACKWARD: %[[K0:.*]] = bnc.dropout_keys {layer = 0
// BACKWARD: %[[K1:.*]] = bnc.dropout_keys {layer = 1
// BACKWARD: %[[G:.*]] = bnc.loss_gradient
// BACKWARD: %[[G1:.*]] = bnc.apply_dropout %[[G]], %[[K1]] {ratio = 2.500000e-01
// BACKWARD: bnc.apply_dropout %[[G1]], %[[K0]] {ratio = 5.000000e-01
bnc.variable params @w : tensor<3xf32>
bnc.graph training @net_train(%x: tensor<?x3xf32>, %l: tensor<?xi32> {bnc.name = "labels"}) -> (tensor<?xf32>, tensor<?xf32>) {
  %w = bnc.read @w : tensor<3xf32>
  %0 = bnc.mul %x, %w : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %1 = bnc.dropout %0 {ratio = 0.5 : f64} : tensor<?x3xf32>
  %2 = bnc.dropout %1 {ratio = 0.25 : f64} : tensor<?x3xf32>
  %losses, %correct = bnc.loss softmax_cross_entropy %2, %l : (tensor<?x3xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  bnc.return %losses, %correct : tensor<?xf32>, tensor<?xf32>
}
