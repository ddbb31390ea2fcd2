// RUN: bnc-opt %s --bnc-add-optimizer=optimizer=adam -split-input-file -verify-diagnostics

bnc.variable params @w : tensor<3xf32>
// expected-error @below {{has the name @"bnc.optimizer/second_moment/w" of the optimizer's own state; rename it}}
bnc.variable params @"bnc.optimizer/second_moment/w" : tensor<3xf32>
bnc.graph training @net_train(%g: tensor<3xf32>) -> (tensor<3xf32> {bnc.gradient = @w}) {
  bnc.return %g : tensor<3xf32>
}

// -----

// expected-error @below {{returns the gradient of @gone, which is no bnc.variable}}
bnc.graph training @net_train(%g: tensor<3xf32>) -> (tensor<3xf32> {bnc.gradient = @gone}) {
  bnc.return %g : tensor<3xf32>
}
