// The layer that absorbed a batch_norm stands for both nodes; the arithmetic of folding belongs to the batch_norm.
//
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-fold-batch-norm --mlir-print-debuginfo \
// RUN:   --mlir-print-local-scope 2>/dev/null | FileCheck %s

// CHECK: bnc.fold_scale {{.*}} loc("bn"("net.onnx":2:0))
// CHECK: bnc.cast {{.*}} loc("bn"("net.onnx":2:0))
// CHECK: bnc.dense {{.*}} loc(fused["fc"("net.onnx":1:0), "bn"("net.onnx":2:0)])
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
      loc("bn"("net.onnx":2:0))
  bnc.return %1 : tensor<?x5xf32>
}
