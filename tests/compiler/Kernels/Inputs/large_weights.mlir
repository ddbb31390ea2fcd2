// See large-weights.test.
module attributes {bnc.phase = "import"} {
  bnc.variable params @w : tensor<48x256x3x3xf32>
  bnc.variable params @b : tensor<48xf32>
  bnc.variable params @p : tensor<48x256x1x1xf32>
  bnc.variable params @d : tensor<10x2352xf32>
  bnc.graph model @net(%x: tensor<?x256x14x14xf32> {bnc.name = "x"}) -> (tensor<?x48x7x7xf32> {bnc.name = "one"}, tensor<?x48x7x7xf32> {bnc.name = "sum"}, tensor<?x10xf32> {bnc.name = "classes"}) {
    %w = bnc.read @w : tensor<48x256x3x3xf32>
    %b = bnc.read @b : tensor<48xf32>
    %p = bnc.read @p : tensor<48x256x1x1xf32>
    %d = bnc.read @d : tensor<10x2352xf32>
    %c = bnc.conv %x, %w, %b {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x256x14x14xf32>, tensor<48x256x3x3xf32>, tensor<48xf32>) -> tensor<?x48x7x7xf32>
    %one = bnc.relu %c : tensor<?x48x7x7xf32>
    %e = bnc.conv %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x256x14x14xf32>, tensor<48x256x3x3xf32>) -> tensor<?x48x7x7xf32>
    %q = bnc.conv %x, %p {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x256x14x14xf32>, tensor<48x256x1x1xf32>) -> tensor<?x48x7x7xf32>
    %sum = bnc.add %e, %q : (tensor<?x48x7x7xf32>, tensor<?x48x7x7xf32>) -> tensor<?x48x7x7xf32>
    %f = bnc.reshape %one {shape = array<i64: -1, 2352>} : (tensor<?x48x7x7xf32>) -> tensor<?x2352xf32>
    %classes = bnc.dense %f, %d : (tensor<?x2352xf32>, tensor<10x2352xf32>) -> tensor<?x10xf32>
    bnc.return %one, %sum, %classes : tensor<?x48x7x7xf32>, tensor<?x48x7x7xf32>, tensor<?x10xf32>
  }
}
