// Models that have no loss of the kind asked for.
//
// RUN: bnc-opt %s --bnc-specialize --bnc-add-loss -split-input-file -verify-diagnostics
// RUN: not bnc-opt %S/Inputs/vector.mlir --bnc-specialize --bnc-add-loss=kind=mse 2>&1 | FileCheck %s --check-prefix=MSE

// MSE: 'bnc.graph' op has the output 'y' of type 'tensor<?xf32>'; mse needs (N, values...)

// expected-error @below {{has 2 outputs; training needs exactly one, which the loss is of}}
bnc.graph model @two_outputs(%x: tensor<?x3xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>) {
  bnc.return %x, %x : tensor<?x3xf32>, tensor<?x3xf32>
}

// -----

// expected-error @below {{has the output 'y' of type 'tensor<?x3x2x2xf32>'; softmax_cross_entropy needs (N, classes)}}
bnc.graph model @image(%x: tensor<?x3x2x2xf32>) -> (tensor<?x3x2x2xf32> {bnc.name = "y"}) {
  bnc.return %x : tensor<?x3x2x2xf32>
}

// -----

// expected-error @below {{has the output 'y' of type 'tensor<?x1xf32>', a single class; use bce_with_logits or mse}}
bnc.graph model @one_class(%x: tensor<?x1xf32>) -> (tensor<?x1xf32> {bnc.name = "y"}) {
  bnc.return %x : tensor<?x1xf32>
}

// -----

// expected-error @below {{has an input named 'labels', the name of the labels in training; rename it}}
bnc.graph model @labels(%x: tensor<?x3xf32> {bnc.name = "labels"}) -> tensor<?x3xf32> {
  bnc.return %x : tensor<?x3xf32>
}
