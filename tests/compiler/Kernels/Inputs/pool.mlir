// See prefetch.test.
module attributes {bnc.phase = "import"} {
  bnc.graph model @net(%x: tensor<?x16x14x14xf32> {bnc.name = "x"}) -> (tensor<?x16x7x7xf32> {bnc.name = "y"}) {
    %y = bnc.max_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x16x14x14xf32>) -> tensor<?x16x7x7xf32>
    bnc.return %y : tensor<?x16x7x7xf32>
  }
}
