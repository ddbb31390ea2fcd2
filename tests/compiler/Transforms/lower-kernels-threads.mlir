// What an inference graph is cut into follows from the threads that one image should keep busy; a training graph's sums are
// cut the same way for everyone.
// RUN: bnc-opt %s --bnc-form-kernels --bnc-lower-kernels="target=x86-64-v4 threads=2" | FileCheck %s --check-prefixes=CHECK,TWO
// RUN: bnc-opt %s --bnc-form-kernels --bnc-lower-kernels="target=x86-64-v4 threads=8" | FileCheck %s --check-prefixes=CHECK,EIGHT
// RUN: bnc-opt %s --bnc-form-kernels --bnc-lower-kernels=target=x86-64-v4 | FileCheck %s --check-prefixes=CHECK,EIGHT

bnc.variable params @w : tensor<512x512x3x3xf32>

// Weights of 36 planes are read once per task: two threads take half of the channels each, and the whole image.
// CHECK-LABEL: @infer
bnc.graph inference @infer(%x: tensor<?x512x28x28xf32>) -> tensor<?x512x28x28xf32> {
  %w = bnc.read @w : tensor<512x512x3x3xf32>
  // TWO: bnc.kernel rows(28) {{.*}}blocks = 2
  // EIGHT: bnc.kernel rows(16) {{.*}}blocks = 4
  %y = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x512x28x28xf32>, tensor<512x512x3x3xf32>) -> tensor<?x512x28x28xf32>
  bnc.return %y : tensor<?x512x28x28xf32>
}

bnc.variable params @one_block : tensor<64x64x3x3xf32>

// Channels of one block are cut into rows alone, in front of a pool as many as one row of tiles has: with the planes of two
// their products would leave the cache.
// CHECK-LABEL: @pooled
bnc.graph inference @pooled(%x: tensor<?x64x224x224xf32>) -> tensor<?x64x112x112xf32> {
  %w = bnc.read @one_block : tensor<64x64x3x3xf32>
  // CHECK: bnc.kernel rows(2)
  %y = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x64x224x224xf32>, tensor<64x64x3x3xf32>) -> tensor<?x64x224x224xf32>
  %pooled = bnc.max_pool %y {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x64x224x224xf32>) -> tensor<?x64x112x112xf32>
  bnc.return %pooled : tensor<?x64x112x112xf32>
}

// CHECK-LABEL: @train
bnc.graph training @train(%x: tensor<?x512x28x28xf32>) -> tensor<?x512x28x28xf32> {
  %w = bnc.read @w : tensor<512x512x3x3xf32>
  // CHECK: bnc.kernel images(4)
  %y = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x512x28x28xf32>, tensor<512x512x3x3xf32>) -> tensor<?x512x28x28xf32>
  bnc.return %y : tensor<?x512x28x28xf32>
}
