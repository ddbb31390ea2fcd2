// Which batch normalizations an expression freezes: by node name (first) and by name of a variable (second).
//
// RUN: bnc-opt %s --bnc-freeze=regex=^stem | FileCheck %s --check-prefix=NODE
// RUN: bnc-opt %s --bnc-freeze=regex='head[.]running_(mean|var)$' | FileCheck %s --check-prefix=VARIABLE
// RUN: bnc-opt %s --bnc-freeze=regex=. | FileCheck %s --check-prefix=ALL
// RUN: not bnc-opt %s --bnc-freeze=regex=layer7 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not bnc-opt %s --bnc-freeze='regex=layer(7' 2>&1 | FileCheck %s --check-prefix=INVALID

// NODE: bnc.batch_norm {{.*}} frozen
// NODE: bnc.batch_norm
// NODE-NOT: frozen
// VARIABLE: bnc.batch_norm
// VARIABLE-NOT: frozen
// VARIABLE: bnc.batch_norm {{.*}} frozen
// A frozen normalization counts no steps.
// ALL: bnc.batch_norm {{.*}} frozen
// ALL: bnc.batch_norm
// ALL-NOT: count(
// ALL-NOT: cumulative
// ALL-SAME: frozen
// NONE: error: freeze=layer7 matches none of the 2 batch normalizations; it is searched in names of nodes and variables
// INVALID: error: freeze=layer(7 is no regular expression: parentheses not balanced
bnc.variable batch_stats @a.running_mean : tensor<3xf32>
bnc.variable batch_stats @a.running_var : tensor<3xf32>
bnc.variable batch_stats @head.running_mean : tensor<3xf32>
bnc.variable batch_stats @head.running_var : tensor<3xf32>
bnc.variable batch_stats @head.steps : tensor<f32>
bnc.graph model @net(%x: tensor<?x3x2xf32>) -> tensor<?x3x2xf32> {
  %m = bnc.read @a.running_mean : tensor<3xf32>
  %v = bnc.read @a.running_var : tensor<3xf32>
  %0 = bnc.batch_norm %x mean(%m : tensor<3xf32>) variance(%v : tensor<3xf32>)
      {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x3x2xf32>
      loc("stem/bn"("net.onnx":1:0))
  %m1 = bnc.read @head.running_mean : tensor<3xf32>
  %v1 = bnc.read @head.running_var : tensor<3xf32>
  %n1 = bnc.read @head.steps : tensor<f32>
  %1 = bnc.batch_norm %0 mean(%m1 : tensor<3xf32>) variance(%v1 : tensor<3xf32>) count(%n1 : tensor<f32>)
      {cumulative, epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x3x2xf32>
      loc("top/stem"("net.onnx":2:0))
  bnc.return %1 : tensor<?x3x2xf32>
}
