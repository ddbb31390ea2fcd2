// Gradients become results of the training graph, one per trainable parameter that matters.
//
// RUN: bnc-opt %s --bnc-specialize --bnc-add-loss --bnc-differentiate --cse --bnc-simplify -split-input-file 2>/dev/null \
// RUN:   | FileCheck %s
// RUN: bnc-opt %s --bnc-specialize --bnc-add-loss --bnc-differentiate -split-input-file -verify-diagnostics

// CHECK-LABEL: @net_train(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x5xf32>, %[[L:[^:]*]]: tensor<?xi32>
// CHECK-SAME: tensor<3x5xf32> {bnc.gradient = @weight}, tensor<3xf32> {bnc.gradient = @bias})
// CHECK: %[[Y:.*]] = bnc.dense
// CHECK: %[[LOSS:.*]], %[[CORRECT:.*]] = bnc.loss softmax_cross_entropy %[[Y]], %[[L]]
// CHECK: %[[SEED:.*]] = bnc.loss_gradient softmax_cross_entropy %[[Y]], %[[L]]
// CHECK-DAG: %[[DW:.*]] = bnc.dense_weight_gradient %[[SEED]], %[[X]]
// CHECK-DAG: %[[DB:.*]] = bnc.reduce_sum %[[SEED]] {axes = array<i64: 0>}
// CHECK: bnc.return %[[LOSS]], %[[CORRECT]], %[[DW]], %[[DB]]
bnc.variable params @weight : tensor<3x5xf32>
bnc.variable params @bias : tensor<3xf32>
bnc.variable params @kept : tensor<3x5xf32> {trainable = false}
// expected-remark @below {{parameter @unread does not influence the loss; training leaves it as it is}}
bnc.variable params @unread : tensor<3xf32>
// expected-remark @below {{parameter @aside does not influence the loss; training leaves it as it is}}
bnc.variable params @aside : tensor<5xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.graph model @net(%x: tensor<?x5xf32>) -> tensor<?x3xf32> {
  %w = bnc.read @weight : tensor<3x5xf32>
  %b = bnc.read @bias : tensor<3xf32>
  %0 = bnc.dense %x, %w, %b : (tensor<?x5xf32>, tensor<3x5xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %a = bnc.read @aside : tensor<5xf32>
  %1 = bnc.mul %x, %a : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
  bnc.return %0 : tensor<?x3xf32>
}

// -----

// A parameter that is read twice has one gradient, the sum.
// CHECK-LABEL: @shared_train(
// CHECK-SAME: -> (tensor<?xf32> {bnc.name = "losses"}, tensor<?xf32> {bnc.name = "correct"}, tensor<3x3xf32> {bnc.gradient = @weight})
// CHECK-DAG: %[[A:.*]] = bnc.dense_weight_gradient
// CHECK-DAG: %[[B:.*]] = bnc.dense_weight_gradient
// CHECK: %[[SUM:.*]] = bnc.add
// CHECK: bnc.return %{{.*}}, %{{.*}}, %[[SUM]]
bnc.variable params @weight : tensor<3x3xf32>
bnc.graph model @shared(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %w0 = bnc.read @weight : tensor<3x3xf32>
  %0 = bnc.dense %x, %w0 : (tensor<?x3xf32>, tensor<3x3xf32>) -> tensor<?x3xf32>
  %w1 = bnc.read @weight : tensor<3x3xf32>
  %1 = bnc.dense %0, %w1 : (tensor<?x3xf32>, tensor<3x3xf32>) -> tensor<?x3xf32>
  bnc.return %1 : tensor<?x3xf32>
}
