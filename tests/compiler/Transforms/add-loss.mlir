// Labels and loss of each kind; final activations that the loss contains are stripped.
//
// RUN: bnc-opt %s --bnc-specialize --bnc-add-loss --bnc-simplify -split-input-file 2>/dev/null | FileCheck %s
// RUN: bnc-opt %s --bnc-specialize --bnc-add-loss -split-input-file -verify-diagnostics
// RUN: bnc-opt %S/Inputs/logits.mlir --bnc-specialize --bnc-add-loss=kind=mse | FileCheck %s --check-prefix=MSE
// RUN: bnc-opt %S/Inputs/logits.mlir --bnc-specialize --bnc-add-loss=kind=bce_with_logits --bnc-simplify 2>%t.err \
// RUN:   | FileCheck %s --check-prefix=BCE
// RUN: FileCheck %s --check-prefix=BCE-REMARK < %t.err

// The labels' type is the output's; mean squared error keeps the sigmoid, binary cross entropy contains it.
// MSE: bnc.graph training @logits_train(%{{.*}}, %[[L:.*]]: tensor<?x3xf32> {bnc.name = "labels"})
// MSE: %[[Y:.*]] = bnc.sigmoid
// MSE: bnc.loss mse %[[Y]], %[[L]] : (tensor<?x3xf32>, tensor<?x3xf32>) -> (tensor<?xf32>, tensor<?xf32>)
// BCE: bnc.graph training @logits_train(%[[X:.*]]: {{.*}}, %[[L:.*]]: tensor<?x3xf32> {bnc.name = "labels"})
// BCE-NEXT: bnc.loss bce_with_logits %[[X]], %[[L]]
// BCE-REMARK: remark: sigmoid at the end is stripped in training: bce_with_logits contains it

// CHECK-LABEL: @plain_train(
// CHECK-SAME: %[[X:.*]]: tensor<?x3xf32> {bnc.name = "x"}, %[[L:.*]]: tensor<?xi32> {bnc.name = "labels"}
// CHECK-SAME: -> (tensor<?xf32> {bnc.name = "losses"}, tensor<?xf32> {bnc.name = "correct"})
// CHECK-NEXT: %[[LOSS:.*]], %[[CORRECT:.*]] = bnc.loss softmax_cross_entropy %[[X]], %[[L]]
// CHECK-NEXT: bnc.return %[[LOSS]], %[[CORRECT]]
bnc.graph model @plain(%x: tensor<?x3xf32> {bnc.name = "x"}) -> (tensor<?x3xf32> {bnc.name = "y"}) {
  bnc.return %x : tensor<?x3xf32>
}

// -----

// CHECK-LABEL: @softmax_train(
// CHECK-SAME: %[[X:.*]]: tensor<8x3xf32>
// CHECK-SAME: tensor<8xi32> {bnc.name = "labels"}
// CHECK-NEXT: bnc.loss softmax_cross_entropy %[[X]]
bnc.graph model @softmax(%x: tensor<8x3xf32>) -> tensor<8x3xf32> {
  // expected-remark @below {{softmax at the end is stripped in training: softmax_cross_entropy contains it}}
  %0 = bnc.softmax %x {axis = 1 : i64} : tensor<8x3xf32>
  bnc.return %0 : tensor<8x3xf32>
}

// -----

// Pixels of an image of one pixel are classes too; so are the inputs of a log_softmax before Flatten.
// CHECK-LABEL: @log_softmax_then_flatten_train(
// CHECK-NEXT: %[[Y:.*]] = bnc.reshape %{{.*}} {shape = array<i64: -1, 3>} : (tensor<?x3x1x1xf32>) -> tensor<?x3xf32>
// CHECK-NEXT: bnc.loss softmax_cross_entropy %[[Y]]
bnc.graph model @log_softmax_then_flatten(%x: tensor<?x3x1x1xf32>) -> tensor<?x3xf32> {
  // expected-remark @below {{log_softmax at the end is stripped in training: softmax_cross_entropy contains it}}
  %0 = bnc.log_softmax %x {axis = 1 : i64} : tensor<?x3x1x1xf32>
  %1 = bnc.reshape %0 {shape = array<i64: -1, 3>} : (tensor<?x3x1x1xf32>) -> tensor<?x3xf32>
  bnc.return %1 : tensor<?x3xf32>
}

// -----

// A softmax over the batch is no classifier's last op.
// CHECK-LABEL: @no_strip_when_softmax_is_over_the_batch_train(
// CHECK: %[[Y:.*]] = bnc.softmax
// CHECK-NEXT: bnc.loss softmax_cross_entropy %[[Y]]
bnc.graph model @no_strip_when_softmax_is_over_the_batch(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %0 = bnc.softmax %x {axis = 0 : i64} : tensor<?x3xf32>
  bnc.return %0 : tensor<?x3xf32>
}
