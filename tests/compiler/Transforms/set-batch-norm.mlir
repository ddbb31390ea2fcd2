// Decay, epsilon and estimate of every batch_norm from options; what is not given stays.
//
// RUN: bnc-opt %s --bnc-set-batch-norm='decay=0.5 epsilon=0.25' | FileCheck %s --check-prefix=NUMBERS
// RUN: bnc-opt %s --bnc-set-batch-norm='cumulative running-variance=population' | FileCheck %s --check-prefix=CUMULATIVE
// RUN: echo 'module {}' | not bnc-opt --bnc-set-batch-norm=decay=0.5 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not bnc-opt %s --bnc-set-batch-norm=running-variance=biased 2>&1 | FileCheck %s --check-prefix=BIASED

// NUMBERS: bnc.batch_norm {{.*}} {decay = 5.000000e-01 : f64, epsilon = 2.500000e-01 : f64, running_variance = #bnc<running_variance sample>}
// Without running statistics, or with frozen ones, nothing decays.
// NUMBERS: bnc.batch_norm {{.*}} {decay = 9.000000e-01 : f64, epsilon = 2.500000e-01 : f64, {{.*}}sample>}
// NUMBERS: bnc.batch_norm {{.*}} {decay = 9.000000e-01 : f64, epsilon = 2.500000e-01 : f64, frozen, {{.*}}sample>}

// CUMULATIVE: bnc.variable batch_stats @bn.running_mean
// CUMULATIVE-NEXT: bnc.variable batch_stats @bn.num_batches_tracked : tensor<f32>
// CUMULATIVE: %[[N:.*]] = bnc.read @bn.num_batches_tracked
// CUMULATIVE: bnc.batch_norm {{.*}} count(%[[N]] : tensor<f32>) {cumulative, decay = 9.000000e-01 : f64, epsilon = 1.000000e-03 : f64, running_variance = #bnc<running_variance population>}
// CUMULATIVE-NOT: count(

// BIASED: running-variance=biased is neither population nor sample
// NONE: has no batch normalization whose decay, epsilon or running variance could be set
bnc.variable batch_stats @bn.running_mean : tensor<3xf32>
bnc.variable batch_stats @bn.running_var : tensor<3xf32>
bnc.graph model @net(%x: tensor<?x3x4x4xf32>) -> tensor<?x3x4x4xf32> {
  %m = bnc.read @bn.running_mean : tensor<3xf32>
  %v = bnc.read @bn.running_var : tensor<3xf32>
  %1 = bnc.batch_norm %x mean(%m : tensor<3xf32>) variance(%v : tensor<3xf32>) {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x3x4x4xf32>
  %2 = bnc.batch_norm %1 {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x3x4x4xf32>
  %3 = bnc.batch_norm %2 mean(%m : tensor<3xf32>) variance(%v : tensor<3xf32>) {epsilon = 1.0e-3, decay = 0.9, frozen, running_variance = #bnc<running_variance sample>} : tensor<?x3x4x4xf32>
  bnc.return %3 : tensor<?x3x4x4xf32>
}
