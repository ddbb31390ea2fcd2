// Normalization becomes partial reductions, coefficients between kernels, and one multiply-add on a load.
// RUN: bnc-opt %s --bnc-lower-normalization | FileCheck %s

bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>

// CHECK-LABEL: bnc.graph training @batch_statistics
bnc.graph training @batch_statistics(%x: tensor<?x4x3x3xf32>, %g: tensor<?x4x3x3xf32>) -> (tensor<?x4x3x3xf32>, tensor<?x4x3x3xf32>) {
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %rm = bnc.read @mean : tensor<4xf32>
  %rv = bnc.read @variance : tensor<4xf32>
  // CHECK: %[[P:.*]] = bnc.partial_moments %{{.*}} -> tensor<?x3x4xf32>
  // CHECK: %[[MEAN:.*]], %[[VAR:.*]], %[[COUNT:.*]] = bnc.merge_moments %[[P]]
  %mean, %variance, %count = bnc.batch_stats %x : (tensor<?x4x3x3xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<i64>)
  // CHECK: %[[C:.*]] = bnc.normalize_coefficients scale(%{{.*}}) offset(%{{.*}}) mean(%[[MEAN]]) variance(%[[VAR]])
  // CHECK: bnc.apply_normalize %{{.*}}, %[[C]]
  %y = bnc.normalize %x scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>) mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>) {epsilon = 1.0e-5} : tensor<?x4x3x3xf32>
  // CHECK: bnc.move_running %{{.*}}, %{{.*}} batch(%[[MEAN]], %[[VAR]], %[[COUNT]])
  %nm, %nv = bnc.update_running %rm, %rv batch(%mean, %variance, %count) {decay = 0.9, running_variance = #bnc<running_variance sample>} : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<i64>) -> (tensor<4xf32>, tensor<4xf32>)
  bnc.assign @mean, %nm : tensor<4xf32>
  bnc.assign @variance, %nv : tensor<4xf32>
  // CHECK: %[[Q:.*]] = bnc.partial_sums %{{.*}}, %{{.*}}, %[[C]]
  // CHECK: %[[S:.*]] = bnc.merge_sums %[[Q]]
  %sum, %centred = bnc.gradient_sums %g, %x, %mean : (tensor<?x4x3x3xf32>, tensor<?x4x3x3xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  // CHECK: %[[D:.*]] = bnc.gradient_coefficients scale(%{{.*}}) mean(%[[MEAN]]) variance(%[[VAR]]) sums(%[[S]], %[[COUNT]])
  // CHECK: bnc.apply_normalize_gradient %{{.*}}, %{{.*}}, %[[D]]
  %dx = bnc.normalize_gradient %g, %x scale(%scale) mean(%mean) variance(%variance) sums(%sum, %centred, %count) {epsilon = 1.0e-5} : (tensor<?x4x3x3xf32>, tensor<?x4x3x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<i64>) -> tensor<?x4x3x3xf32>
  // CHECK-NOT: bnc.batch_stats
  bnc.return %y, %dx : tensor<?x4x3x3xf32>, tensor<?x4x3x3xf32>
}

// Running statistics are variables: coefficients come straight from them, and nothing is merged.
// CHECK-LABEL: bnc.graph training @frozen
bnc.graph training @frozen(%x: tensor<?x4x3x3xf32>) -> tensor<?x4x3x3xf32> {
  %rm = bnc.read @mean : tensor<4xf32>
  %rv = bnc.read @variance : tensor<4xf32>
  // CHECK-NOT: bnc.partial_moments
  // CHECK: bnc.normalize_coefficients mean(%{{.*}}) variance(%{{.*}}) {{.*}}(tensor<4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  %y = bnc.normalize %x mean(%rm : tensor<4xf32>) variance(%rv : tensor<4xf32>) {epsilon = 1.0e-5} : tensor<?x4x3x3xf32>
  bnc.return %y : tensor<?x4x3x3xf32>
}

// Moments of a concatenation are those of its parts, one after the other; those of a part are taken once.
// CHECK-LABEL: bnc.graph training @concat
bnc.graph training @concat(%x: tensor<?x4x3x3xf32>, %y: tensor<?x2x3x3xf32>) -> (tensor<?x4x3x3xf32>, tensor<?x6x3x3xf32>) {
  // CHECK: bnc.partial_moments %arg0
  // CHECK: %[[MX:.*]], %[[VX:.*]], %{{.*}} = bnc.merge_moments
  %mx, %vx, %nx = bnc.batch_stats %x : (tensor<?x4x3x3xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<i64>)
  %0 = bnc.normalize %x mean(%mx : tensor<4xf32>) variance(%vx : tensor<4xf32>) {epsilon = 1.0e-5} : tensor<?x4x3x3xf32>
  %xy = bnc.concat %x, %y {axis = 1 : i64} : (tensor<?x4x3x3xf32>, tensor<?x2x3x3xf32>) -> tensor<?x6x3x3xf32>
  // CHECK-NOT: bnc.partial_moments %arg0
  // CHECK: bnc.partial_moments %arg1
  // CHECK: %[[MY:.*]], %[[VY:.*]], %{{.*}} = bnc.merge_moments
  // CHECK: %[[M:.*]] = bnc.concat %[[MX]], %[[MY]] {axis = 0 : i64} : (tensor<4xf64>, tensor<2xf64>) -> tensor<6xf64>
  // CHECK: %[[V:.*]] = bnc.concat %[[VX]], %[[VY]] {axis = 0 : i64}
  // CHECK-NOT: bnc.partial_moments
  // CHECK: bnc.normalize_coefficients {{.*}}mean(%[[M]]) variance(%[[V]])
  %m, %v, %n = bnc.batch_stats %xy : (tensor<?x6x3x3xf32>) -> (tensor<6xf32>, tensor<6xf32>, tensor<i64>)
  %1 = bnc.normalize %xy mean(%m : tensor<6xf32>) variance(%v : tensor<6xf32>) {epsilon = 1.0e-5} : tensor<?x6x3x3xf32>
  bnc.return %0, %1 : tensor<?x4x3x3xf32>, tensor<?x6x3x3xf32>
}
