// Variables have places, trainable ones first; values that are not alive together share memory.
// RUN: bnc-opt %s --bnc-form-kernels --bnc-lower-kernels --cse --bnc-plan-memory | FileCheck %s

// CHECK: module attributes {bnc.phase = "kernels", bnc.trainable_floats = 576 : i64, bnc.variables_floats = 592 : i64}
// CHECK: @statistics {{.*}}bnc.offset = 576
// CHECK: @w {{.*}}bnc.offset = 0
bnc.variable batch_stats @statistics : tensor<8xf32>
bnc.variable params @w : tensor<8x8x3x3xf32>

// Four convolutions in a row need room for two results at a time: 8 x 8 pixels of 8 channels, 2048 bytes an image.
// CHECK-LABEL: @chain
// One weight that four kernels read is packed once.
// CHECK-SAME: bnc.folded_bytes = 2304 : i64, bnc.scaled_bytes = 4096 : i64
bnc.graph inference @chain(%x: tensor<?x8x8x8xf32>) -> tensor<?x8x8x8xf32> {
  %w = bnc.read @w : tensor<8x8x3x3xf32>
  // CHECK: storage = [#bnc.storage<scaled, 0, 8>]
  %a = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x8x8x8xf32>, tensor<8x8x3x3xf32>) -> tensor<?x8x8x8xf32>
  // CHECK: storage = [#bnc.storage<scaled, 2048, 8>]
  %b = bnc.conv %a, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x8x8x8xf32>, tensor<8x8x3x3xf32>) -> tensor<?x8x8x8xf32>
  // CHECK: storage = [#bnc.storage<scaled, 0, 8>]
  %c = bnc.conv %b, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x8x8x8xf32>, tensor<8x8x3x3xf32>) -> tensor<?x8x8x8xf32>
  // The graph's result goes to the caller's memory, in the file's layout.
  // CHECK: storage = [#bnc.storage<output, 0, 0>]
  %d = bnc.conv %c, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x8x8x8xf32>, tensor<8x8x3x3xf32>) -> tensor<?x8x8x8xf32>
  bnc.return %d : tensor<?x8x8x8xf32>
}

// Parts of a concatenation lie where it does, a and b are channels 0 and 8 of ab, ab is the first
// 16 channels of abc.
// CHECK-LABEL: @joined
// CHECK-SAME: bnc.scaled_bytes = 6144 : i64
bnc.graph inference @joined(%x: tensor<?x8x8x8xf32>) -> tensor<?x24x8x8xf32> {
  %w = bnc.read @w : tensor<8x8x3x3xf32>
  // CHECK: storage = [#bnc.storage<scaled, 0, 8 of 24>]
  %a = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x8x8x8xf32>, tensor<8x8x3x3xf32>) -> tensor<?x8x8x8xf32>
  // CHECK: storage = [#bnc.storage<scaled, 0, 8 of 24 at 8>]
  %b = bnc.conv %a, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x8x8x8xf32>, tensor<8x8x3x3xf32>) -> tensor<?x8x8x8xf32>
  // CHECK: bnc.concat {{.*}}storage = [#bnc.storage<scaled, 0, 16 of 24>]
  %ab = bnc.concat %a, %b {axis = 1 : i64} : (tensor<?x8x8x8xf32>, tensor<?x8x8x8xf32>) -> tensor<?x16x8x8xf32>
  // CHECK: storage = [#bnc.storage<scaled, 0, 8 of 24 at 16>]
  %c = bnc.conv %b, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x8x8x8xf32>, tensor<8x8x3x3xf32>) -> tensor<?x8x8x8xf32>
  // CHECK: bnc.concat {{.*}}storage = [#bnc.storage<scaled, 0, 24>]
  %abc = bnc.concat %ab, %c {axis = 1 : i64} : (tensor<?x16x8x8xf32>, tensor<?x8x8x8xf32>) -> tensor<?x24x8x8xf32>
  %r = bnc.relu %abc : tensor<?x24x8x8xf32>
  bnc.return %r : tensor<?x24x8x8xf32>
}
