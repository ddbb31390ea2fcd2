// The updates of all parameters become one step over all of them; assignments of parameters and optimizer state go.
// RUN: bnc-opt %s --bnc-merge-updates | FileCheck %s

bnc.variable params @w : tensor<4xf32>
bnc.variable params @b : tensor<2xf32>
bnc.variable optimizer @"bnc.optimizer/momentum/w" : tensor<4xf32>
bnc.variable optimizer @"bnc.optimizer/momentum/b" : tensor<2xf32>

// CHECK-LABEL: bnc.graph training @step
bnc.graph training @step(%gw: tensor<4xf32>, %gb: tensor<2xf32>) {
  %w = bnc.read @w : tensor<4xf32>
  %b = bnc.read @b : tensor<2xf32>
  %mw = bnc.read @"bnc.optimizer/momentum/w" : tensor<4xf32>
  %mb = bnc.read @"bnc.optimizer/momentum/b" : tensor<2xf32>
  // CHECK-NOT: sgd_update
  // CHECK-NOT: bnc.assign
  // CHECK: bnc.optimize "sgd" [@w, @b](%{{.*}}, %{{.*}}) {nesterov, slots = 1 : i64}
  %w1, %mw1 = bnc.sgd_update %w, %gw, %mw {nesterov} : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  bnc.assign @w, %w1 : tensor<4xf32>
  bnc.assign @"bnc.optimizer/momentum/w", %mw1 : tensor<4xf32>
  %b1, %mb1 = bnc.sgd_update %b, %gb, %mb {nesterov} : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  bnc.assign @b, %b1 : tensor<2xf32>
  bnc.assign @"bnc.optimizer/momentum/b", %mb1 : tensor<2xf32>
  bnc.return
}
