// See winograd-panels.test.
module attributes {bnc.phase = "import"} {
  bnc.variable params @a : tensor<320x24x3x3xf32>
  bnc.variable params @b : tensor<512x320x3x3xf32>
  bnc.variable params @c : tensor<320x512x3x3xf32>
  bnc.variable params @bias : tensor<512xf32>
  bnc.graph model @net(%x: tensor<?x24x12x20xf32> {bnc.name = "x"}) -> (tensor<?x320x12x20xf32> {bnc.name = "y"}, tensor<?x320x6x10xf32> {bnc.name = "pooled"}) {
    %bias = bnc.read @bias : tensor<512xf32>
    %wa = bnc.read @a : tensor<320x24x3x3xf32>
    %ca = bnc.conv %x, %wa {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x24x12x20xf32>, tensor<320x24x3x3xf32>) -> tensor<?x320x12x20xf32>
    %ra = bnc.relu %ca : tensor<?x320x12x20xf32>
    %wb = bnc.read @b : tensor<512x320x3x3xf32>
    %cb = bnc.conv %ra, %wb, %bias {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x320x12x20xf32>, tensor<512x320x3x3xf32>, tensor<512xf32>) -> tensor<?x512x12x20xf32>
    %rb = bnc.relu %cb : tensor<?x512x12x20xf32>
    %wc = bnc.read @c : tensor<320x512x3x3xf32>
    %cc = bnc.conv %rb, %wc {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x512x12x20xf32>, tensor<320x512x3x3xf32>) -> tensor<?x320x12x20xf32>
    %sum = bnc.add %cc, %ra : (tensor<?x320x12x20xf32>, tensor<?x320x12x20xf32>) -> tensor<?x320x12x20xf32>
    %y = bnc.relu %sum : tensor<?x320x12x20xf32>
    %pooled = bnc.max_pool %y {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x320x12x20xf32>) -> tensor<?x320x6x10xf32>
    bnc.return %y, %pooled : tensor<?x320x12x20xf32>, tensor<?x320x6x10xf32>
  }
}
