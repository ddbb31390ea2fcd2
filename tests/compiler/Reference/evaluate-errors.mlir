// What bnc-evaluate says about values that do not fit, and about malformed .npy files.
//
// REQUIRES: python-numpy
// RUN: rm -rf %t && mkdir -p %t
// RUN: %python %S/Inputs/npy_files.py %t
// RUN: not bnc-evaluate %s 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not bnc-evaluate %s --input x=%t/f32.npy --input y=%t/f32.npy 2>&1 | FileCheck %s --check-prefix=VARIABLE
// RUN: not bnc-evaluate %s --random --input z=%t/f32.npy 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not bnc-evaluate %s --random --input x=%t/three.npy --input y=%t/f32.npy 2>&1 | FileCheck %s --check-prefix=BATCH
// RUN: not bnc-evaluate %s --random --input x=%t/f32.npy --input y=%t/square.npy 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not bnc-evaluate %s --random --variable w=%t/square.npy 2>&1 | FileCheck %s --check-prefix=SHAPE
// RUN: not bnc-evaluate %s --random --variables %t/f32.npy 2>&1 | FileCheck %s --check-prefix=WEIGHTS
// RUN: not bnc-evaluate %s --random --graph other 2>&1 | FileCheck %s --check-prefix=GRAPH
//
// RUN: not bnc-evaluate %s --random --input x=%t/nothing.npy 2>&1 | FileCheck %s --check-prefix=NOTHING
// RUN: not bnc-evaluate %s --random --input x=%t/magic.npy 2>&1 | FileCheck %s --check-prefix=MAGIC
// RUN: not bnc-evaluate %s --random --input x=%t/version.npy 2>&1 | FileCheck %s --check-prefix=VERSION
// RUN: not bnc-evaluate %s --random --input x=%t/cut-header.npy 2>&1 | FileCheck %s --check-prefix=CUT
// RUN: not bnc-evaluate %s --random --input x=%t/no-dictionary.npy 2>&1 | FileCheck %s --check-prefix=DICTIONARY
// RUN: not bnc-evaluate %s --random --input x=%t/two-shapes.npy 2>&1 | FileCheck %s --check-prefix=DICTIONARY
// RUN: not bnc-evaluate %s --random --input x=%t/negative.npy 2>&1 | FileCheck %s --check-prefix=DICTIONARY
// RUN: not bnc-evaluate %s --random --input x=%t/no-descr.npy 2>&1 | FileCheck %s --check-prefix=DICTIONARY
// RUN: not bnc-evaluate %s --random --input x=%t/big-endian.npy 2>&1 | FileCheck %s --check-prefix=ENDIAN
// RUN: not bnc-evaluate %s --random --input x=%t/fortran.npy 2>&1 | FileCheck %s --check-prefix=FORTRAN
// RUN: not bnc-evaluate %s --random --input x=%t/overflow.npy 2>&1 | FileCheck %s --check-prefix=OVERFLOW
// RUN: not bnc-evaluate %s --random --input x=%t/short.npy 2>&1 | FileCheck %s --check-prefix=SHORT
// RUN: not bnc-evaluate %s --random --input x=%t/long.npy 2>&1 | FileCheck %s --check-prefix=LONG
//
// Every element type, both versions of the header, and a rank of 0 are read and written.
// RUN: bnc-evaluate %s --random --input x=%t/f32.npy --input y=%t/version2.npy --variable w=%t/i32.npy --output-dir %t/out
// RUN: %python %S/Inputs/npy_files.py %t --check

// MISSING: error: input 'x' has no value; give --input=x=FILE or --random
// VARIABLE: error: variable 'w' has no value; give --variables=FILE, --variable=w=FILE or --random
// UNKNOWN: error: --input=z: @net has no input of that name
// BATCH: error: graph: input 'y' has shape (2, 3); expected sizes of at least 1 and one batch for all inputs
// TYPE: error: graph: input 'y' is 'tensor<?x3xf32>', found a value of type 'tensor<3x2xf32>'
// SHAPE: error: variable 'w' has shape (3), found a value of shape (3, 2)
// WEIGHTS: error: {{.*}}f32.npy: {{.+}}
// GRAPH: error: {{.*}}evaluate-errors.mlir: holds 0 graphs of the name @other

// NOTHING: error: {{.*}}nothing.npy: cannot be read: {{.+}}
// MAGIC: error: {{.*}}magic.npy: does not start as a .npy file
// VERSION: error: {{.*}}version.npy: has version 3.0 of the .npy format; expected 1.0 or 2.0
// CUT: error: {{.*}}cut-header.npy: ends inside its header
// DICTIONARY: error: {{.*}}.npy: has a header that is no dictionary of descr, fortran_order and shape
// ENDIAN: error: {{.*}}big-endian.npy: has elements of type '>f4'; expected float32, float64, int32, int64 or uint8, little endian
// FORTRAN: error: {{.*}}fortran.npy: is in Fortran order; save numpy.ascontiguousarray of it
// OVERFLOW: error: {{.*}}overflow.npy: has a shape whose number of elements overflows
// SHORT: error: {{.*}}short.npy: has 20 bytes of elements; its shape and type need 24
// LONG: error: {{.*}}long.npy: has 28 bytes of elements; its shape and type need 24

bnc.variable batch_stats @w : tensor<3xf32>
bnc.graph model @net(%x: tensor<?x3xf32> {bnc.name = "x"}, %y: tensor<?x3xf32> {bnc.name = "y"})
    -> (tensor<?x3xf32> {bnc.name = "sum/first"}, tensor<f32>, tensor<i64>) {
  %w = bnc.read @w : tensor<3xf32>
  %0 = bnc.add %x, %y : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %1 = bnc.reduce_sum %w {axes = array<i64: 0>} : (tensor<3xf32>) -> tensor<f32>
  %2 = bnc.constant dense<9007199254740993> : tensor<i64>
  %3 = bnc.neg %w : tensor<3xf32>
  bnc.assign @w, %3 : tensor<3xf32>
  bnc.return %0, %1, %2 : tensor<?x3xf32>, tensor<f32>, tensor<i64>
}
