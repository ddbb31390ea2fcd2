// Every forty channels have 1000 elements an image: 1 GB at batch 250000.
module attributes {bnc.phase = "import"} {
  bnc.variable params @a.weight : tensor<40x40x3x3xf32>
  bnc.variable params @b.weight : tensor<40x40x3x3xf32>
  bnc.variable params @a_norm.scale : tensor<40xf32>
  bnc.variable params @a_norm.offset : tensor<40xf32>
  bnc.variable batch_stats @a_norm.mean : tensor<40xf32>
  bnc.variable batch_stats @a_norm.variance : tensor<40xf32>
  bnc.variable params @both_norm.scale : tensor<80xf32>
  bnc.variable params @both_norm.offset : tensor<80xf32>
  bnc.variable batch_stats @both_norm.mean : tensor<80xf32>
  bnc.variable batch_stats @both_norm.variance : tensor<80xf32>
  bnc.variable params @classes.weight : tensor<10x80xf32>
  bnc.graph model @joined(%x: tensor<?x40x5x5xf32> {bnc.name = "x"}) -> (tensor<?x10xf32> {bnc.name = "y"}) {
    %aw = bnc.read @a.weight : tensor<40x40x3x3xf32>
    %a = bnc.conv %x, %aw {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x40x5x5xf32>, tensor<40x40x3x3xf32>) -> tensor<?x40x5x5xf32> loc("a")
    %a_norms = bnc.read @a_norm.scale : tensor<40xf32>
    %a_normo = bnc.read @a_norm.offset : tensor<40xf32>
    %a_normm = bnc.read @a_norm.mean : tensor<40xf32>
    %a_normv = bnc.read @a_norm.variance : tensor<40xf32>
    %an = bnc.batch_norm %a scale(%a_norms : tensor<40xf32>) offset(%a_normo : tensor<40xf32>) mean(%a_normm : tensor<40xf32>) variance(%a_normv : tensor<40xf32>) {epsilon = 1.0e-5 : f64, decay = 0.9 : f64, running_variance = #bnc<running_variance sample>} : tensor<?x40x5x5xf32> loc("a_norm")
    %ar = bnc.relu %an : tensor<?x40x5x5xf32> loc("a_relu")
    %bw = bnc.read @b.weight : tensor<40x40x3x3xf32>
    %b = bnc.conv %ar, %bw {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x40x5x5xf32>, tensor<40x40x3x3xf32>) -> tensor<?x40x5x5xf32> loc("b")
    %both = bnc.concat %a, %b {axis = 1 : i64} : (tensor<?x40x5x5xf32>, tensor<?x40x5x5xf32>) -> tensor<?x80x5x5xf32> loc("both")
    %both_norms = bnc.read @both_norm.scale : tensor<80xf32>
    %both_normo = bnc.read @both_norm.offset : tensor<80xf32>
    %both_normm = bnc.read @both_norm.mean : tensor<80xf32>
    %both_normv = bnc.read @both_norm.variance : tensor<80xf32>
    %bothn = bnc.batch_norm %both scale(%both_norms : tensor<80xf32>) offset(%both_normo : tensor<80xf32>) mean(%both_normm : tensor<80xf32>) variance(%both_normv : tensor<80xf32>) {epsilon = 1.0e-5 : f64, decay = 0.9 : f64, running_variance = #bnc<running_variance sample>} : tensor<?x80x5x5xf32> loc("both_norm")
    %r = bnc.relu %bothn : tensor<?x80x5x5xf32> loc("both_relu")
    %p = bnc.reduce_mean %r {axes = array<i64: 2, 3>} : (tensor<?x80x5x5xf32>) -> tensor<?x80xf32> loc("mean")
    %cw = bnc.read @classes.weight : tensor<10x80xf32>
    %y = bnc.dense %p, %cw : (tensor<?x80xf32>, tensor<10x80xf32>) -> tensor<?x10xf32> loc("classes")
    bnc.return %y : tensor<?x10xf32>
  }
}
