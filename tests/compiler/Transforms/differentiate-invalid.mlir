// Nothing to train.
//
// RUN: bnc-opt %s --bnc-specialize --bnc-add-loss --bnc-differentiate -split-input-file -verify-diagnostics
// RUN: not bnc-opt %S/Inputs/logits.mlir --bnc-specialize --bnc-differentiate 2>&1 | FileCheck %s --check-prefix=LOSS

// LOSS: has 0 bnc.loss ops; expected the one that bnc-add-loss adds

bnc.variable params @weight : tensor<3xf32> {trainable = false}
// expected-error @below {{reads no trainable parameter; there is nothing to train}}
bnc.graph model @all_kept(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %w = bnc.read @weight : tensor<3xf32>
  %0 = bnc.mul %x, %w : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  bnc.return %0 : tensor<?x3xf32>
}

// -----

// expected-remark @below {{parameter @weight does not influence the loss; training leaves it as it is}}
bnc.variable params @weight : tensor<3xf32>
// expected-error @below {{has no path from a trainable parameter to its loss; there is nothing to train}}
bnc.graph model @no_path(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %w = bnc.read @weight : tensor<3xf32>
  %0 = bnc.mul %x, %w : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  bnc.return %x : tensor<?x3xf32>
}
