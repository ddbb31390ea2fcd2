// What an input cannot be is said by the option's name.
//
// RUN: not bnc-opt %s --bnc-specialize=phase=inference --bnc-convert-inputs="layouts=hwcn" 2>&1 | FileCheck %s --check-prefix=LAYOUT
// LAYOUT: error: --input-layout: expected nchw or nhwc, found 'hwcn'
// RUN: not bnc-opt %s --bnc-specialize=phase=inference --bnc-convert-inputs="layouts=nhwc" 2>&1 | FileCheck %s --check-prefix=PIXELS
// PIXELS: error: --input-layout: the model has no input of type f32 with pixels
// RUN: not bnc-opt %s --bnc-specialize=phase=inference --bnc-convert-inputs="layouts=a=nhwc" 2>&1 | FileCheck %s --check-prefix=NAMED
// NAMED: error: --input-layout: input 'a' is 'tensor<?x3xf32>'; nhwc needs type f32 with pixels
// RUN: not bnc-opt %s --bnc-specialize=phase=inference --bnc-convert-inputs="types=c=u8" 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: --input-type: the model has no input 'c'; it has 'a', 'b'
// RUN: not bnc-opt %s --bnc-specialize=phase=inference --bnc-convert-inputs="types=b=u8" 2>&1 | FileCheck %s --check-prefix=TYPE
// TYPE: error: --input-type: input 'b' is 'tensor<?x3xi32>'; u8 needs type f32
// RUN: not bnc-opt %s --bnc-specialize=phase=inference --bnc-convert-inputs="mean=1,2" 2>&1 | FileCheck %s --check-prefix=MEAN
// MEAN: error: --mean has 2 numbers, but input 'a' has 3 channels; expected one number, or one per channel
// RUN: not bnc-opt %s --bnc-specialize=phase=inference --bnc-convert-inputs="std=1,2" 2>&1 | FileCheck %s --check-prefix=STD
// STD: error: --std has 2 numbers

bnc.graph model @net(%a: tensor<?x3xf32> {bnc.name = "a"}, %b: tensor<?x3xi32> {bnc.name = "b"}) -> (tensor<?x3xf32> {bnc.name = "y"}) {
  %0 = bnc.relu %a : tensor<?x3xf32>
  bnc.return %0 : tensor<?x3xf32>
}
