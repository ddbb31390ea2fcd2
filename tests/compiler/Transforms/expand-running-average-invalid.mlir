// Training can only move an average that is a variable in batch_stats.
//
// RUN: bnc-opt %s --bnc-specialize --bnc-expand-running-average -split-input-file -verify-diagnostics

bnc.variable params @mean : tensor<3xf32>
bnc.graph model @trained(%x: tensor<?x3xf32>) -> tensor<3xf32> {
  %m = bnc.read @mean : tensor<3xf32>
  // expected-error @below {{has an average that training cannot move; expected bnc.read of a variable in batch_stats}}
  %a = bnc.running_average %x average(%m) {decay = 0.99} : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<3xf32>
  bnc.return %a : tensor<3xf32>
}
