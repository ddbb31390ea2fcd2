// The gradients become updates; the state of the optimizer becomes variables.
//
// RUN: bnc-opt %s --bnc-add-optimizer | FileCheck %s --check-prefix=SGD
// RUN: bnc-opt %s --bnc-add-optimizer=optimizer=sgd:momentum,nesterov | FileCheck %s --check-prefix=MOMENTUM
// RUN: bnc-opt %s --bnc-add-optimizer=optimizer=adam | FileCheck %s --check-prefix=ADAM
// RUN: bnc-opt %s --bnc-add-optimizer=optimizer=rmsprop:flavor=keras,momentum,centered | FileCheck %s --check-prefix=RMSPROP
// RUN: bnc-opt %s --bnc-add-optimizer='optimizer=adamw no-weight-decay=fc' | FileCheck %s --check-prefix=EXEMPT
// RUN: not bnc-opt %s --bnc-add-optimizer=optimizer=sgd:nesterov 2>&1 | FileCheck %s --check-prefix=NESTEROV
// RUN: not bnc-opt %s --bnc-add-optimizer='optimizer=adamw no-weight-decay=bn' 2>&1 | FileCheck %s --check-prefix=NOBODY
// RUN: not bnc-opt %s --bnc-add-optimizer='optimizer=sgd:flavor=optax no-weight-decay=fc' 2>&1 | FileCheck %s --check-prefix=NO-DECAY
// RUN: bnc-opt %s --bnc-add-optimizer -o %t.mlir
// RUN: not bnc-opt %t.mlir --bnc-add-optimizer 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: bnc-opt %s --bnc-add-optimizer --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s --check-prefix=LOC

// SGD-NOT: bnc.variable optimizer
// SGD: bnc.graph training @net_train(%{{.*}}) -> (tensor<?xf32> {bnc.name = "losses"}, tensor<?xf32> {bnc.name = "correct"}) {
// SGD: %[[G:.*]] = bnc.reduce_sum
// SGD: %[[W:.*]] = bnc.read @fc.weight
// SGD: %[[NEW:.*]] = bnc.optimizer_update "sgd" %[[W]], %[[G]] : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
// SGD: bnc.assign @fc.weight, %[[NEW]]
// SGD: bnc.return %{{.*}}, %{{.*}} : tensor<?xf32>, tensor<?xf32>

// MOMENTUM: bnc.variable params @fc.weight
// MOMENTUM-NEXT: bnc.variable optimizer @"bnc.optimizer/momentum/fc.weight" : tensor<3xf32>
// MOMENTUM: %[[M:.*]] = bnc.read @"bnc.optimizer/momentum/fc.weight"
// MOMENTUM: %[[NEW:.*]], %[[NM:.*]] = bnc.optimizer_update "sgd:momentum,nesterov" %{{.*}}, %{{.*}} slots(%[[M]])
// MOMENTUM: bnc.assign @fc.weight, %[[NEW]]
// MOMENTUM: bnc.assign @"bnc.optimizer/momentum/fc.weight", %[[NM]]

// ADAM: bnc.variable optimizer @"bnc.optimizer/first_moment/fc.weight" : tensor<3xf32>
// ADAM: bnc.variable optimizer @"bnc.optimizer/second_moment/fc.weight" : tensor<3xf32>
// ADAM: %[[M1:.*]] = bnc.read @"bnc.optimizer/first_moment/fc.weight"
// ADAM: %[[M2:.*]] = bnc.read @"bnc.optimizer/second_moment/fc.weight"
// ADAM: %[[NEW:.*]], %[[N:.*]]:2 = bnc.optimizer_update "adam" %{{.*}}, %{{.*}} slots(%[[M1]], %[[M2]]) :
// ADAM: bnc.assign @fc.weight, %[[NEW]]
// ADAM: bnc.assign @"bnc.optimizer/first_moment/fc.weight", %[[N]]#0
// ADAM: bnc.assign @"bnc.optimizer/second_moment/fc.weight", %[[N]]#1

// RMSPROP: bnc.read @"bnc.optimizer/second_moment/fc.weight"
// RMSPROP: bnc.read @"bnc.optimizer/first_moment/fc.weight"
// RMSPROP: bnc.read @"bnc.optimizer/momentum/fc.weight"
// EXEMPT: bnc.optimizer_update "adamw" {{.*}} {no_weight_decay}
// NESTEROV: error: optimizer=sgd:nesterov is no optimizer; expected a spelling of ir/Optimizers.h, such as adam or sgd:momentum,nesterov
// NOBODY: error: no-weight-decay=bn matches none of the 1 parameters that are trained
// NO-DECAY: error: optimizer sgd:flavor=optax has no weight decay from which no-weight-decay=fc could except parameters
// TWICE: error: 'bnc.graph' op returns no gradients; run bnc-differentiate first
// LOC: bnc.optimizer_update {{.*}} loc("fc.weight"("net.onnx":1:0))
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
