// Anchors over staged operands and packed weights; the grid of each kernel.
// RUN: bnc-opt %s --bnc-form-kernels --bnc-lower-kernels=target=x86-64-v3 --split-input-file | FileCheck %s

bnc.variable params @w : tensor<20x3x3x3xf32>

// Zero padding is a border of the staged input; 20 outputs are stored as 24 channels, in blocks of one vector.
// CHECK-LABEL: @padded
bnc.graph inference @padded(%x: tensor<?x3x8x8xf32>) -> tensor<?x20x8x8xf32> {
  %w = bnc.read @w : tensor<20x3x3x3xf32>
  // CHECK: bnc.pack %{{.*}} -> tensor<3x3x3x3x8xf32>
  // CHECK: bnc.kernel rows(4)
  // CHECK: %[[S:.*]] = bnc.stage %{{.*}} pads = array<i64: 1, 1, 1, 1>}{{.*}} -> tensor<?x3x10x10xf32>
  // CHECK: bnc.packed_conv %[[S]]
  %y = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x3x8x8xf32>, tensor<20x3x3x3xf32>) -> tensor<?x20x8x8xf32>
  bnc.return %y : tensor<?x20x8x8xf32>
}

// -----

bnc.variable params @w : tensor<20x3x3xf32>
bnc.variable params @b : tensor<20x2xf32>

// The bias of every place is packed as a weight with a tap for each, in blocks of the convolution's own.
// CHECK-LABEL: @border
bnc.graph inference @border(%x: tensor<?x3x8xf32>) -> tensor<?x20x8xf32> {
  %w = bnc.read @w : tensor<20x3x3xf32>
  %b = bnc.read @b : tensor<20x2xf32>
  // CHECK: %[[B:.*]] = bnc.pack %{{.*}} {{{.*}}shape = array<i64: 20, 1, 1, 2>, strides = array<i64: 2, 0, 0, 1>} {{.*}} -> tensor<3x1x2x1x8xf32>
  // CHECK: bnc.kernel {{.*}}%[[B]]
  // CHECK: %[[Y:.*]] = bnc.packed_conv
  // CHECK: bnc.add_border_bias %{{.*}}, %{{.*}} : (tensor<?x20x8xf32>, tensor<3x1x2x1x8xf32>)
  %y = bnc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 2, 0>, dilations = array<i64: 1>} : (tensor<?x3x8xf32>, tensor<20x3x3xf32>) -> tensor<?x20x8xf32>
  %z = bnc.add_border_bias %y, %b {low = array<i64: 1>, high = array<i64: 0>} : (tensor<?x20x8xf32>, tensor<20x2xf32>) -> tensor<?x20x8xf32>
  bnc.return %z : tensor<?x20x8xf32>
}

// -----

bnc.variable params @w : tensor<10x32xf32>

// A dense layer on a flattened image is a convolution that covers the image; its tasks are blocks of images.
// CHECK-LABEL: @flattened
bnc.graph inference @flattened(%x: tensor<?x8x2x2xf32>) -> tensor<?x10xf32> {
  %w = bnc.read @w : tensor<10x32xf32>
  // CHECK: bnc.pack %{{.*}} {shape = array<i64: 10, 8, 2, 2>{{.*}} -> tensor<1x2x2x8x16xf32>
  // CHECK: bnc.kernel images(32)
  // CHECK-NOT: bnc.dense
  %r = bnc.relu %x : tensor<?x8x2x2xf32>
  %f = bnc.reshape %r {shape = array<i64: -1, 32>} : (tensor<?x8x2x2xf32>) -> tensor<?x32xf32>
  %y = bnc.dense %f, %w : (tensor<?x32xf32>, tensor<10x32xf32>) -> tensor<?x10xf32>
  bnc.return %y : tensor<?x10xf32>
}

// -----

bnc.variable params @w : tensor<8x8x3x3xf32>

// The gradient with respect to the input is a convolution of the padded gradient with flipped weights; the weight
// gradient reads the same staged gradient and leaves slices that are merged.
// CHECK-LABEL: @backward
bnc.graph training @backward(%g: tensor<?x8x6x6xf32>, %x: tensor<?x8x8x8xf32>) -> (tensor<?x8x8x8xf32>, tensor<8x8x3x3xf32>) {
  %w = bnc.read @w : tensor<8x8x3x3xf32>
  // CHECK: bnc.pack {{.*}}{backward,
  // CHECK: %[[K:.*]]:2 = bnc.kernel rows(8) {{.*}}chains = 16
  // CHECK: %[[S:.*]] = bnc.stage %{{.*}} pads = array<i64: 2, 2, 2, 2>}{{.*}} -> tensor<?x8x10x10xf32>
  // CHECK: bnc.packed_conv %[[S]]
  // CHECK: bnc.weight_gradient %[[S]], %{{.*}} gradient_pads = array<i64: 2, 2>
  // CHECK: bnc.merge_slices %[[K]]#
  %dx = bnc.conv_input_gradient %g, %w {input_shape = array<i64: 8, 8>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x6x6xf32>, tensor<8x8x3x3xf32>) -> tensor<?x8x8x8xf32>
  %dw = bnc.conv_weight_gradient %g, %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x6x6xf32>, tensor<?x8x8x8xf32>) -> tensor<8x8x3x3xf32>
  bnc.return %dx, %dw : tensor<?x8x8x8xf32>, tensor<8x8x3x3xf32>
}

// -----

bnc.variable params @w : tensor<32x16x3x3xf32>

// A stride leaves zeros between the gradient's elements, which the product does not multiply: blocks of one vector of input
// channels, 9 taps each.
// CHECK-LABEL: @strided
bnc.graph training @strided(%g: tensor<?x32x8x8xf32>) -> tensor<?x16x16x16xf32> {
  %w = bnc.read @w : tensor<32x16x3x3xf32>
  // CHECK: bnc.pack {{.*}}{channels = 8 : i64, columns,{{.*}} -> tensor<2x1x1x32x80xf32>
  // CHECK: %[[P:.*]] = bnc.packed_conv {{.*}} -> tensor<?x160x8x8xf32>
  // CHECK: bnc.col2im %[[P]] {block = 80 : i64, channels = 8 : i64, {{.*}}strides = array<i64: 2, 2>}{{.*}} -> tensor<?x16x17x17xf32>
  %dx = bnc.conv_input_gradient %g, %w {input_shape = array<i64: 16, 16>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x32x8x8xf32>, tensor<32x16x3x3xf32>) -> tensor<?x16x16x16xf32>
  bnc.return %dx : tensor<?x16x16x16xf32>
}

// -----

// Windows that overlap: each one's winner is found once, then every element looks at the windows that cover it.
// CHECK-LABEL: @overlapping
bnc.graph training @overlapping(%g: tensor<?x8x4x4xf32>, %x: tensor<?x8x8x8xf32>) -> tensor<?x8x8x8xf32> {
  // CHECK: %[[T:.*]] = bnc.max_pool_tap
  // CHECK: %[[S:.*]] = bnc.stage %[[T]]
  // CHECK: bnc.route_to_tap %{{.*}}, %[[S]]
  %0 = bnc.relu %x : tensor<?x8x8x8xf32>
  %1 = bnc.max_pool_gradient %g, %0 {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x8x4x4xf32>, tensor<?x8x8x8xf32>) -> tensor<?x8x8x8xf32>
  bnc.return %1 : tensor<?x8x8x8xf32>
}

// -----

bnc.variable params @w : tensor<16x6x5x5xf32>

// A gradient smaller than its window, for few input channels: one product with all taps, then each tap where it belongs.
// The border that the convolution had is cut off. 25 taps of 6 channels, without padding, fill 160: whole pairs of vectors.
// CHECK-LABEL: @columns
bnc.graph training @columns(%g: tensor<?x16x8x8xf32>) -> tensor<?x6x10x10xf32> {
  %w = bnc.read @w : tensor<16x6x5x5xf32>
  // CHECK: bnc.pack {{.*}}{channels = 6 : i64, columns,{{.*}} -> tensor<1x1x1x16x160xf32>
  // CHECK: bnc.kernel rows(10)
  // CHECK: %[[P:.*]] = bnc.packed_conv {{.*}} -> tensor<?x160x8x8xf32>
  // CHECK: %[[I:.*]] = bnc.col2im %[[P]] {block = 160 : i64, channels = 6 : i64, dilations = array<i64: 1, 1>, kernel = array<i64: 5, 5>, pixels = 8 : i64, strides = array<i64: 1, 1>}{{.*}} -> tensor<?x6x12x12xf32>
  // CHECK: %[[S:.*]] = bnc.stage %[[I]]
  // CHECK: bnc.slice %[[S]] {sizes = array<i64: -1, 6, 10, 10>, starts = array<i64: 0, 0, 1, 1>
  %dx = bnc.conv_input_gradient %g, %w {input_shape = array<i64: 10, 10>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x16x8x8xf32>, tensor<16x6x5x5xf32>) -> tensor<?x6x10x10xf32>
  bnc.return %dx : tensor<?x6x10x10xf32>
}

// -----

bnc.variable batch_stats @mean : tensor<5xf32>

// A variable under another shape is still a variable: inference reads a copy that folding makes.
// CHECK-LABEL: @shaped_variable
bnc.graph inference @shaped_variable(%x: tensor<?x5xf32>) -> tensor<?x5xf32> {
  %m = bnc.read @mean : tensor<5xf32>
  // CHECK: %[[R:.*]] = bnc.reshape
  // CHECK: %[[P:.*]] = bnc.pack %[[R]] {{.*}}: tensor<1x5xf32> -> tensor<1x5xf32>
  // CHECK: bnc.kernel {{.*}}%{{.*}} = %[[P]])
  %r = bnc.reshape %m {shape = array<i64: 1, 5>} : (tensor<5xf32>) -> tensor<1x5xf32>
  %y = bnc.sub %x, %r : (tensor<?x5xf32>, tensor<1x5xf32>) -> tensor<?x5xf32>
  bnc.return %y : tensor<?x5xf32>
}

// -----

// A 3x3 convolution of many channels in tiles of 4 by 4 (inference): the border reaches to the end of the last tile, which
// is cut off in the end. Tiles of 2 by 2 in training, where gradients have to be as exact as those of other frameworks.
bnc.variable params @w : tensor<64x64x3x3xf32>
// CHECK-LABEL: @winograd
bnc.graph inference @winograd(%x: tensor<?x64x30x30xf32>) -> tensor<?x64x30x30xf32> {
  %w = bnc.read @w : tensor<64x64x3x3xf32>
  // CHECK: bnc.pack {{.*}}winograd = 4 : i64{{.*}} -> tensor<{{.*}}x6x6x64x{{.*}}xf32>
  // CHECK: %[[X:.*]] = bnc.stage {{.*}}pads = array<i64: 1, 1, 3, 3>{{.*}} -> tensor<?x64x34x34xf32>
  // CHECK: %[[V:.*]] = bnc.winograd_input %[[X]] {tile = 4 : i64} : {{.*}} -> tensor<?x64x8x288xf32>
  // CHECK: %[[VS:.*]] = bnc.stage %[[V]]
  // CHECK: %[[P:.*]] = bnc.winograd_product %[[VS]], {{.*}} -> tensor<?x64x8x288xf32>
  // CHECK: %[[PS:.*]] = bnc.stage %[[P]]
  // CHECK: %[[Y:.*]] = bnc.winograd_output %[[PS]] {tile = 4 : i64} : {{.*}} -> tensor<?x64x32x32xf32>
  // CHECK: %[[YS:.*]] = bnc.stage %[[Y]]
  // CHECK: bnc.slice %[[YS]] {sizes = array<i64: -1, 64, 30, 30>, starts = array<i64: 0, 0, 0, 0>
  %y = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x64x30x30xf32>, tensor<64x64x3x3xf32>) -> tensor<?x64x30x30xf32>
  bnc.return %y : tensor<?x64x30x30xf32>
}

// -----

bnc.variable params @w : tensor<64x64x3x3xf32>
// CHECK-LABEL: @winograd_gradient
bnc.graph training @winograd_gradient(%g: tensor<?x64x30x30xf32>) -> tensor<?x64x30x30xf32> {
  %w = bnc.read @w : tensor<64x64x3x3xf32>
  // CHECK: bnc.pack {{.*}}backward,{{.*}}winograd = 2 : i64
  // CHECK: bnc.winograd_output {{.*}}tile = 2 : i64{{.*}} -> tensor<?x64x30x30xf32>
  // CHECK-NOT: bnc.slice
  %dx = bnc.conv_input_gradient %g, %w {input_shape = array<i64: 30, 30>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x64x30x30xf32>, tensor<64x64x3x3xf32>) -> tensor<?x64x30x30xf32>
  bnc.return %dx : tensor<?x64x30x30xf32>
}

// -----

bnc.variable params @w : tensor<128x128x3x3xf32>

// Weights that outgrow the cache are read block by block, each of them for all images; a chain of a block of the weight
// gradient covers more images than without.
// CHECK-LABEL: @blocks
bnc.graph training @blocks(%x: tensor<?x128x8x8xf32>, %g: tensor<?x128x8x8xf32>) -> (tensor<?x128x8x8xf32>, tensor<?x128x8x8xf32>, tensor<128x128x3x3xf32>) {
  %w = bnc.read @w : tensor<128x128x3x3xf32>
  // CHECK: bnc.kernel rows(4) {{.*}}blocks = 4 : i64
  // CHECK: bnc.kernel rows(8) {{.*}}blocks = 8 : i64, chains = 1 : i64
  // CHECK: bnc.weight_gradient {{.*}} -> tensor<1x8x3x3x128x16xf32>
  %y = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x128x8x8xf32>, tensor<128x128x3x3xf32>) -> tensor<?x128x8x8xf32>
  %dx = bnc.conv_input_gradient %g, %w {input_shape = array<i64: 8, 8>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x128x8x8xf32>, tensor<128x128x3x3xf32>) -> tensor<?x128x8x8xf32>
  %dw = bnc.conv_weight_gradient %g, %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x128x8x8xf32>, tensor<?x128x8x8xf32>) -> tensor<128x128x3x3xf32>
  bnc.return %y, %dx, %dw : tensor<?x128x8x8xf32>, tensor<?x128x8x8xf32>, tensor<128x128x3x3xf32>
}

// -----

bnc.variable params @w : tensor<1000x512xf32>

// A dense layer has no rows: its blocks of channels keep the cores busy. The last one
// may have less, where channels are padded.
// CHECK-LABEL: @dense_blocks
bnc.graph inference @dense_blocks(%x: tensor<?x512xf32>) -> tensor<?x1000xf32> {
  %w = bnc.read @w : tensor<1000x512xf32>
  // CHECK: bnc.kernel images(32) {{.*}}blocks = 5 : i64
  %y = bnc.dense %x, %w : (tensor<?x512xf32>, tensor<1000x512xf32>) -> tensor<?x1000xf32>
  bnc.return %y : tensor<?x1000xf32>
}

// -----

bnc.variable params @w : tensor<128x64xf32>

// One channel multiplies all: nobody has it in a block of its own.
// CHECK-LABEL: @no_blocks
bnc.graph inference @no_blocks(%x: tensor<?x64xf32>, %s: tensor<?x1xf32>) -> tensor<?x128xf32> {
  %w = bnc.read @w : tensor<128x64xf32>
  // CHECK: bnc.kernel images(32)
  // CHECK-NOT: blocks =
  // CHECK: bnc.mul
  %y = bnc.dense %x, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  %z = bnc.mul %y, %s : (tensor<?x128xf32>, tensor<?x1xf32>) -> tensor<?x128xf32>
  bnc.return %z : tensor<?x128xf32>
}

// -----

bnc.variable params @w : tensor<128x64x3x3xf32>

// A result that is stored flattened has its rows apart, but the elements of a channel together.
// CHECK-LABEL: @flattened_blocks
bnc.graph inference @flattened_blocks(%x: tensor<?x64x8x8xf32>) -> tensor<?x8192xf32> {
  %w = bnc.read @w : tensor<128x64x3x3xf32>
  // CHECK: bnc.kernel rows({{.*}}blocks = {{[2-9]}} : i64
  // CHECK: bnc.reshape
  // CHECK-NEXT: bnc.yield
  %y = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x64x8x8xf32>, tensor<128x64x3x3xf32>) -> tensor<?x128x8x8xf32>
  %r = bnc.relu %y : tensor<?x128x8x8xf32>
  %f = bnc.reshape %r {shape = array<i64: -1, 8192>} : (tensor<?x128x8x8xf32>) -> tensor<?x8192xf32>
  bnc.return %f : tensor<?x8192xf32>
}

// -----

bnc.variable params @w : tensor<128x64x3x3xf32>
bnc.variable params @v : tensor<10x8192xf32>

// A dense layer reads the image that was flattened for it, as kernels store it.
// CHECK-LABEL: @flattened_for_dense
bnc.graph inference @flattened_for_dense(%x: tensor<?x64x8x8xf32>) -> tensor<?x10xf32> {
  %w = bnc.read @w : tensor<128x64x3x3xf32>
  %v = bnc.read @v : tensor<10x8192xf32>
  // CHECK-NOT: bnc.reshape
  // CHECK: bnc.packed_conv {{.*}}, {{.*}} : (tensor<?x128x8x8xf32>, tensor<{{.*}}x8x8x128x{{.*}}xf32>) -> tensor<?x10xf32>
  %y = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x64x8x8xf32>, tensor<128x64x3x3xf32>) -> tensor<?x128x8x8xf32>
  %r = bnc.relu %y : tensor<?x128x8x8xf32>
  %f = bnc.reshape %r {shape = array<i64: -1, 8192>} : (tensor<?x128x8x8xf32>) -> tensor<?x8192xf32>
  %z = bnc.dense %f, %v : (tensor<?x8192xf32>, tensor<10x8192xf32>) -> tensor<?x10xf32>
  bnc.return %z : tensor<?x10xf32>
}

// -----

bnc.variable params @w : tensor<32x16x3x3xf32>
bnc.variable params @square : tensor<64x64x3x3xf32>

// A batch of fixed size is cut off at the same border.
// CHECK-LABEL: @batch
bnc.graph training @batch(%g: tensor<8x32x8x8xf32>) -> tensor<8x16x16x16xf32> {
  %w = bnc.read @w : tensor<32x16x3x3xf32>
  // CHECK: bnc.slice {{.*}}sizes = array<i64: 8, 16, 16, 16>{{.*}} : (tensor<8x16x17x17xf32>) -> tensor<8x16x16x16xf32>
  %dx = bnc.conv_input_gradient %g, %w {input_shape = array<i64: 16, 16>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<8x32x8x8xf32>, tensor<32x16x3x3xf32>) -> tensor<8x16x16x16xf32>
  bnc.return %dx : tensor<8x16x16x16xf32>
}
// CHECK-LABEL: @batch_of_tiles
bnc.graph inference @batch_of_tiles(%x: tensor<8x64x30x30xf32>) -> tensor<8x64x30x30xf32> {
  %w = bnc.read @square : tensor<64x64x3x3xf32>
  // CHECK: bnc.slice {{.*}}sizes = array<i64: 8, 64, 30, 30>{{.*}} : (tensor<8x64x32x32xf32>) -> tensor<8x64x30x30xf32>
  %y = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<8x64x30x30xf32>, tensor<64x64x3x3xf32>) -> tensor<8x64x30x30xf32>
  bnc.return %y : tensor<8x64x30x30xf32>
}
