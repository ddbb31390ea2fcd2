// Dropout is the identity in inference, and in inference only.
//
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-remove-dropout | FileCheck %s
// RUN: bnc-opt %s --bnc-specialize=phase=training --bnc-remove-dropout | FileCheck %s --check-prefix=TRAIN

// CHECK: bnc.graph inference @net_infer(%[[X:.*]]: tensor
// CHECK-NEXT: bnc.relu %[[X]]
// TRAIN: bnc.dropout
bnc.graph model @net(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %0 = bnc.dropout %x {ratio = 0.5 : f64} : tensor<?x2xf32>
  %1 = bnc.relu %0 : tensor<?x2xf32>
  bnc.return %1 : tensor<?x2xf32>
}
