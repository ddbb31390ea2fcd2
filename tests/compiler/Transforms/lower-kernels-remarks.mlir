// At every convolution: what the cost model of the target chose, what else there was, and the grid.
// RUN: bnc compile %s --phase=infer --target=x86-64-v3 --compile-to=kernels --remarks 2>&1 >/dev/null | FileCheck %s --check-prefix=V3
// RUN: bnc compile %s --phase=infer --target=x86-64-v4 --compile-to=kernels --remarks 2>&1 >/dev/null | FileCheck %s --check-prefix=V4
// RUN: bnc compile %s --phase=train --loss=mse --target=x86-64-v4 --compile-to=kernels --remarks 2>&1 >/dev/null | FileCheck %s --check-prefix=TRAIN
// RUN: bnc compile %s --phase=infer --math=direct --target=x86-64-v4 --compile-to=kernels --remarks 2>&1 >/dev/null | FileCheck %s --check-prefix=DIRECT
// RUN: bnc compile %s --phase=infer --compile-to=kernels 2>&1 >/dev/null | count 0

// An algorithm that is asked for is taken where it is possible.
// RUN: bnc compile %s --phase=infer --compile-to=inference > %t.infer.mlir
// RUN: bnc-opt %t.infer.mlir --bnc-form-kernels --bnc-lower-kernels="target=x86-64-v4 algorithm=winograd4" -o %t.forced.mlir 2>&1 | FileCheck %s --check-prefix=FORCED
// RUN: FileCheck %s --check-prefix=PACK < %t.forced.mlir
// RUN: not bnc-opt %t.infer.mlir --bnc-form-kernels --bnc-lower-kernels=algorithm=fft 2>&1 | FileCheck %s --check-prefix=FFT
// FFT: Cannot find option named 'fft'

module attributes {bnc.phase = "import"} {
  bnc.variable params @square.weight : tensor<32x32x3x3xf32>
  bnc.variable params @strided.weight : tensor<48x32x3x3xf32>
  bnc.variable params @depthwise.weight : tensor<48x1x3x3xf32>
  bnc.graph model @net(%x: tensor<?x32x14x14xf32> {bnc.name = "x"}) -> (tensor<?x48x7x7xf32> {bnc.name = "y"}) {
    %w0 = bnc.read @square.weight : tensor<32x32x3x3xf32>
    // Tiles of 4 have more weights, which take either target as long to read, and fewer products, of which wider vectors
    // need only half as many: they cost less where vectors are narrow, though not by the tenth that they have to.
    // V3: remark: net.onnx: node 'square': convolution 3x3 32->32 at 14x14: Winograd F(2x2, 3x3) at an estimated 100.2 kcycles (Winograd F(4x4, 3x3): 95.2, direct: 169.3); {{[0-9]+}} rows a task, {{[0-9]+}} tasks an image{{$}}
    // V4: remark: net.onnx: node 'square': convolution 3x3 32->32 at 14x14: Winograd F(2x2, 3x3) at an estimated 54.2 kcycles (Winograd F(4x4, 3x3): 56.8, direct: 86.2); {{[0-9]+}} rows a task, {{[0-9]+}} tasks an image{{$}}
    // TRAIN: remark: net.onnx: node 'square': convolution 3x3 32->32 at 14x14: Winograd F(2x2, 3x3) at an estimated 46.0 kcycles (direct: 83.1); 14 rows a task, 1 task an image{{$}}
    // DIRECT: remark: net.onnx: node 'square': convolution 3x3 32->32 at 14x14: direct at an estimated 86.2 kcycles; 4 rows a task, 4 tasks an image{{$}}
    // FORCED: remark: convolution 3x3 32->32 at 14x14: Winograd F(4x4, 3x3) at an estimated 56.8 kcycles (Winograd F(2x2, 3x3): 54.2, direct: 86.2); {{[0-9]+}} rows a task
    // PACK: bnc.pack {{.*}}winograd = 4
    %0 = bnc.conv %x, %w0 {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x32x14x14xf32>, tensor<32x32x3x3xf32>) -> tensor<?x32x14x14xf32> loc("square"("net.onnx":1:0))
    %1 = bnc.relu %0 : tensor<?x32x14x14xf32> loc("relu"("net.onnx":2:0))
    %w1 = bnc.read @strided.weight : tensor<48x32x3x3xf32>
    // V3-NEXT: remark: net.onnx: node 'strided': convolution 3x3/2 32->48 at 7x7: direct at an estimated 66.0 kcycles; 1 row a task, 7 tasks an image{{$}}
    // V4-NEXT: remark: net.onnx: node 'strided': convolution 3x3/2 32->48 at 7x7: direct at an estimated 35.3 kcycles; 2 rows a task, 4 tasks an image{{$}}
    // FORCED: remark: convolution 3x3/2 32->48 at 7x7: direct
    %2 = bnc.conv %1, %w1 {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x32x14x14xf32>, tensor<48x32x3x3xf32>) -> tensor<?x48x7x7xf32> loc("strided"("net.onnx":3:0))
    %w2 = bnc.read @depthwise.weight : tensor<48x1x3x3xf32>
    // V3-NEXT: remark: net.onnx: node 'depthwise': convolution 3x3 48->48 in 48 groups at 7x7: direct
    // V4-NEXT: remark: net.onnx: node 'depthwise': convolution 3x3 48->48 in 48 groups at 7x7: direct

    // The gradients' kernels, last layer first; the first has no input gradient.
    // TRAIN: remark: net.onnx: node 'depthwise': input gradient of convolution 3x3 48->48 in 48 groups at 7x7: direct
    // TRAIN-NEXT: remark: net.onnx: node 'depthwise': weight gradient of convolution 3x3 48->48 in 48 groups at 7x7: 7 rows a task, 1 task an image, 16 slices of the weight gradient{{$}}
    // TRAIN-NEXT: remark: net.onnx: node 'strided': input gradient of convolution 3x3/2 32->48 at 7x7: columns at an estimated 35.4 kcycles (direct: 122.7); 14 rows a task, 1 task an image, 16 slices of the weight gradient{{$}}
    // TRAIN-NEXT: remark: net.onnx: node 'strided': weight gradient of convolution 3x3/2 32->48 at 7x7: 14 rows a task, 1 task an image
    // TRAIN-NEXT: remark: net.onnx: node 'square': weight gradient of convolution 3x3 32->32 at 14x14: 14 rows a task, 1 task an image
    // TRAIN-NOT: remark
    %3 = bnc.conv %2, %w2 {groups = 48 : i64, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x48x7x7xf32>, tensor<48x1x3x3xf32>) -> tensor<?x48x7x7xf32> loc("depthwise"("net.onnx":4:0))
    bnc.return %3 : tensor<?x48x7x7xf32>
  }
}
