// Where each batch_norm that did not fold is computed.
//
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-fold-batch-norm --bnc-report-carried -split-input-file 2>/dev/null \
// RUN:   | FileCheck %s
// RUN: bnc-opt %s --bnc-specialize=phase=inference --bnc-fold-batch-norm --bnc-report-carried \
// RUN:   -split-input-file -o /dev/null 2>&1 | grep -v "see current operation" | FileCheck %s --check-prefix=REMARK

// CHECK-LABEL: @load_infer
// CHECK: bnc.affine {{[^{]*}} : (
// CHECK-NOT: bnc.rule
// REMARK: net.onnx:2:0: remark: carried by the load of conv 'conv': input 'x' has no weights (backward), relu 'relu' has no weights and lets no affine pass (forward)
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.variable params @weight : tensor<4x3x3x3xf32>
bnc.graph model @load(%x: tensor<?x3x5x5xf32> {bnc.name = "x"}) -> tensor<?x4x3x3xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x5x5xf32>
      loc("bn"("net.onnx":2:0))
  %1 = bnc.relu %0 : tensor<?x3x5x5xf32> loc("relu"("net.onnx":12:0))
  %weight = bnc.read @weight : tensor<4x3x3x3xf32>
  %2 = bnc.conv %1, %weight {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x5x5xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x3x3xf32> loc("conv"("net.onnx":13:0))
  bnc.return %2 : tensor<?x4x3x3xf32>
}

// -----

// Computed again by each kernel that reads it.
// CHECK-LABEL: @two_loads_infer
// CHECK: bnc.affine {{[^{]*}} : (
// CHECK-NOT: bnc.rule
// REMARK: net.onnx:2:0: remark: carried by the load of conv 'a', the load of conv 'b':
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.variable params @weight.a : tensor<4x3x3x3xf32>
bnc.variable params @weight.b : tensor<4x3x1x1xf32>
bnc.graph model @two_loads(%x: tensor<?x3x5x5xf32> {bnc.name = "x"}) -> (tensor<?x4x3x3xf32>, tensor<?x4x5x5xf32>) {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x5x5xf32>
      loc("bn"("net.onnx":2:0))
  %1 = bnc.relu %0 : tensor<?x3x5x5xf32> loc("relu"("net.onnx":12:0))
  %weight_a = bnc.read @weight.a : tensor<4x3x3x3xf32>
  %2 = bnc.conv %1, %weight_a {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x5x5xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x3x3xf32> loc("a"("net.onnx":13:0))
  %weight_b = bnc.read @weight.b : tensor<4x3x1x1xf32>
  %3 = bnc.conv %1, %weight_b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x5x5xf32>, tensor<4x3x1x1xf32>) -> tensor<?x4x5x5xf32> loc("b"("net.onnx":14:0))
  bnc.return %2, %3 : tensor<?x4x3x3xf32>, tensor<?x4x5x5xf32>
}

// -----

// CHECK-LABEL: @store_infer
// CHECK: bnc.affine {{[^{]*}} : (
// CHECK-NOT: bnc.rule
// REMARK: net.onnx:2:0: remark: carried by the store of conv 'conv':
bnc.variable params @weight : tensor<4x3x3x3xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @store(%x: tensor<?x3x5x5xf32> {bnc.name = "x"}) -> tensor<?x4x3x3xf32> {
  %weight = bnc.read @weight : tensor<4x3x3x3xf32>
  %0 = bnc.conv %x, %weight {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x5x5xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x3x3xf32> loc("conv"("net.onnx":11:0))
  %1 = bnc.relu %0 : tensor<?x4x3x3xf32> loc("relu"("net.onnx":12:0))
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %2 = bnc.batch_norm %1 scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x3x3xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %2 : tensor<?x4x3x3xf32>
}

// -----

// Without an anchor: the activation needs a kernel in any case.
// CHECK-LABEL: @other_arithmetic_infer
// CHECK: bnc.affine {{[^{]*}} : (
// CHECK-NOT: bnc.rule
// REMARK: net.onnx:2:0: remark: carried by relu 'relu':
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.graph model @other_arithmetic(%x: tensor<?x3x5x5xf32> {bnc.name = "x"}) -> tensor<?x3x5x5xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x5x5xf32>
      loc("bn"("net.onnx":2:0))
  %1 = bnc.relu %0 : tensor<?x3x5x5xf32> loc("relu"("net.onnx":12:0))
  bnc.return %1 : tensor<?x3x5x5xf32>
}

// -----

// The convolution leaves the graph as it is.
// CHECK-LABEL: @alone_infer
// CHECK: bnc.affine {{[^{]*}} : (
// CHECK-NOT: bnc.rule
// REMARK: net.onnx:2:0: remark: gets a kernel of its own: the result of conv 'conv' has another use (backward), the result is an output of the graph (forward)
bnc.variable params @weight : tensor<4x3x3x3xf32>
bnc.variable params @scale : tensor<4xf32>
bnc.variable params @offset : tensor<4xf32>
bnc.variable batch_stats @mean : tensor<4xf32>
bnc.variable batch_stats @variance : tensor<4xf32>
bnc.graph model @alone(%x: tensor<?x3x5x5xf32> {bnc.name = "x"}) -> (tensor<?x4x3x3xf32>, tensor<?x4x3x3xf32>) {
  %weight = bnc.read @weight : tensor<4x3x3x3xf32>
  %0 = bnc.conv %x, %weight {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x5x5xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x3x3xf32> loc("conv"("net.onnx":11:0))
  %scale = bnc.read @scale : tensor<4xf32>
  %offset = bnc.read @offset : tensor<4xf32>
  %mean = bnc.read @mean : tensor<4xf32>
  %variance = bnc.read @variance : tensor<4xf32>
  %1 = bnc.batch_norm %0 scale(%scale : tensor<4xf32>) offset(%offset : tensor<4xf32>)
      mean(%mean : tensor<4xf32>) variance(%variance : tensor<4xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x4x3x3xf32>
      loc("bn"("net.onnx":2:0))
  bnc.return %0, %1 : tensor<?x4x3x3xf32>, tensor<?x4x3x3xf32>
}

// -----

// Later passes say that there is no kernel for it.
// CHECK-LABEL: @no_kernels_infer
// CHECK: bnc.affine {{[^{]*}} : (
// CHECK-NOT: bnc.rule
// REMARK: net.onnx:2:0: remark: stays an affine: input 'x' has no weights (backward), conv_transpose 'deconv' adds a different number of terms at different positions (forward)
bnc.variable params @scale : tensor<3xf32>
bnc.variable params @offset : tensor<3xf32>
bnc.variable batch_stats @mean : tensor<3xf32>
bnc.variable batch_stats @variance : tensor<3xf32>
bnc.variable params @weight : tensor<3x4x3x3xf32>
bnc.graph model @no_kernels(%x: tensor<?x3x5x5xf32> {bnc.name = "x"}) -> tensor<?x4x7x7xf32> {
  %scale = bnc.read @scale : tensor<3xf32>
  %offset = bnc.read @offset : tensor<3xf32>
  %mean = bnc.read @mean : tensor<3xf32>
  %variance = bnc.read @variance : tensor<3xf32>
  %0 = bnc.batch_norm %x scale(%scale : tensor<3xf32>) offset(%offset : tensor<3xf32>)
      mean(%mean : tensor<3xf32>) variance(%variance : tensor<3xf32>)
      {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance population>} : tensor<?x3x5x5xf32>
      loc("bn"("net.onnx":2:0))
  %weight = bnc.read @weight : tensor<3x4x3x3xf32>
  %1 = bnc.conv_transpose %0, %weight {output_padding = array<i64: 0, 0>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x5x5xf32>, tensor<3x4x3x3xf32>) -> tensor<?x4x7x7xf32> loc("deconv"("net.onnx":12:0))
  bnc.return %1 : tensor<?x4x7x7xf32>
}
