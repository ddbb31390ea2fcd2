// Every activation has 1000 elements an image: 1 GB at batch 250000.
module attributes {bnc.phase = "import"} {
  bnc.variable params @a.weight : tensor<10x10x3x3xf32>
  bnc.variable params @a.scale : tensor<10xf32>
  bnc.variable params @a.offset : tensor<10xf32>
  bnc.variable batch_stats @a.mean : tensor<10xf32>
  bnc.variable batch_stats @a.variance : tensor<10xf32>
  bnc.variable params @b.weight : tensor<10x10x3x3xf32>
  bnc.variable params @b.scale : tensor<10xf32>
  bnc.variable params @b.offset : tensor<10xf32>
  bnc.variable batch_stats @b.mean : tensor<10xf32>
  bnc.variable batch_stats @b.variance : tensor<10xf32>
  bnc.variable params @classes.weight : tensor<10x10xf32>
  bnc.graph model @residual(%x: tensor<?x10x10x10xf32> {bnc.name = "x"}) -> (tensor<?x10xf32> {bnc.name = "y"}) {
    %aw = bnc.read @a.weight : tensor<10x10x3x3xf32>
    %as = bnc.read @a.scale : tensor<10xf32>
    %ao = bnc.read @a.offset : tensor<10xf32>
    %am = bnc.read @a.mean : tensor<10xf32>
    %av = bnc.read @a.variance : tensor<10xf32>
    %a = bnc.conv %x, %aw {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x10x10x10xf32>, tensor<10x10x3x3xf32>) -> tensor<?x10x10x10xf32> loc("a")
    %an = bnc.batch_norm %a scale(%as : tensor<10xf32>) offset(%ao : tensor<10xf32>) mean(%am : tensor<10xf32>) variance(%av : tensor<10xf32>) {epsilon = 1.0e-5 : f64, decay = 0.9 : f64, running_variance = #bnc<running_variance sample>} : tensor<?x10x10x10xf32> loc("a_norm")
    %ar = bnc.relu %an : tensor<?x10x10x10xf32> loc("a_relu")
    %bw = bnc.read @b.weight : tensor<10x10x3x3xf32>
    %bs = bnc.read @b.scale : tensor<10xf32>
    %bo = bnc.read @b.offset : tensor<10xf32>
    %bm = bnc.read @b.mean : tensor<10xf32>
    %bv = bnc.read @b.variance : tensor<10xf32>
    %b = bnc.conv %ar, %bw {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x10x10x10xf32>, tensor<10x10x3x3xf32>) -> tensor<?x10x10x10xf32> loc("b")
    %bn = bnc.batch_norm %b scale(%bs : tensor<10xf32>) offset(%bo : tensor<10xf32>) mean(%bm : tensor<10xf32>) variance(%bv : tensor<10xf32>) {epsilon = 1.0e-5 : f64, decay = 0.9 : f64, running_variance = #bnc<running_variance sample>} : tensor<?x10x10x10xf32> loc("b_norm")
    %s = bnc.add %bn, %ar : (tensor<?x10x10x10xf32>, tensor<?x10x10x10xf32>) -> tensor<?x10x10x10xf32> loc("sum")
    %sr = bnc.relu %s : tensor<?x10x10x10xf32> loc("sum_relu")
    %p = bnc.reduce_mean %sr {axes = array<i64: 2, 3>} : (tensor<?x10x10x10xf32>) -> tensor<?x10xf32> loc("mean")
    %cw = bnc.read @classes.weight : tensor<10x10xf32>
    %y = bnc.dense %p, %cw : (tensor<?x10xf32>, tensor<10x10xf32>) -> tensor<?x10xf32> loc("classes")
    bnc.return %y : tensor<?x10xf32>
  }
}
