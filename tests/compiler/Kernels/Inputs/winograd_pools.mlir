// See winograd-pools.test.
module attributes {bnc.phase = "import"} {
  bnc.variable params @a : tensor<64x24x3x3xf32>
  bnc.variable params @b : tensor<64x64x3x3xf32>
  bnc.variable params @c : tensor<64x64x3x3xf32>
  bnc.variable params @d : tensor<64x64x3x3xf32>
  bnc.variable params @e : tensor<64x64x3x3xf32>
  bnc.variable params @f : tensor<8x64x1x1xf32>
  bnc.variable params @bias : tensor<64xf32>
  bnc.graph model @net(%x: tensor<?x24x48x80xf32> {bnc.name = "x"}) -> (tensor<?x8x3x5xf32> {bnc.name = "y"}) {
    %a = bnc.read @a : tensor<64x24x3x3xf32>
    %b = bnc.read @b : tensor<64x64x3x3xf32>
    %c = bnc.read @c : tensor<64x64x3x3xf32>
    %d = bnc.read @d : tensor<64x64x3x3xf32>
    %e = bnc.read @e : tensor<64x64x3x3xf32>
    %f = bnc.read @f : tensor<8x64x1x1xf32>
    %bias = bnc.read @bias : tensor<64xf32>
    %ca = bnc.conv %x, %a, %bias {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x24x48x80xf32>, tensor<64x24x3x3xf32>, tensor<64xf32>) -> tensor<?x64x48x80xf32>
    %ra = bnc.relu %ca : tensor<?x64x48x80xf32>
    %halves = bnc.max_pool %ra {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x64x48x80xf32>) -> tensor<?x64x24x40xf32>
    %cb = bnc.conv %halves, %b {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x64x24x40xf32>, tensor<64x64x3x3xf32>) -> tensor<?x64x24x40xf32>
    %mb = bnc.avg_pool %cb {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x64x24x40xf32>) -> tensor<?x64x12x20xf32>
    %means = bnc.relu %mb : tensor<?x64x12x20xf32>
    %cc = bnc.conv %means, %c, %bias {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x64x12x20xf32>, tensor<64x64x3x3xf32>, tensor<64xf32>) -> tensor<?x64x12x20xf32>
    %quarters = bnc.max_pool %cc {kernel = array<i64: 4, 4>, strides = array<i64: 4, 4>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x64x12x20xf32>) -> tensor<?x64x3x5xf32>
    %half_means = bnc.max_pool %means {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x64x12x20xf32>) -> tensor<?x64x6x10xf32>
    %cd = bnc.conv %half_means, %d {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x64x6x10xf32>, tensor<64x64x3x3xf32>) -> tensor<?x64x6x10xf32>
    %of_two = bnc.max_pool %cd {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x64x6x10xf32>) -> tensor<?x64x3x5xf32>
    %both = bnc.add %quarters, %of_two : (tensor<?x64x3x5xf32>, tensor<?x64x3x5xf32>) -> tensor<?x64x3x5xf32>
    %ce = bnc.conv %means, %e {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x64x12x20xf32>, tensor<64x64x3x3xf32>) -> tensor<?x64x12x20xf32>
    %reaching = bnc.max_pool %ce {kernel = array<i64: 6, 6>, strides = array<i64: 4, 4>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x64x12x20xf32>) -> tensor<?x64x3x5xf32>
    %all = bnc.add %both, %reaching : (tensor<?x64x3x5xf32>, tensor<?x64x3x5xf32>) -> tensor<?x64x3x5xf32>
    %y = bnc.conv %all, %f {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x64x3x5xf32>, tensor<8x64x1x1xf32>) -> tensor<?x8x3x5xf32>
    bnc.return %y : tensor<?x8x3x5xf32>
  }
}
