// A dense layer, one BatchNorm module called twice, and a second layer; for training-values.test.
module attributes {bnc.phase = "import"} {
  bnc.variable params @fc1.weight : tensor<4x3xf32>
  bnc.variable params @fc1.bias : tensor<4xf32>
  bnc.variable params @bn.weight : tensor<4xf32>
  bnc.variable params @bn.bias : tensor<4xf32>
  bnc.variable batch_stats @bn.mean : tensor<4xf32>
  bnc.variable batch_stats @bn.variance : tensor<4xf32>
  bnc.graph model @net(%x: tensor<?x3xf32> {bnc.name = "x"}) -> (tensor<?x4xf32> {bnc.name = "y"}) {
    %w = bnc.read @fc1.weight : tensor<4x3xf32>
    %b = bnc.read @fc1.bias : tensor<4xf32>
    %0 = bnc.dense %x, %w, %b : (tensor<?x3xf32>, tensor<4x3xf32>, tensor<4xf32>) -> tensor<?x4xf32>
    %g = bnc.read @bn.weight : tensor<4xf32>
    %o = bnc.read @bn.bias : tensor<4xf32>
    %m = bnc.read @bn.mean : tensor<4xf32>
    %v = bnc.read @bn.variance : tensor<4xf32>
    %1 = bnc.batch_norm %0 scale(%g : tensor<4xf32>) offset(%o : tensor<4xf32>) mean(%m : tensor<4xf32>)
        variance(%v : tensor<4xf32>)
        {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x4xf32>
    %2 = bnc.sigmoid %1 : tensor<?x4xf32>
    %3 = bnc.batch_norm %2 scale(%g : tensor<4xf32>) offset(%o : tensor<4xf32>) mean(%m : tensor<4xf32>)
        variance(%v : tensor<4xf32>)
        {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x4xf32>
    bnc.return %3 : tensor<?x4xf32>
  }
}
