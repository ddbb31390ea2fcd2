// The gradients become updates; the state of the optimizer becomes variables.
//
// RUN: bnc-opt %s --bnc-add-optimizer | FileCheck %s --check-prefix=SGD
// RUN: bnc-opt %s --bnc-add-optimizer='algorithm=sgd momentum nesterov' | FileCheck %s --check-prefix=MOMENTUM
// RUN: bnc-opt %s --bnc-add-optimizer=algorithm=adam | FileCheck %s --check-prefix=ADAM
// RUN: bnc-opt %s --bnc-add-optimizer=algorithm=adamw | FileCheck %s --check-prefix=ADAMW
// RUN: not bnc-opt %s --bnc-add-optimizer='algorithm=adam momentum' 2>&1 | FileCheck %s --check-prefix=NO-MOMENTUM
// RUN: not bnc-opt %s --bnc-add-optimizer='algorithm=sgd nesterov' 2>&1 | FileCheck %s --check-prefix=NESTEROV
// RUN: bnc-opt %s --bnc-add-optimizer -o %t.mlir
// RUN: not bnc-opt %t.mlir --bnc-add-optimizer 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: bnc-opt %s --bnc-add-optimizer --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s --check-prefix=LOC

// SGD-NOT: bnc.variable optimizer
// SGD: bnc.graph training @net_train(%{{.*}}) -> (tensor<?xf32> {bnc.name = "losses"}, tensor<?xf32> {bnc.name = "correct"}) {
// SGD: %[[G:.*]] = bnc.reduce_sum
// SGD: %[[W:.*]] = bnc.read @fc.weight
// SGD: %[[NEW:.*]] = bnc.sgd_update %[[W]], %[[G]] : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
// SGD: bnc.assign @fc.weight, %[[NEW]]
// SGD: bnc.return %{{.*}}, %{{.*}} : tensor<?xf32>, tensor<?xf32>

// MOMENTUM: bnc.variable params @fc.weight
// MOMENTUM-NEXT: bnc.variable optimizer @"bnc.optimizer/momentum/fc.weight" : tensor<3xf32>
// MOMENTUM: %[[M:.*]] = bnc.read @"bnc.optimizer/momentum/fc.weight"
// MOMENTUM: %[[NEW:.*]], %[[NM:.*]] = bnc.sgd_update %{{.*}}, %{{.*}}, %[[M]] {nesterov}
// MOMENTUM: bnc.assign @fc.weight, %[[NEW]]
// MOMENTUM: bnc.assign @"bnc.optimizer/momentum/fc.weight", %[[NM]]

// ADAM: bnc.variable optimizer @"bnc.optimizer/first_moment/fc.weight" : tensor<3xf32>
// ADAM: bnc.variable optimizer @"bnc.optimizer/second_moment/fc.weight" : tensor<3xf32>
// ADAM: %[[M1:.*]] = bnc.read @"bnc.optimizer/first_moment/fc.weight"
// ADAM: %[[M2:.*]] = bnc.read @"bnc.optimizer/second_moment/fc.weight"
// ADAM: %[[NEW:.*]], %[[N1:.*]], %[[N2:.*]] = bnc.adam_update %{{.*}}, %{{.*}}, %[[M1]], %[[M2]] :
// ADAM: bnc.assign @fc.weight, %[[NEW]]
// ADAM: bnc.assign @"bnc.optimizer/first_moment/fc.weight", %[[N1]]
// ADAM: bnc.assign @"bnc.optimizer/second_moment/fc.weight", %[[N2]]

// ADAMW: bnc.adam_update {{.*}} {decoupled}
// NO-MOMENTUM: error: momentum and nesterov are options of sgd; adam and adamw have their own moments
// NESTEROV: error: nesterov looks ahead along the momentum; give sgd a momentum too
// TWICE: error: 'bnc.graph' op returns no gradients; run bnc-differentiate first
// LOC: bnc.sgd_update {{.*}} loc("fc.weight"("net.onnx":1:0))
bnc.variable params @fc.weight : tensor<3xf32> loc("fc.weight"("net.onnx":1:0))
bnc.graph training @net_train(%x: tensor<?x3xf32>, %l: tensor<?xi32> {bnc.name = "labels"})
    -> (tensor<?xf32> {bnc.name = "losses"}, tensor<?xf32> {bnc.name = "correct"}, tensor<3xf32> {bnc.gradient = @fc.weight}) {
  %w = bnc.read @fc.weight : tensor<3xf32>
  %0 = bnc.mul %x, %w : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %losses, %correct = bnc.loss softmax_cross_entropy %0, %l : (tensor<?x3xf32>, tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>)
  %g = bnc.loss_gradient softmax_cross_entropy %0, %l : (tensor<?x3xf32>, tensor<?xi32>) -> tensor<?x3xf32>
  %1 = bnc.mul %g, %x : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %2 = bnc.reduce_sum %1 {axes = array<i64: 0>} : (tensor<?x3xf32>) -> tensor<3xf32>
  bnc.return %losses, %correct, %2 : tensor<?xf32>, tensor<?xf32>, tensor<3xf32>
}
