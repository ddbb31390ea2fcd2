// Two biases for one value, one of them and the weight reshaped; for verify.test.
module attributes {bnc.phase = "import"} {
  bnc.variable params @w : tensor<5x3xf32>
  bnc.variable params @b1 : tensor<5xf32>
  bnc.variable params @b2 : tensor<5xf32>
  bnc.graph model @net(%x: tensor<?x3x2x2xf32> {bnc.name = "x"}) -> (tensor<?x20xf32> {bnc.name = "y"}) {
    %w = bnc.read @w : tensor<5x3xf32>
    %w4 = bnc.reshape %w {shape = array<i64: 5, 3, 1, 1>} : (tensor<5x3xf32>) -> tensor<5x3x1x1xf32>
    %b = bnc.read @b1 : tensor<5xf32>
    %b2 = bnc.read @b2 : tensor<5xf32>
    %b3 = bnc.reshape %b2 {shape = array<i64: 5, 1, 1>} : (tensor<5xf32>) -> tensor<5x1x1xf32>
    %0 = bnc.conv %x, %w4, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x3x2x2xf32>, tensor<5x3x1x1xf32>, tensor<5xf32>) -> tensor<?x5x2x2xf32>
    %1 = bnc.add %0, %b3 : (tensor<?x5x2x2xf32>, tensor<5x1x1xf32>) -> tensor<?x5x2x2xf32>
    %2 = bnc.reshape %1 {shape = array<i64: -1, 20>} : (tensor<?x5x2x2xf32>) -> tensor<?x20xf32>
    bnc.return %2 : tensor<?x20xf32>
  }
}
