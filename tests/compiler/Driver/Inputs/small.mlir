// A convolution, a batch normalization and a dense layer, as an importer leaves them; its values are in no file.
module attributes {bnc.phase = "import"} {
  bnc.variable params @conv.weight : tensor<4x1x3x3xf32>
  bnc.variable params @bn.weight : tensor<4xf32>
  bnc.variable params @bn.bias : tensor<4xf32>
  bnc.variable batch_stats @bn.running_mean : tensor<4xf32>
  bnc.variable batch_stats @bn.running_var : tensor<4xf32>
  bnc.variable params @fc.weight : tensor<3x64xf32>
  bnc.variable params @fc.bias : tensor<3xf32>
  bnc.graph model @small(%x: tensor<?x1x6x6xf32> {bnc.name = "x"}) -> (tensor<?x3xf32> {bnc.name = "y"}) {
    %w = bnc.read @conv.weight : tensor<4x1x3x3xf32>
    %0 = bnc.conv %x, %w
        {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
        : (tensor<?x1x6x6xf32>, tensor<4x1x3x3xf32>) -> tensor<?x4x4x4xf32> loc("conv"("small.onnx":1:0))
    %g = bnc.read @bn.weight : tensor<4xf32>
    %o = bnc.read @bn.bias : tensor<4xf32>
    %m = bnc.read @bn.running_mean : tensor<4xf32>
    %v = bnc.read @bn.running_var : tensor<4xf32>
    %1 = bnc.batch_norm %0 scale(%g : tensor<4xf32>) offset(%o : tensor<4xf32>) mean(%m : tensor<4xf32>) variance(%v : tensor<4xf32>)
        {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x4x4x4xf32> loc("bn"("small.onnx":2:0))
    %2 = bnc.relu %1 : tensor<?x4x4x4xf32> loc("relu"("small.onnx":3:0))
    %3 = bnc.reshape %2 {shape = array<i64: -1, 64>} : (tensor<?x4x4x4xf32>) -> tensor<?x64xf32> loc("flatten"("small.onnx":4:0))
    %fw = bnc.read @fc.weight : tensor<3x64xf32>
    %fb = bnc.read @fc.bias : tensor<3xf32>
    %4 = bnc.dense %3, %fw, %fb : (tensor<?x64xf32>, tensor<3x64xf32>, tensor<3xf32>) -> tensor<?x3xf32> loc("fc"("small.onnx":5:0))
    bnc.return %4 : tensor<?x3xf32>
  }
}
