// What --fold=off and --fold=strict make of a batch_norm that folds, one that a kernel carries, and one that is alone.
//
// RUN: bnc-opt %s --bnc-inference-pipeline=fold=off 2>/dev/null | FileCheck %s --check-prefix=OFF
// RUN: bnc-opt %s --bnc-inference-pipeline=fold=off -o /dev/null 2>&1 | FileCheck %s --check-prefix=OFF-REMARK
// RUN: not bnc-opt %s --bnc-inference-pipeline=fold=strict 2>&1 | FileCheck %s --check-prefix=STRICT

// OFF: bnc.dense %{{.*}}, %{{.*}} : (tensor<?x7xf32>, tensor<5x7xf32>)
// OFF-NEXT: %[[A:.*]] = bnc.affine {{[^{]*}} : (
// OFF-NEXT: %[[B:.*]] = bnc.relu %[[A]]
// OFF-NEXT: bnc.affine %[[B]]
// OFF-REMARK: net.onnx:2:0: remark: carried by the store of dense 'fc': folding is off
// OFF-REMARK: net.onnx:4:0: remark: carried by the store of dense 'fc': folding is off
// OFF-REMARK: net.onnx:6:0: remark: gets a kernel of its own: folding is off
// STRICT: net.onnx:2:0: remark: folded into dense 'fc' (backward)
// STRICT: net.onnx:4:0: remark: carried by the store of dense 'fc': relu 'relu' has no weights and lets no affine pass (backward), the result is an output of the graph (forward)
// STRICT: net.onnx:6:0: error: is neither folded nor carried by a neighbour's kernel: input 'z' has no weights (backward), the result is an output of the graph (forward); use --fold=on to give it a kernel of its own
bnc.variable params @weight : tensor<5x7xf32>
bnc.variable params @scale : tensor<5xf32>
bnc.variable params @offset : tensor<5xf32>
bnc.variable batch_stats @mean : tensor<5xf32>
bnc.variable batch_stats @variance : tensor<5xf32>
bnc.graph model @net(%x: tensor<?x7xf32> {bnc.name = "x"}, %x1: tensor<?x5xf32> {bnc.name = "z"})
    -> (tensor<?x5xf32>, tensor<?x5xf32>) {
  %weight = bnc.read @weight : tensor<5x7xf32>
  %0 = bnc.dense %x, %weight : (tensor<?x7xf32>, tensor<5x7xf32>) -> tensor<?x5xf32> loc("fc"("net.onnx":11:0))
  %scale = bnc.read @scale : tensor<5xf32>
  %offset = bnc.read @offset : tensor<5xf32>
  %mean = bnc.read @mean : tensor<5xf32>
  %variance = bnc.read @variance : tensor<5xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<5xf32>) offset(%offset : tensor<5xf32>)
      mean(%mean : tensor<5xf32>) variance(%variance : tensor<5xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x5xf32>
      loc("bn1"("net.onnx":2:0))
  %2 = bnc.relu %1 : tensor<?x5xf32> loc("relu"("net.onnx":13:0))
  %3 = bnc.batch_norm %2 scale(%scale : tensor<5xf32>) offset(%offset : tensor<5xf32>)
      mean(%mean : tensor<5xf32>) variance(%variance : tensor<5xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x5xf32>
      loc("bn2"("net.onnx":4:0))
  %4 = bnc.batch_norm %x1 scale(%scale : tensor<5xf32>) offset(%offset : tensor<5xf32>)
      mean(%mean : tensor<5xf32>) variance(%variance : tensor<5xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x5xf32>
      loc("bn3"("net.onnx":6:0))
  bnc.return %3, %4 : tensor<?x5xf32>, tensor<?x5xf32>
}
