// Every op of BncKernelOps.td as it is printed. See ops.mlir.
//
// RUN: bnc-opt %s --verify-roundtrip -o %t
// RUN: grep -v "^//" %s > %t.expected
// RUN: grep . %t | diff -b %t.expected -
module attributes {bnc.phase = "kernels"} {
  bnc.variable  params @w : tensor<8x4x3x3xf32>
  bnc.graph training @kernels(%arg0: tensor<?x4x9x9xf32>, %arg1: tensor<8xf32>, %arg2: tensor<8xf32>, %arg3: tensor<8xf32>, %arg4: tensor<8xf32>, %arg5: tensor<f32>, %arg6: tensor<8x4x3x3xf64>) -> tensor<8xf32> {
    %0 = bnc.read @w : tensor<8x4x3x3xf32>
    %1 = bnc.pack %0 {shape = array<i64: 8, 4, 3, 3>, storage = [#bnc.storage<fixed, 0, 0>], strides = array<i64: 36, 9, 3, 1>} : tensor<8x4x3x3xf32> -> tensor<1x3x3x4x8xf32>
    %2 = bnc.pack %0 {backward, channels = 8 : i64, shape = array<i64: 8, 4, 3, 3>, strides = array<i64: 36, 9, 3, 1>, unflatten = array<i64: 8, 1, 1>} : tensor<8x4x3x3xf32> -> tensor<1x3x3x8x4xf32>
    %3:2 = bnc.kernel rows(3) (%arg7 = %arg0, %arg8 = %1, %arg9 = %arg2) {chains = 0 : i64, storage = [#bnc.storage<scaled, 0, 8>, #bnc.storage<fixed, 4096, 0>], symbol = "bnc_k_0123"} : (tensor<?x4x9x9xf32>, tensor<1x3x3x4x8xf32>, tensor<8xf32>) -> (tensor<?x8x9x9xf32>, tensor<?x3x8xf32>) {
      %18 = bnc.stage %arg7 {dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<?x4x9x9xf32>) -> tensor<?x4x11x11xf32>
      %19 = bnc.packed_conv %18, %arg8, %arg9 {dilations = array<i64: 1, 1>, groups = 1 : i64, strides = array<i64: 1, 1>} : (tensor<?x4x11x11xf32>, tensor<1x3x3x4x8xf32>, tensor<8xf32>) -> tensor<?x8x9x9xf32>
      %20 = bnc.partial_moments %19 : (tensor<?x8x9x9xf32>) -> tensor<?x3x8xf32>
      bnc.yield %19, %20 : tensor<?x8x9x9xf32>, tensor<?x3x8xf32>
    }
    %mean, %variance, %count = bnc.merge_moments %3#1 : (tensor<?x3x8xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<f32>)
    %4 = bnc.normalize_coefficients scale(%arg1) offset(%arg2) mean(%mean) variance(%variance) {epsilon = 1.000000e-05 : f64} : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<3x8xf32>
    %5:3 = bnc.kernel images(2) (%arg7 = %3#0, %arg8 = %4, %arg9 = %arg0) {chains = 4 : i64} : (tensor<?x8x9x9xf32>, tensor<3x8xf32>, tensor<?x4x9x9xf32>) -> (tensor<?x8x9x9xf32>, tensor<?x2x8xf32>, tensor<4x1x3x3x4x8xf32>) {
      %18 = bnc.apply_normalize %arg7, %arg8 : tensor<?x8x9x9xf32>, tensor<3x8xf32>
      %19 = bnc.partial_sums %18, %arg7, %arg8 : (tensor<?x8x9x9xf32>, tensor<?x8x9x9xf32>, tensor<3x8xf32>) -> tensor<?x2x8xf32>
      %20 = bnc.weight_gradient %18, %arg9 {dilations = array<i64: 1, 1>, gradient_dilations = array<i64: 1, 1>, gradient_pads = array<i64: 0, 0>, groups = 1 : i64, output_shape = array<i64: 9, 9>, strides = array<i64: 1, 1>} : (tensor<?x8x9x9xf32>, tensor<?x4x9x9xf32>) -> tensor<4x1x3x3x4x8xf32>
      bnc.yield %18, %19, %20 : tensor<?x8x9x9xf32>, tensor<?x2x8xf32>, tensor<4x1x3x3x4x8xf32>
    }
    %6 = bnc.merge_sums %5#1 : (tensor<?x2x8xf32>) -> tensor<2x8xf32>
    %7 = bnc.merge_slices %5#2 {shape = array<i64: 8, 4, 3, 3>, strides = array<i64: 36, 9, 3, 1>} : (tensor<4x1x3x3x4x8xf32>) -> tensor<8x4x3x3xf32>
    %8 = bnc.gradient_coefficients scale(%arg1) mean(%mean) variance(%variance) sums(%6, %count) {epsilon = 1.000000e-05 : f64} : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<2x8xf32>, tensor<f32>) -> tensor<4x8xf32>
    %9 = bnc.kernel rows(9) (%arg7 = %5#0, %arg8 = %3#0, %arg9 = %8) {chains = 0 : i64} : (tensor<?x8x9x9xf32>, tensor<?x8x9x9xf32>, tensor<4x8xf32>) -> tensor<?x8x9x9xf32> {
      %18 = bnc.apply_normalize_gradient %arg7, %arg8, %arg9 : tensor<?x8x9x9xf32>, tensor<?x8x9x9xf32>, tensor<4x8xf32>
      bnc.yield %18 : tensor<?x8x9x9xf32>
    }
    %10 = bnc.channel_gradient %6 {epsilon = 0.000000e+00 : f64, term = 0 : i64} : (tensor<2x8xf32>) -> tensor<8xf32>
    %11 = bnc.channel_gradient %6, %variance {epsilon = 1.000000e-05 : f64, term = 1 : i64} : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<8xf32>
    %new_mean, %new_variance = bnc.move_running %arg3, %arg4 batch(%mean, %variance, %count) {decay = 9.000000e-01 : f64, running_variance = #bnc<running_variance sample>} : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<f32>) -> (tensor<8xf32>, tensor<8xf32>)
    %12 = bnc.pack %0 {channels = 8 : i64, columns, shape = array<i64: 8, 4, 3, 3>, strides = array<i64: 36, 9, 3, 1>} : tensor<8x4x3x3xf32> -> tensor<1x1x1x8x80xf32>
    %13 = bnc.kernel rows(11) (%arg7 = %3#0, %arg8 = %12) {chains = 0 : i64} : (tensor<?x8x9x9xf32>, tensor<1x1x1x8x80xf32>) -> tensor<?x4x11x11xf32> {
      %18 = bnc.packed_conv %arg7, %arg8 {dilations = array<i64: 1, 1>, groups = 1 : i64, strides = array<i64: 1, 1>} : (tensor<?x8x9x9xf32>, tensor<1x1x1x8x80xf32>) -> tensor<?x80x9x9xf32>
      %19 = bnc.col2im %18 {block = 80 : i64, channels = 8 : i64, dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pixels = 9 : i64, strides = array<i64: 1, 1>} : (tensor<?x80x9x9xf32>) -> tensor<?x4x11x11xf32>
      bnc.yield %19 : tensor<?x4x11x11xf32>
    }
    %14 = bnc.kernel rows(9) (%arg7 = %3#0) {chains = 0 : i64} : (tensor<?x8x9x9xf32>) -> tensor<?x8x9x9xf32> {
      %18 = bnc.max_pool_tap %arg7 {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<?x8x9x9xf32>) -> tensor<?x8x9x9xf32>
      %19 = bnc.route_to_tap %arg7, %18 {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<?x8x9x9xf32>, tensor<?x8x9x9xf32>) -> tensor<?x8x9x9xf32>
      bnc.yield %19 : tensor<?x8x9x9xf32>
    }
    %15 = bnc.pack %0 {shape = array<i64: 8, 4, 3, 3>, strides = array<i64: 36, 9, 3, 1>, winograd = 2 : i64} : tensor<8x4x3x3xf32> -> tensor<1x4x4x4x8xf32>
    %16 = bnc.kernel rows(8) (%arg7 = %arg0, %arg8 = %15, %arg9 = %arg2) {chains = 0 : i64} : (tensor<?x4x9x9xf32>, tensor<1x4x4x4x8xf32>, tensor<8xf32>) -> tensor<?x8x8x8xf32> {
      %18 = bnc.stage %arg7 {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 1, 1>} : (tensor<?x4x9x9xf32>) -> tensor<?x4x10x10xf32>
      %19 = bnc.winograd_input %18 {tile = 2 : i64} : (tensor<?x4x10x10xf32>) -> tensor<?x4x4x64xf32>
      %20 = bnc.winograd_product %19, %arg8 : (tensor<?x4x4x64xf32>, tensor<1x4x4x4x8xf32>) -> tensor<?x8x4x64xf32>
      %21 = bnc.winograd_output %20, %arg9 {tile = 2 : i64} : (tensor<?x8x4x64xf32>, tensor<8xf32>) -> tensor<?x8x8x8xf32>
      bnc.yield %21 : tensor<?x8x8x8xf32>
    }
    %17 = bnc.move_average %arg3, %mean, %count {decay = 9.000000e-01 : f64} : (tensor<8xf32>, tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
    bnc.optimize "sgd:momentum" [@w](%7) : tensor<8x4x3x3xf32>
    bnc.return %11 : tensor<8xf32>
  }
}
