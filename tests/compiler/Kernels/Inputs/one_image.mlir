// See one-image.test.
module attributes {bnc.phase = "import"} {
  bnc.variable params @a : tensor<768x1176xf32>
  bnc.variable params @b : tensor<250x768xf32>
  bnc.variable params @bias : tensor<250xf32>
  bnc.graph model @net(%x: tensor<?x24x7x7xf32> {bnc.name = "x"}) -> (tensor<?x250xf32> {bnc.name = "y"}) {
    %wa = bnc.read @a : tensor<768x1176xf32>
    %wb = bnc.read @b : tensor<250x768xf32>
    %bias = bnc.read @bias : tensor<250xf32>
    %flat = bnc.reshape %x {shape = array<i64: -1, 1176>} : (tensor<?x24x7x7xf32>) -> tensor<?x1176xf32>
    %hidden = bnc.dense %flat, %wa : (tensor<?x1176xf32>, tensor<768x1176xf32>) -> tensor<?x768xf32>
    %relu = bnc.relu %hidden : tensor<?x768xf32>
    %y = bnc.dense %relu, %wb, %bias : (tensor<?x768xf32>, tensor<250x768xf32>, tensor<250xf32>) -> tensor<?x250xf32>
    bnc.return %y : tensor<?x250xf32>
  }
}
