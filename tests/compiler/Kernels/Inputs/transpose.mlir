// Transposes of samples, of an input and of what kernels computed, alone and on the way into something else.
module attributes {bnc.phase = "import"} {
  bnc.graph model @transpose(%x: tensor<?x3x5x9xf32> {bnc.name = "x"}, %s: tensor<?x11x4xf32> {bnc.name = "s"})
      -> (tensor<?x5x9x3xf32> {bnc.name = "last"}, tensor<?x9x2x2xf32> {bnc.name = "pooled"}, tensor<?x4x11xf32> {bnc.name = "turned"}, tensor<?x9x3x5xf32> {bnc.name = "both"}) {
    %0 = bnc.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : (tensor<?x3x5x9xf32>) -> tensor<?x5x9x3xf32>
    %1 = bnc.sigmoid %0 : tensor<?x5x9x3xf32>
    %2 = bnc.transpose %x {permutation = array<i64: 0, 3, 2, 1>} : (tensor<?x3x5x9xf32>) -> tensor<?x9x5x3xf32>
    %3 = bnc.max_pool %2 {kernel = array<i64: 3, 2>, strides = array<i64: 2, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x9x5x3xf32>) -> tensor<?x9x2x2xf32>
    %4 = bnc.transpose %s {permutation = array<i64: 0, 2, 1>} : (tensor<?x11x4xf32>) -> tensor<?x4x11xf32>
    %5 = bnc.tanh %4 : tensor<?x4x11xf32>
    %6 = bnc.softmax %x {axis = 1 : i64} : tensor<?x3x5x9xf32>
    %7 = bnc.transpose %6 {permutation = array<i64: 0, 3, 1, 2>} : (tensor<?x3x5x9xf32>) -> tensor<?x9x3x5xf32>
    bnc.return %1, %3, %5, %7 : tensor<?x5x9x3xf32>, tensor<?x9x2x2xf32>, tensor<?x4x11xf32>, tensor<?x9x3x5xf32>
  }
}
