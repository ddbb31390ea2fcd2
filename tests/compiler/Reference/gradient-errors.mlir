// What differentiation refuses, each at its op; and that a gradient check can fail.
//
// REQUIRES: python-numpy
// RUN: split-file %s %t
// RUN: not bnc-evaluate --check-gradients %t/dropout.mlir 2>&1 | FileCheck %s --check-prefix=DROPOUT
// RUN: not bnc-evaluate --check-gradients %t/other-statistics.mlir 2>&1 | FileCheck %s --check-prefix=OTHER
// RUN: not bnc-evaluate --check-gradients %t/mean-alone.mlir 2>&1 | FileCheck %s --check-prefix=MEAN
// RUN: not bnc-evaluate --check-gradients %t/join-batches.mlir 2>&1 | FileCheck %s --check-prefix=JOIN
// RUN: %python -c "import numpy; numpy.save(r'%t/zero.npy', numpy.zeros(1))"
// RUN: not bnc-evaluate --check-gradients %t/kink.mlir --input x=%t/zero.npy 2>&1 | FileCheck %s --check-prefix=KINK
// RUN: not bnc-evaluate --check-gradients %t/smooth.mlir --tolerance=1e-30 | FileCheck %s --check-prefix=TOLERANCE
// RUN: bnc-evaluate --check-gradients %t/smooth.mlir | FileCheck %s --check-prefix=SMOOTH

//--- dropout.mlir
// DROPOUT: dropout.mlir:3:8: error: dropout: has ratio = 5.000000e-01; dropout must be expanded before differentiation
bnc.graph model @net(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>) {
  %0 = bnc.dropout %x {ratio = 0.5} : tensor<2x3xf32>
  bnc.return %0 : tensor<2x3xf32>
}

//--- other-statistics.mlir
// OTHER: error: normalize: has statistics of something else than its input; expected one bnc.batch_stats of the same input and feature_index
bnc.graph model @net(%x: tensor<4x3xf32>, %y: tensor<4x3xf32>) -> (tensor<4x3xf32>) {
  %m, %v, %c = bnc.batch_stats %y : (tensor<4x3xf32>) -> (tensor<3xf32>, tensor<3xf32>, tensor<i64>)
  %0 = bnc.normalize %x mean(%m : tensor<3xf32>) variance(%v : tensor<3xf32>) {epsilon = 1.0e-5} : tensor<4x3xf32>
  bnc.return %0 : tensor<4x3xf32>
}

//--- mean-alone.mlir
// MEAN: error: batch_stats: has no rule of differentiation, but a gradient has to pass through it
bnc.graph model @net(%x: tensor<4x3xf32>) -> (tensor<3xf32>) {
  %m, %v, %c = bnc.batch_stats %x : (tensor<4x3xf32>) -> (tensor<3xf32>, tensor<3xf32>, tensor<i64>)
  bnc.return %m : tensor<3xf32>
}

//--- join-batches.mlir
// JOIN: error: concat: joins along the batch, which has no rule of differentiation
bnc.graph model @net(%x: tensor<?x3xf32>) -> (tensor<?x3xf32>) {
  %0 = "bnc.concat"(%x) {axis = 0 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  bnc.return %0 : tensor<?x3xf32>
}

//--- kink.mlir
// A kink at the given values whatever the direction.
// KINK: error: graph: is not smooth around the given values along any of 50 directions of 'x'; other values are needed
bnc.graph model @net(%x: tensor<1xf32> {bnc.name = "x"}) -> (tensor<1xf32>) {
  %0 = bnc.abs %x : tensor<1xf32>
  bnc.return %0 : tensor<1xf32>
}

//--- smooth.mlir
// TOLERANCE: x: relative error {{.*}} exceeds 1.00e-30
// SMOOTH: x: relative error
// SMOOTH-NOT: exceeds
bnc.graph model @net(%x: tensor<2x3xf32> {bnc.name = "x"}) -> (tensor<2x3xf32>) {
  %0 = bnc.tanh %x : tensor<2x3xf32>
  bnc.return %0 : tensor<2x3xf32>
}
