// See prefetch.test.
module attributes {bnc.phase = "import"} {
  bnc.variable params @v : tensor<16x16x1x1xf32>
  bnc.variable params @w : tensor<16x16x1x1xf32>
  bnc.graph model @net(%x: tensor<?x16x14x14xf32> {bnc.name = "x"}) -> (tensor<?x16x14x14xf32> {bnc.name = "z"}) {
    %v = bnc.read @v : tensor<16x16x1x1xf32>
    %w = bnc.read @w : tensor<16x16x1x1xf32>
    %a = bnc.conv %x, %v {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x16x14x14xf32>, tensor<16x16x1x1xf32>) -> tensor<?x16x14x14xf32>
    %c = bnc.conv %a, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x16x14x14xf32>, tensor<16x16x1x1xf32>) -> tensor<?x16x14x14xf32>
    %y = bnc.add %c, %a : (tensor<?x16x14x14xf32>, tensor<?x16x14x14xf32>) -> tensor<?x16x14x14xf32>
    %z = bnc.conv %y, %v {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x16x14x14xf32>, tensor<16x16x1x1xf32>) -> tensor<?x16x14x14xf32>
    bnc.return %z : tensor<?x16x14x14xf32>
  }
}
