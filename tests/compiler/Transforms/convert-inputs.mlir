// Inputs change their type, ops at the start of the graph make of them what the model asks for; labels and outputs stay.
//
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-convert-inputs="layouts=nhwc types=u8" | FileCheck %s
// RUN: bnc-opt %s --bnc-specialize=phase=training --bnc-add-loss --bnc-convert-inputs="layouts=nhwc types=u8 mean=0.5 std=0.25,0.5,0.125" | FileCheck %s --check-prefix=TRAIN
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-convert-inputs="layouts=image=nhwc,sound=nhwc,image=nchw types=row=u8" | FileCheck %s --check-prefix=NAMED
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-convert-inputs="layouts=nchw types=f32 mean=0 std=1" | FileCheck %s --check-prefix=SAME
// RUN: bnc-opt %s --bnc-convert-inputs="layouts=nhwc" | FileCheck %s --check-prefix=SAME

// CHECK: bnc.graph inference @net_infer(%[[IMAGE:.*]]: tensor<?x5x4x3xui8> {bnc.layout = "nhwc", bnc.name = "image"}, %[[SOUND:.*]]: tensor<?x7x3xui8> {bnc.layout = "nhwc", bnc.name = "sound"},
// CHECK-SAME: %[[ROW:.*]]: tensor<?x3xui8> {bnc.name = "row"}, %{{.*}}: tensor<?x3xi32> {bnc.name = "ids"}) -> (tensor<?x3xf32>
// CHECK-DAG: %[[FLOATS:.*]] = bnc.cast %[[IMAGE]] : tensor<?x5x4x3xui8> to tensor<?x5x4x3xf32>
// CHECK-DAG: %[[TURNED:.*]] = bnc.transpose %[[FLOATS]] {permutation = array<i64: 0, 3, 1, 2>} : (tensor<?x5x4x3xf32>) -> tensor<?x3x5x4xf32>
// CHECK-DAG: %[[WHITE:.*]] = bnc.constant dense<2.550000e+02> : tensor<f32>
// CHECK-DAG: %[[UNIT:.*]] = bnc.div %[[TURNED]], %[[WHITE]]
// CHECK-DAG: bnc.reduce_mean %[[UNIT]]
// CHECK-DAG: %[[SOUNDS:.*]] = bnc.cast %[[SOUND]]
// CHECK-DAG: bnc.transpose %[[SOUNDS]] {permutation = array<i64: 0, 2, 1>} : (tensor<?x7x3xf32>) -> tensor<?x3x7xf32>
// CHECK-DAG: %[[ROWS:.*]] = bnc.cast %[[ROW]] : tensor<?x3xui8> to tensor<?x3xf32>
// CHECK-DAG: bnc.div %[[ROWS]]

// The mean comes off after the division by 255; one number for all channels, or one per channel, as wide as the rest.
// TRAIN: bnc.graph training @net_train({{.*}}tensor<?xi32> {bnc.name = "labels"})
// TRAIN-DAG: %[[UNIT:.*]] = bnc.div {{.*}}-> tensor<?x3x5x4xf32>
// TRAIN-DAG: %[[MEAN:.*]] = bnc.constant dense<5.000000e-01> : tensor<f32>
// TRAIN-DAG: %[[STD:.*]] = bnc.constant dense<{{\[\[\[}}2.500000e-01]], {{\[\[}}5.000000e-01]], {{\[\[}}1.250000e-01]]]> : tensor<3x1x1xf32>
// TRAIN-DAG: %[[CENTRED:.*]] = bnc.sub %[[UNIT]], %[[MEAN]]
// TRAIN-DAG: bnc.div %[[CENTRED]], %[[STD]]
// TRAIN-DAG: bnc.constant dense<[2.500000e-01, 5.000000e-01, 1.250000e-01]> : tensor<3xf32>

// NAMED: @net_infer(%{{.*}}: tensor<?x3x5x4xf32> {bnc.name = "image"}, %{{.*}}: tensor<?x7x3xf32> {bnc.layout = "nhwc", bnc.name = "sound"}, %{{.*}}: tensor<?x3xui8> {bnc.name = "row"}

// SAME: tensor<?x3x5x4xf32> {bnc.name = "image"}
// SAME-NOT: bnc.{{cast|div|sub|transpose}}
bnc.graph model @net(%image: tensor<?x3x5x4xf32> {bnc.name = "image"}, %sound: tensor<?x3x7xf32> {bnc.name = "sound"}, %row: tensor<?x3xf32> {bnc.name = "row"}, %ids: tensor<?x3xi32> {bnc.name = "ids"}) -> (tensor<?x3xf32> {bnc.name = "y"}) {
  %0 = bnc.reduce_mean %image {axes = array<i64: 2, 3>} : (tensor<?x3x5x4xf32>) -> tensor<?x3xf32>
  %1 = bnc.reduce_mean %sound {axes = array<i64: 2>} : (tensor<?x3x7xf32>) -> tensor<?x3xf32>
  %2 = bnc.add %0, %1 : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %3 = bnc.add %2, %row : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  bnc.return %3 : tensor<?x3xf32>
}
