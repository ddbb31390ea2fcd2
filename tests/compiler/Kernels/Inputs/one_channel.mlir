// See one-channel.test.
module attributes {bnc.phase = "import"} {
  bnc.variable params @a_weight : tensor<6x1x3x3xf32>
  bnc.variable params @a_scale : tensor<6xf32>
  bnc.variable params @a_offset : tensor<6xf32>
  bnc.variable batch_stats @a_mean : tensor<6xf32>
  bnc.variable batch_stats @a_var : tensor<6xf32>
  bnc.variable params @b_weight : tensor<8x1x5x5xf32>
  bnc.variable params @b_scale : tensor<8xf32>
  bnc.variable params @b_offset : tensor<8xf32>
  bnc.variable batch_stats @b_mean : tensor<8xf32>
  bnc.variable batch_stats @b_var : tensor<8xf32>
  bnc.variable params @c_weight : tensor<5x1x3x3xf32>
  bnc.variable params @c_scale : tensor<5xf32>
  bnc.variable params @c_offset : tensor<5xf32>
  bnc.variable batch_stats @c_mean : tensor<5xf32>
  bnc.variable batch_stats @c_var : tensor<5xf32>
  bnc.variable params @d_weight : tensor<6x1x4x4xf32>
  bnc.variable params @d_scale : tensor<6xf32>
  bnc.variable params @d_offset : tensor<6xf32>
  bnc.variable batch_stats @d_mean : tensor<6xf32>
  bnc.variable batch_stats @d_var : tensor<6xf32>
  bnc.variable params @e_weight : tensor<6x1x5x5xf32>
  bnc.variable params @e_bias : tensor<6xf32>
  bnc.variable params @f_weight : tensor<40x1x3x3xf32>
  bnc.variable params @f_scale : tensor<40xf32>
  bnc.variable params @f_offset : tensor<40xf32>
  bnc.variable batch_stats @f_mean : tensor<40xf32>
  bnc.variable batch_stats @f_var : tensor<40xf32>
  bnc.variable params @g_weight : tensor<8x8x3x3xf32>
  bnc.variable params @h_weight : tensor<8x1x3x3xf32>
  bnc.graph model @net(%x: tensor<?x1x17x34xf32> {bnc.name = "x"}) -> (tensor<?x79xf32> {bnc.name = "y"}) {
    %aw = bnc.read @a_weight : tensor<6x1x3x3xf32>
    %ascale = bnc.read @a_scale : tensor<6xf32>
    %aoffset = bnc.read @a_offset : tensor<6xf32>
    %amean = bnc.read @a_mean : tensor<6xf32>
    %avar = bnc.read @a_var : tensor<6xf32>
    %a0 = bnc.conv %x, %aw {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x1x17x34xf32>, tensor<6x1x3x3xf32>) -> tensor<?x6x17x34xf32>
    %a1 = bnc.batch_norm %a0 scale(%ascale : tensor<6xf32>) offset(%aoffset : tensor<6xf32>) mean(%amean : tensor<6xf32>) variance(%avar : tensor<6xf32>) {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x6x17x34xf32>
    %a2 = bnc.sigmoid %a1 : tensor<?x6x17x34xf32>
    %a3 = bnc.reduce_mean %a2 {axes = array<i64: 2, 3>} : (tensor<?x6x17x34xf32>) -> tensor<?x6xf32>
    %bw = bnc.read @b_weight : tensor<8x1x5x5xf32>
    %bscale = bnc.read @b_scale : tensor<8xf32>
    %boffset = bnc.read @b_offset : tensor<8xf32>
    %bmean = bnc.read @b_mean : tensor<8xf32>
    %bvar = bnc.read @b_var : tensor<8xf32>
    %b0 = bnc.conv %x, %bw {strides = array<i64: 1, 1>, pads = array<i64: 2, 2, 2, 2>, dilations = array<i64: 1, 1>} : (tensor<?x1x17x34xf32>, tensor<8x1x5x5xf32>) -> tensor<?x8x17x34xf32>
    %b1 = bnc.batch_norm %b0 scale(%bscale : tensor<8xf32>) offset(%boffset : tensor<8xf32>) mean(%bmean : tensor<8xf32>) variance(%bvar : tensor<8xf32>) {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x8x17x34xf32>
    %b2 = bnc.sigmoid %b1 : tensor<?x8x17x34xf32>
    %b3 = bnc.reduce_mean %b2 {axes = array<i64: 2, 3>} : (tensor<?x8x17x34xf32>) -> tensor<?x8xf32>
    %cw = bnc.read @c_weight : tensor<5x1x3x3xf32>
    %cscale = bnc.read @c_scale : tensor<5xf32>
    %coffset = bnc.read @c_offset : tensor<5xf32>
    %cmean = bnc.read @c_mean : tensor<5xf32>
    %cvar = bnc.read @c_var : tensor<5xf32>
    %c0 = bnc.conv %x, %cw {strides = array<i64: 2, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 2, 2>} : (tensor<?x1x17x34xf32>, tensor<5x1x3x3xf32>) -> tensor<?x5x7x30xf32>
    %c1 = bnc.batch_norm %c0 scale(%cscale : tensor<5xf32>) offset(%coffset : tensor<5xf32>) mean(%cmean : tensor<5xf32>) variance(%cvar : tensor<5xf32>) {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x5x7x30xf32>
    %c2 = bnc.sigmoid %c1 : tensor<?x5x7x30xf32>
    %c3 = bnc.reduce_mean %c2 {axes = array<i64: 2, 3>} : (tensor<?x5x7x30xf32>) -> tensor<?x5xf32>
    %dw = bnc.read @d_weight : tensor<6x1x4x4xf32>
    %dscale = bnc.read @d_scale : tensor<6xf32>
    %doffset = bnc.read @d_offset : tensor<6xf32>
    %dmean = bnc.read @d_mean : tensor<6xf32>
    %dvar = bnc.read @d_var : tensor<6xf32>
    %d0 = bnc.conv %x, %dw {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x1x17x34xf32>, tensor<6x1x4x4xf32>) -> tensor<?x6x14x31xf32>
    %d1 = bnc.batch_norm %d0 scale(%dscale : tensor<6xf32>) offset(%doffset : tensor<6xf32>) mean(%dmean : tensor<6xf32>) variance(%dvar : tensor<6xf32>) {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x6x14x31xf32>
    %d2 = bnc.sigmoid %d1 : tensor<?x6x14x31xf32>
    %d3 = bnc.reduce_mean %d2 {axes = array<i64: 2, 3>} : (tensor<?x6x14x31xf32>) -> tensor<?x6xf32>
    %ew = bnc.read @e_weight : tensor<6x1x5x5xf32>
    %ebias = bnc.read @e_bias : tensor<6xf32>
    %e0 = bnc.conv %x, %ew, %ebias {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x1x17x34xf32>, tensor<6x1x5x5xf32>, tensor<6xf32>) -> tensor<?x6x13x30xf32>
    %e2 = bnc.sigmoid %e0 : tensor<?x6x13x30xf32>
    %e3 = bnc.reduce_mean %e2 {axes = array<i64: 2, 3>} : (tensor<?x6x13x30xf32>) -> tensor<?x6xf32>
    %fw = bnc.read @f_weight : tensor<40x1x3x3xf32>
    %fscale = bnc.read @f_scale : tensor<40xf32>
    %foffset = bnc.read @f_offset : tensor<40xf32>
    %fmean = bnc.read @f_mean : tensor<40xf32>
    %fvar = bnc.read @f_var : tensor<40xf32>
    %f0 = bnc.conv %x, %fw {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x1x17x34xf32>, tensor<40x1x3x3xf32>) -> tensor<?x40x15x32xf32>
    %f1 = bnc.batch_norm %f0 scale(%fscale : tensor<40xf32>) offset(%foffset : tensor<40xf32>) mean(%fmean : tensor<40xf32>) variance(%fvar : tensor<40xf32>) {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : tensor<?x40x15x32xf32>
    %f2 = bnc.sigmoid %f1 : tensor<?x40x15x32xf32>
    %f3 = bnc.reduce_mean %f2 {axes = array<i64: 2, 3>} : (tensor<?x40x15x32xf32>) -> tensor<?x40xf32>
    %gw = bnc.read @g_weight : tensor<8x8x3x3xf32>
    %hw = bnc.read @h_weight : tensor<8x1x3x3xf32>
    %g0 = bnc.conv %b2, %gw {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x8x17x34xf32>, tensor<8x8x3x3xf32>) -> tensor<?x8x17x34xf32>
    %h0 = bnc.conv %x, %hw {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x1x17x34xf32>, tensor<8x1x3x3xf32>) -> tensor<?x8x17x34xf32>
    %h1 = bnc.add %g0, %h0 : (tensor<?x8x17x34xf32>, tensor<?x8x17x34xf32>) -> tensor<?x8x17x34xf32>
    %h2 = bnc.sigmoid %h1 : tensor<?x8x17x34xf32>
    %h3 = bnc.reduce_mean %h2 {axes = array<i64: 2, 3>} : (tensor<?x8x17x34xf32>) -> tensor<?x8xf32>
    %y = bnc.concat %a3, %b3, %c3, %d3, %e3, %f3, %h3 {axis = 1} : (tensor<?x6xf32>, tensor<?x8xf32>, tensor<?x5xf32>, tensor<?x6xf32>, tensor<?x6xf32>, tensor<?x40xf32>, tensor<?x8xf32>) -> tensor<?x79xf32>
    bnc.return %y : tensor<?x79xf32>
  }
}
