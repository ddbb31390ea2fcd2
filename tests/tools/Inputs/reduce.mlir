// Three ops, of which a test looks for one.
module {
  bnc.graph model @net(%x: tensor<?x2x4x4xf32> {bnc.name = "x"}) -> (tensor<?x2x2x2xf32> {bnc.name = "y"}) {
    %0 = bnc.relu %x : tensor<?x2x4x4xf32>
    %1 = bnc.sigmoid %0 : tensor<?x2x4x4xf32>
    %2 = bnc.max_pool %1 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x2x4x4xf32>) -> tensor<?x2x2x2xf32>
    %3 = bnc.tanh %2 : tensor<?x2x2x2xf32>
    bnc.return %3 : tensor<?x2x2x2xf32>
  }
}
