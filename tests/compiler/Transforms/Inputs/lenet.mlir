// LeNet with batch normalization, shortened, as an importer leaves it; for pipelines.test.
module attributes {bnc.phase = "import"} {
  bnc.variable params @conv1.weight : tensor<6x1x5x5xf32>
  bnc.variable params @conv1.bias : tensor<6xf32>
  bnc.variable params @bn1.weight : tensor<6xf32>
  bnc.variable params @bn1.bias : tensor<6xf32>
  bnc.variable batch_stats @bn1.running_mean : tensor<6xf32>
  bnc.variable batch_stats @bn1.running_var : tensor<6xf32>
  bnc.variable params @fc.weight : tensor<10x864xf32>
  bnc.variable params @fc.bias : tensor<10xf32>
  bnc.variable params @bn2.weight : tensor<10xf32>
  bnc.variable params @bn2.bias : tensor<10xf32>
  bnc.variable batch_stats @bn2.running_mean : tensor<10xf32>
  bnc.variable batch_stats @bn2.running_var : tensor<10xf32>
  bnc.variable params @unused : tensor<10xf32>
  bnc.graph model @lenet(%x: tensor<?x1x28x28xf32> {bnc.name = "x"}) -> (tensor<?x10xf32> {bnc.name = "y"}) {
    %w = bnc.read @conv1.weight : tensor<6x1x5x5xf32>
    %b = bnc.read @conv1.bias : tensor<6xf32>
    %0 = bnc.conv %x, %w, %b
        {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
        : (tensor<?x1x28x28xf32>, tensor<6x1x5x5xf32>, tensor<6xf32>) -> tensor<?x6x24x24xf32> loc("conv1"("lenet.onnx":1:0))
    %g = bnc.read @bn1.weight : tensor<6xf32>
    %o = bnc.read @bn1.bias : tensor<6xf32>
    %m = bnc.read @bn1.running_mean : tensor<6xf32>
    %v = bnc.read @bn1.running_var : tensor<6xf32>
    %1 = bnc.batch_norm %0 scale(%g : tensor<6xf32>) offset(%o : tensor<6xf32>) mean(%m : tensor<6xf32>) variance(%v : tensor<6xf32>)
        {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x6x24x24xf32> loc("bn1"("lenet.onnx":2:0))
    %2 = bnc.sigmoid %1 : tensor<?x6x24x24xf32>
    %3 = bnc.avg_pool %2
        {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x6x24x24xf32>) -> tensor<?x6x12x12xf32>
    %4 = bnc.reshape %3 {shape = array<i64: -1, 864>} : (tensor<?x6x12x12xf32>) -> tensor<?x864xf32>
    %fw = bnc.read @fc.weight : tensor<10x864xf32>
    %fb = bnc.read @fc.bias : tensor<10xf32>
    %5 = bnc.dense %4, %fw, %fb : (tensor<?x864xf32>, tensor<10x864xf32>, tensor<10xf32>) -> tensor<?x10xf32> loc("fc"("lenet.onnx":3:0))
    %g2 = bnc.read @bn2.weight : tensor<10xf32>
    %o2 = bnc.read @bn2.bias : tensor<10xf32>
    %m2 = bnc.read @bn2.running_mean : tensor<10xf32>
    %v2 = bnc.read @bn2.running_var : tensor<10xf32>
    %6 = bnc.batch_norm %5 scale(%g2 : tensor<10xf32>) offset(%o2 : tensor<10xf32>) mean(%m2 : tensor<10xf32>) variance(%v2 : tensor<10xf32>)
        {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x10xf32> loc("bn2"("lenet.onnx":4:0))
    %7 = bnc.softmax %6 {axis = 1 : i64} : tensor<?x10xf32> loc("softmax"("lenet.onnx":5:0))
    bnc.return %7 : tensor<?x10xf32>
  }
}
