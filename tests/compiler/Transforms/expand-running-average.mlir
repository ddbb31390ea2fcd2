// A running average moves once per op in training and is read in inference; a second op continues from the first.
//
// RUN: bnc-opt %s --bnc-specialize --bnc-expand-running-average -split-input-file | FileCheck %s --check-prefix=TRAIN
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-expand-running-average=phase=inference -split-input-file | FileCheck %s --check-prefix=INFER

// TRAIN-LABEL: @twice_train
// TRAIN-SAME: %[[X:[^:]*]]: tensor<?x3xf32>
// TRAIN: %[[A:.*]] = bnc.read @mean
// TRAIN: %[[FIRST:.*]] = bnc.update_average %[[X]], %[[A]] {decay = 7.500000e-01 : f64}
// TRAIN: %[[D:.*]] = bnc.sub %[[X]], %[[FIRST]]
// TRAIN: %[[SECOND:.*]] = bnc.update_average %[[D]], %[[FIRST]] {decay = 5.000000e-01 : f64}
// TRAIN: bnc.assign @mean, %[[SECOND]]
// TRAIN-NOT: bnc.assign
// INFER-LABEL: @twice_infer
// INFER: %[[A:.*]] = bnc.read @mean
// INFER: %[[D:.*]] = bnc.sub %{{.*}}, %[[A]]
// INFER-NEXT: bnc.sub %[[D]], %[[A]]
// INFER-NOT: bnc.assign
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.graph model @twice(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %m = bnc.read @mean : tensor<3xf32>
  %a = bnc.running_average %x average(%m) {decay = 0.75} : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %d = bnc.sub %x, %a : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %b = bnc.running_average %d average(%m) {decay = 0.5} : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %e = bnc.sub %d, %b : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  bnc.return %e : tensor<?x3xf32>
}
