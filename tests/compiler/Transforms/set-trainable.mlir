// An expression names the parameters to train; the others stay, and statistics are none of its business.
//
// RUN: bnc-opt %s --bnc-set-trainable='regex=^head[.]' | FileCheck %s
// RUN: not bnc-opt %s --bnc-set-trainable=regex=running_mean 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not bnc-opt %s --bnc-set-trainable='regex=[' 2>&1 | FileCheck %s --check-prefix=INVALID

// CHECK: bnc.variable params @stem.weight : tensor<3xf32> {trainable = false}
// CHECK: bnc.variable params @head.weight : tensor<3xf32>{{$}}
// CHECK: bnc.variable batch_stats @head.running_mean : tensor<3xf32>{{$}}
// NONE: error: trainable=running_mean matches none of the 2 parameters, which 'bnc inspect' lists; there would be nothing to train
// INVALID: error: trainable=[ is no regular expression: brackets ([ ]) not balanced
bnc.variable params @stem.weight : tensor<3xf32>
bnc.variable params @head.weight : tensor<3xf32> {trainable = false}
bnc.variable batch_stats @head.running_mean : tensor<3xf32>
