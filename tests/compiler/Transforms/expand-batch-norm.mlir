// What training does with batch_norm.
//
// RUN: bnc-opt %s --bnc-specialize --bnc-expand-batch-norm -split-input-file | FileCheck %s
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-expand-batch-norm=phase=inference -split-input-file \
// RUN:   | FileCheck %s --check-prefix=INFER
// RUN: bnc-opt %s --bnc-specialize --bnc-expand-batch-norm -split-input-file --mlir-print-debuginfo \
// RUN:   --mlir-print-local-scope | FileCheck %s --check-prefix=LOC

// The whole contract; a batch of any size works, because an image has many values per channel.
// CHECK-LABEL: @whole_train(
// CHECK-NOT: bnc.minimum_batch
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x3x4x4xf32>
// CHECK-DAG: %[[SCALE:.*]] = bnc.read @bn.weight
// CHECK-DAG: %[[OFFSET:.*]] = bnc.read @bn.bias
// CHECK-DAG: %[[RM:.*]] = bnc.read @bn.running_mean
// CHECK-DAG: %[[RV:.*]] = bnc.read @bn.running_var
// CHECK: %[[M:.*]], %[[V:.*]], %[[N:.*]] = bnc.batch_stats %[[X]] : (tensor<?x3x4x4xf32>) -> (tensor<3xf32>, tensor<3xf32>, tensor<i64>)
// CHECK: %[[Y:.*]] = bnc.normalize %[[X]] scale(%[[SCALE]] : tensor<3xf32>) offset(%[[OFFSET]] : tensor<3xf32>) mean(%[[M]] : tensor<3xf32>) variance(%[[V]] : tensor<3xf32>) {epsilon = 1.000000e-03
// CHECK: %[[NM:.*]], %[[NV:.*]] = bnc.update_running %[[RM]], %[[RV]] batch(%[[M]], %[[V]], %[[N]]) {decay = 9.000000e-01 : f64, running_variance = #bnc<running_variance sample>}
// CHECK: bnc.relu %[[Y]]
// CHECK: bnc.assign @bn.running_mean, %[[NM]]
// CHECK: bnc.assign @bn.running_var, %[[NV]]
// CHECK-NEXT: bnc.return
// INFER-LABEL: @whole_infer(
// INFER: %[[RM:.*]] = bnc.read @bn.running_mean
// INFER: %[[RV:.*]] = bnc.read @bn.running_var
// INFER: bnc.normalize %{{.*}} mean(%[[RM]] : tensor<3xf32>) variance(%[[RV]] : tensor<3xf32>)
// INFER-NOT: bnc.assign
// LOC: bnc.batch_stats {{.*}} loc("bn"("net.onnx":4:0))
// LOC: bnc.normalize {{.*}} loc("bn"("net.onnx":4:0))
// LOC: bnc.update_running {{.*}} loc("bn"("net.onnx":4:0))
// LOC: bnc.assign {{.*}} loc("bn"("net.onnx":4:0))
bnc.variable params @bn.weight : tensor<3xf32>
bnc.variable params @bn.bias : tensor<3xf32>
bnc.variable batch_stats @bn.running_mean : tensor<3xf32>
bnc.variable batch_stats @bn.running_var : tensor<3xf32>
bnc.graph model @whole(%x: tensor<?x3x4x4xf32>) -> tensor<?x3x4x4xf32> {
  %g = bnc.read @bn.weight : tensor<3xf32>
  %b = bnc.read @bn.bias : tensor<3xf32>
  %m = bnc.read @bn.running_mean : tensor<3xf32>
  %v = bnc.read @bn.running_var : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%g : tensor<3xf32>) offset(%b : tensor<3xf32>) mean(%m : tensor<3xf32>) variance(%v : tensor<3xf32>)
      {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x3x4x4xf32>
      loc("bn"("net.onnx":4:0))
  %1 = bnc.relu %0 : tensor<?x3x4x4xf32>
  bnc.return %1 : tensor<?x3x4x4xf32>
}

// -----

// One module called twice: each call its own batch statistics, the running ones updated twice, in source order, and
// assigned once.
// CHECK-LABEL: @called_twice_train(
// CHECK: %[[M1:.*]], %[[V1:.*]], %[[N1:.*]] = bnc.batch_stats %{{.*}} : (tensor<?x4x3xf32>
// CHECK: %[[RM1:.*]], %[[RV1:.*]] = bnc.update_running %{{.*}}, %{{.*}} batch(%[[M1]], %[[V1]], %[[N1]])
// CHECK: %[[M2:.*]], %[[V2:.*]], %[[N2:.*]] = bnc.batch_stats
// CHECK: %[[RM2:.*]], %[[RV2:.*]] = bnc.update_running %[[RM1]], %[[RV1]] batch(%[[M2]], %[[V2]], %[[N2]])
// CHECK: bnc.assign @mean, %[[RM2]]
// CHECK: bnc.assign @variance, %[[RV2]]
// CHECK-NOT: bnc.assign
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @called_twice(%x: tensor<?x4x3xf32>) -> tensor<?x4x3xf32> {
  %m = bnc.read @mean : tensor<3xf32>
  %v = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x mean(%m : tensor<3xf32>) variance(%v : tensor<3xf32>)
      {feature_index = 2 : i64, epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x4x3xf32>
  %m2 = bnc.read @mean : tensor<3xf32>
  %v2 = bnc.read @variance : tensor<3xf32>
  %1 = bnc.batch_norm %0 mean(%m2 : tensor<3xf32>) variance(%v2 : tensor<3xf32>)
      {feature_index = 2 : i64, epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x4x3xf32>
  bnc.return %1 : tensor<?x4x3xf32>
}

// -----

// The same module on the same value is two updates too: ops are not merged before they are expanded.
// CHECK-LABEL: @called_twice_on_one_value_train(
// CHECK: %[[RM1:.*]], %[[RV1:.*]] = bnc.update_running
// CHECK: bnc.update_running %[[RM1]], %[[RV1]]
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @called_twice_on_one_value(%x: tensor<?x3x4xf32>) -> (tensor<?x3x4xf32>, tensor<?x3x4xf32>) {
  %m = bnc.read @mean : tensor<3xf32>
  %v = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x mean(%m : tensor<3xf32>) variance(%v : tensor<3xf32>)
      {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x3x4xf32>
  %1 = bnc.batch_norm %x mean(%m : tensor<3xf32>) variance(%v : tensor<3xf32>)
      {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x3x4xf32>
  bnc.return %0, %1 : tensor<?x3x4xf32>, tensor<?x3x4xf32>
}

// -----

// Frozen: running statistics in training, and nothing moves; a single value per channel is then no problem.
// CHECK-LABEL: @frozen_train(
// CHECK-NOT: bnc.batch_stats
// CHECK: %[[M:.*]] = bnc.read @mean
// CHECK: %[[V:.*]] = bnc.read @variance
// CHECK: bnc.normalize %{{.*}} mean(%[[M]] : tensor<3xf32>) variance(%[[V]] : tensor<3xf32>)
// CHECK-NOT: bnc.update_running
// CHECK-NOT: bnc.assign
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @frozen(%x: tensor<1x3xf32>) -> tensor<1x3xf32> {
  %m = bnc.read @mean : tensor<3xf32>
  %v = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x mean(%m : tensor<3xf32>) variance(%v : tensor<3xf32>)
      {frozen, epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<1x3xf32>
  bnc.return %0 : tensor<1x3xf32>
}

// -----

// decay = 1 is not frozen: the batch still normalizes itself. The plain average counts its steps.
// CHECK-LABEL: @cumulative_train(
// CHECK: %[[STEPS:.*]] = bnc.read @steps
// CHECK: bnc.batch_stats
// CHECK: %{{.*}}, %{{.*}}, %[[NEW:.*]] = bnc.update_running %{{.*}}, %{{.*}} steps(%[[STEPS]]) batch(%{{.*}}) {cumulative, decay = 1.000000e+00
// CHECK: bnc.assign @steps, %[[NEW]] : tensor<f32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.variable batch_stats @steps : tensor<f32>
bnc.graph model @cumulative(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %m = bnc.read @mean : tensor<3xf32>
  %v = bnc.read @variance : tensor<3xf32>
  %n = bnc.read @steps : tensor<f32>
  %0 = bnc.batch_norm %x mean(%m : tensor<3xf32>) variance(%v : tensor<3xf32>) count(%n : tensor<f32>)
      {cumulative, epsilon = 1.0e-3, decay = 1.0, running_variance = #bnc<running_variance sample>} : tensor<2x3xf32>
  bnc.return %0 : tensor<2x3xf32>
}

// -----

// With an unknown batch of vectors two samples are needed; the run time says so, and names the first such node.
// CHECK-LABEL: @vectors_train(
// CHECK-SAME: attributes {bnc.minimum_batch = 2 : i64, bnc.minimum_batch_node = "bn1"}
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @vectors(%x: tensor<?x3x1x1xf32>) -> tensor<?x3x1x1xf32> {
  %m = bnc.read @mean : tensor<3xf32>
  %v = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x mean(%m : tensor<3xf32>) variance(%v : tensor<3xf32>)
      {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x3x1x1xf32>
      loc("bn1"("net.onnx":1:0))
  %1 = bnc.batch_norm %0 mean(%m : tensor<3xf32>) variance(%v : tensor<3xf32>)
      {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x3x1x1xf32>
      loc("bn2"("net.onnx":2:0))
  bnc.return %1 : tensor<?x3x1x1xf32>
}

// -----

// Without running statistics, both phases use the batch's own and nothing is assigned.
// CHECK-LABEL: @stateless_train(
// CHECK: %[[M:.*]], %[[V:.*]], %{{.*}} = bnc.batch_stats
// CHECK: bnc.normalize {{.*}} mean(%[[M]] : tensor<3xf32>) variance(%[[V]] : tensor<3xf32>)
// CHECK-NOT: bnc.assign
// INFER-LABEL: @stateless_infer(
// INFER: %[[M:.*]], %[[V:.*]], %{{.*}} = bnc.batch_stats
// INFER: bnc.normalize {{.*}} mean(%[[M]] : tensor<3xf32>) variance(%[[V]] : tensor<3xf32>)
// LOC-LABEL: @stateless_train(
bnc.graph model @stateless(%x: tensor<?x3x4x4xf32>) -> tensor<?x3x4x4xf32> {
  %y = bnc.batch_norm %x {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x3x4x4xf32>
  bnc.return %y : tensor<?x3x4x4xf32>
}
