// The updates of all parameters become one step over all of them, and one over those without weight decay; assignments of parameters and optimizer state go.
// RUN: bnc-opt %s --bnc-merge-updates | FileCheck %s

bnc.variable params @w : tensor<4xf32>
bnc.variable params @b : tensor<2xf32>
bnc.variable params @v : tensor<4xf32>
bnc.variable optimizer @"bnc.optimizer/momentum/w" : tensor<4xf32>
bnc.variable optimizer @"bnc.optimizer/momentum/b" : tensor<2xf32>
bnc.variable optimizer @"bnc.optimizer/momentum/v" : tensor<4xf32>

// CHECK-LABEL: bnc.graph training @step
bnc.graph training @step(%gw: tensor<4xf32>, %gb: tensor<2xf32>) {
  %w = bnc.read @w : tensor<4xf32>
  %b = bnc.read @b : tensor<2xf32>
  %mw = bnc.read @"bnc.optimizer/momentum/w" : tensor<4xf32>
  %mb = bnc.read @"bnc.optimizer/momentum/b" : tensor<2xf32>
  // CHECK-NOT: optimizer_update
  // CHECK-NOT: bnc.assign
  // CHECK: bnc.optimize "sgd:momentum,nesterov" [@w, @v](%{{.*}}, %{{.*}}) :
  // CHECK-NEXT: bnc.optimize "sgd:momentum,nesterov" [@b](%{{.*}}) {no_weight_decay} :
  %w1, %mw1 = bnc.optimizer_update "sgd:momentum,nesterov" %w, %gw slots(%mw) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  bnc.assign @w, %w1 : tensor<4xf32>
  bnc.assign @"bnc.optimizer/momentum/w", %mw1 : tensor<4xf32>
  %b1, %mb1 = bnc.optimizer_update "sgd:momentum,nesterov" %b, %gb slots(%mb) {no_weight_decay} : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  bnc.assign @b, %b1 : tensor<2xf32>
  bnc.assign @"bnc.optimizer/momentum/b", %mb1 : tensor<2xf32>
  %v = bnc.read @v : tensor<4xf32>
  %mv = bnc.read @"bnc.optimizer/momentum/v" : tensor<4xf32>
  %v1, %mv1 = bnc.optimizer_update "sgd:momentum,nesterov" %v, %gw slots(%mv) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  bnc.assign @v, %v1 : tensor<4xf32>
  bnc.assign @"bnc.optimizer/momentum/v", %mv1 : tensor<4xf32>
  bnc.return
}
