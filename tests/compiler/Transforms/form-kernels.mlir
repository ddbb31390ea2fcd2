// What the group former puts together and what it keeps apart.
// RUN: bnc-opt %s --bnc-lower-normalization --bnc-form-kernels --split-input-file | FileCheck %s

bnc.variable params @w : tensor<8x3x3x3xf32>

// An activation and a pool whose windows do not overlap leave with the convolution.
// CHECK-LABEL: @epilogue
bnc.graph inference @epilogue(%x: tensor<?x3x8x8xf32>) -> tensor<?x8x3x3xf32> {
  %w = bnc.read @w : tensor<8x3x3x3xf32>
  // CHECK: bnc.kernel
  // CHECK: bnc.conv
  // CHECK: bnc.relu
  // CHECK: bnc.max_pool
  // CHECK: bnc.yield
  // CHECK-NOT: bnc.kernel
  %y = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x3x8x8xf32>, tensor<8x3x3x3xf32>) -> tensor<?x8x6x6xf32>
  %r = bnc.relu %y : tensor<?x8x6x6xf32>
  %p = bnc.max_pool %r {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x6x6xf32>) -> tensor<?x8x3x3xf32>
  bnc.return %p : tensor<?x8x3x3xf32>
}

// -----

bnc.variable params @w : tensor<8x8x3x3xf32>

// A batch normalization is a barrier: the first convolution stores its raw result and its partial moments; the second
// one normalizes on load.
// CHECK-LABEL: @barrier
bnc.graph training @barrier(%x: tensor<?x8x8x8xf32>) -> tensor<?x8x4x4xf32> {
  %w = bnc.read @w : tensor<8x8x3x3xf32>
  // CHECK: %[[K:.*]]:2 = bnc.kernel
  // CHECK: %[[Y:.*]] = bnc.conv
  // CHECK-NEXT: %[[P:.*]] = bnc.partial_moments %[[Y]]
  // CHECK-NEXT: bnc.yield %[[Y]], %[[P]]
  %y = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x8x8xf32>, tensor<8x8x3x3xf32>) -> tensor<?x8x6x6xf32>
  // CHECK: bnc.merge_moments %[[K]]#1
  %m, %v, %n = bnc.batch_stats %y : (tensor<?x8x6x6xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<i64>)
  // CHECK: bnc.kernel
  // CHECK: bnc.apply_normalize
  // CHECK: bnc.relu
  // CHECK: bnc.conv
  // CHECK-NOT: bnc.kernel
  %z = bnc.normalize %y mean(%m : tensor<8xf32>) variance(%v : tensor<8xf32>) {epsilon = 1.0e-5} : tensor<?x8x6x6xf32>
  %r = bnc.relu %z : tensor<?x8x6x6xf32>
  %o = bnc.conv %r, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x6x6xf32>, tensor<8x8x3x3xf32>) -> tensor<?x8x4x4xf32>
  bnc.return %o : tensor<?x8x4x4xf32>
}

// -----

bnc.variable params @w : tensor<8x8x3x3xf32>

// Gradients of input and weight that read one gradient share a kernel.
// CHECK-LABEL: @backward
bnc.graph training @backward(%g: tensor<?x8x6x6xf32>, %x: tensor<?x8x8x8xf32>) -> (tensor<?x8x8x8xf32>, tensor<8x8x3x3xf32>) {
  %w = bnc.read @w : tensor<8x8x3x3xf32>
  // CHECK: bnc.kernel
  // CHECK-DAG: bnc.conv_input_gradient
  // CHECK-DAG: bnc.conv_weight_gradient
  // CHECK: bnc.yield
  // CHECK-NOT: bnc.kernel
  %dx = bnc.conv_input_gradient %g, %w {input_shape = array<i64: 8, 8>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x6x6xf32>, tensor<8x8x3x3xf32>) -> tensor<?x8x8x8xf32>
  %dw = bnc.conv_weight_gradient %g, %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x6x6xf32>, tensor<?x8x8x8xf32>) -> tensor<8x8x3x3xf32>
  bnc.return %dx, %dw : tensor<?x8x8x8xf32>, tensor<8x8x3x3xf32>
}

// -----

bnc.variable params @w : tensor<8x8x1x1xf32>
bnc.variable params @v : tensor<16x16x1x1xf32>

// Values in memory that are joined lie next to each other: no kernel computes the concat, its users read it as it is.
// CHECK-LABEL: @joined
bnc.graph inference @joined(%x: tensor<?x8x4x4xf32>) -> tensor<?x16x4x4xf32> {
  %w = bnc.read @w : tensor<8x8x1x1xf32>
  %v = bnc.read @v : tensor<16x16x1x1xf32>
  // CHECK: %[[A:.*]] = bnc.kernel
  // CHECK: %[[B:.*]] = bnc.kernel
  // CHECK-NOT: bnc.concat
  // CHECK: bnc.yield
  // CHECK: %[[AB:.*]] = bnc.concat %[[A]], %[[B]]
  // CHECK: bnc.kernel {{.*}} = %[[AB]],
  // CHECK-NOT: bnc.concat
  %a = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x4x4xf32>, tensor<8x8x1x1xf32>) -> tensor<?x8x4x4xf32>
  %b = bnc.conv %a, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x4x4xf32>, tensor<8x8x1x1xf32>) -> tensor<?x8x4x4xf32>
  %ab = bnc.concat %a, %b {axis = 1 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x16x4x4xf32>
  %r = bnc.relu %ab : tensor<?x16x4x4xf32>
  %c = bnc.conv %r, %v {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x16x4x4xf32>, tensor<16x16x1x1xf32>) -> tensor<?x16x4x4xf32>
  bnc.return %c : tensor<?x16x4x4xf32>
}

// -----

bnc.variable params @w : tensor<6x6x1x1xf32>
bnc.variable params @v : tensor<12x12x1x1xf32>

// The padding of 6 channels would be the next part's first ones: the kernel that reads the concat reads the parts.
// CHECK-LABEL: @padded_parts
bnc.graph inference @padded_parts(%x: tensor<?x6x4x4xf32>) -> tensor<?x12x4x4xf32> {
  %w = bnc.read @w : tensor<6x6x1x1xf32>
  %v = bnc.read @v : tensor<12x12x1x1xf32>
  // CHECK: %[[A:.*]] = bnc.kernel
  // CHECK: %[[B:.*]] = bnc.kernel
  // CHECK: bnc.kernel {{.*}} = %[[A]], %{{.*}} = %[[B]],
  // CHECK: bnc.concat
  %a = bnc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x6x4x4xf32>, tensor<6x6x1x1xf32>) -> tensor<?x6x4x4xf32>
  %b = bnc.conv %a, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x6x4x4xf32>, tensor<6x6x1x1xf32>) -> tensor<?x6x4x4xf32>
  %ab = bnc.concat %a, %b {axis = 1 : i64} : (tensor<?x6x4x4xf32>, tensor<?x6x4x4xf32>) -> tensor<?x12x4x4xf32>
  %r = bnc.relu %ab : tensor<?x12x4x4xf32>
  %c = bnc.conv %r, %v {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x12x4x4xf32>, tensor<12x12x1x1xf32>) -> tensor<?x12x4x4xf32>
  bnc.return %c : tensor<?x12x4x4xf32>
}

// -----

bnc.variable params @w : tensor<8x8x1x1xf32>

// Windows that overlap read nine elements for one: what several kernels read is pooled once.
// CHECK-LABEL: @pool_once
bnc.graph inference @pool_once(%x: tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
  %w = bnc.read @w : tensor<8x8x1x1xf32>
  // CHECK: bnc.max_pool
  // CHECK-NOT: bnc.max_pool
  %p = bnc.max_pool %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
  %a = bnc.conv %p, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x4x4xf32>, tensor<8x8x1x1xf32>) -> tensor<?x8x4x4xf32>
  %b = bnc.conv %a, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x4x4xf32>, tensor<8x8x1x1xf32>) -> tensor<?x8x4x4xf32>
  %s = bnc.add %b, %p : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
  bnc.return %s : tensor<?x8x4x4xf32>
}
