// What --fold=off and --fold=strict make of a batch_norm that folds (first) and one that does not (second).
//
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-fold-batch-norm=mode=off 2>/dev/null | FileCheck %s --check-prefix=OFF
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-fold-batch-norm=mode=off -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=OFF-REMARK
// RUN: not bnc-opt %s --bnc-specialize=phase=inference --bnc-fold-batch-norm=mode=strict 2>&1 \
// RUN:   | FileCheck %s --check-prefix=STRICT

// OFF: bnc.dense %{{.*}}, %{{.*}} : (tensor<?x7xf32>, tensor<5x7xf32>)
// OFF-NEXT: %[[A:.*]] = bnc.affine
// OFF-NEXT: %[[B:.*]] = bnc.relu %[[A]]
// OFF-NEXT: bnc.affine %[[B]]
// OFF-REMARK: net.onnx:2:0: remark: carried as affine: folding is off
// OFF-REMARK: net.onnx:4:0: remark: carried as affine: folding is off
// STRICT: net.onnx:2:0: remark: folded into dense 'fc' (backward)
// STRICT: net.onnx:4:0: error: does not fold: relu 'relu' has no weights and lets no affine pass (backward), the result is an output of the graph (forward); use --fold=on to carry it as an affine
bnc.variable params @weight : tensor<5x7xf32>
bnc.variable batch_stats @mean : tensor<5xf32>
bnc.variable batch_stats @variance : tensor<5xf32>
bnc.graph model @net(%x: tensor<?x7xf32>) -> tensor<?x5xf32> {
  %w = bnc.read @weight : tensor<5x7xf32>
  %0 = bnc.dense %x, %w : (tensor<?x7xf32>, tensor<5x7xf32>) -> tensor<?x5xf32> loc("fc"("net.onnx":1:0))
  %mean = bnc.read @mean : tensor<5xf32>
  %variance = bnc.read @variance : tensor<5xf32>
  %1 = bnc.batch_norm %0 mean(%mean : tensor<5xf32>) variance(%variance : tensor<5xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x5xf32>
      loc("bn1"("net.onnx":2:0))
  %2 = bnc.relu %1 : tensor<?x5xf32> loc("relu"("net.onnx":3:0))
  %3 = bnc.batch_norm %2 mean(%mean : tensor<5xf32>) variance(%variance : tensor<5xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x5xf32>
      loc("bn2"("net.onnx":4:0))
  bnc.return %3 : tensor<?x5xf32>
}
