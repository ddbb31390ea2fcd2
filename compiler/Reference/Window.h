//===- Window.h - where windows lie on an input -----------------*- C++ -*-===//
//
// Private to the evaluator: what convolutions and pools share. Everything is brought to three spatial dimensions by
// leading ones.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_REFERENCE_WINDOW_H
#define COMPILER_REFERENCE_WINDOW_H

#include "compiler/Reference/Tensor.h"

#include <algorithm>
#include <array>

namespace bnc {

using Triple = std::array<int64_t, 3>;

/// `sizes` behind as many `fill` as make three.
inline Triple toTriple(llvm::ArrayRef<int64_t> sizes, int64_t fill) {
  Triple triple{fill, fill, fill};
  for (size_t i = 0; i < sizes.size(); ++i)
    triple[triple.size() - sizes.size() + i] = sizes[i];
  return triple;
}

/// A window that slides over an input: kernel position k at output position o lies on input position
/// o * stride - pad + k * dilation, per dimension.
struct Window {
  Triple input, output, kernel, strides, pads, dilations;

  /// `pads` may go on with the pads after each dimension, which only the sizes depend on.
  Window(llvm::ArrayRef<int64_t> inputShape, llvm::ArrayRef<int64_t> outputShape, llvm::ArrayRef<int64_t> kernel,
         llvm::ArrayRef<int64_t> strides, llvm::ArrayRef<int64_t> pads, llvm::ArrayRef<int64_t> dilations)
      : input(toTriple(inputShape.drop_front(2), 1)), output(toTriple(outputShape.drop_front(2), 1)),
        kernel(toTriple(kernel, 1)), strides(toTriple(strides, 1)), pads(toTriple(pads.take_front(kernel.size()), 0)),
        dilations(toTriple(dilations, 1)) {}

  /// Calls visit(output, kernel, input), each a position in row-major order, for every kernel position that lies on
  /// the input, not on padding; output position by output position.
  template <typename Visit> void forEachTap(Visit visit) const {
    forEachIndex(output, [&](llvm::ArrayRef<int64_t> o, int64_t outputPosition) {
      forEachIndex(kernel, [&](llvm::ArrayRef<int64_t> k, int64_t kernelPosition) {
        int64_t inputPosition = 0;
        for (int dim = 0; dim < 3; ++dim) {
          int64_t i = o[dim] * strides[dim] - pads[dim] + k[dim] * dilations[dim];
          if (i < 0 || i >= input[dim])
            return;
          inputPosition = inputPosition * input[dim] + i;
        }
        visit(outputPosition, kernelPosition, inputPosition);
      });
    });
  }

  /// The same row by row: `count` neighbours at `output` lie on inputs from `input` on, strides[2] apart. Kernel
  /// position by kernel position.
  template <typename Visit> void forEachRow(Visit visit) const {
    forEachIndex(kernel, [&](llvm::ArrayRef<int64_t> k, int64_t kernelPosition) {
      Triple first, end; // output positions that lie on the input
      for (int dim = 0; dim < 3; ++dim) {
        int64_t shift = pads[dim] - k[dim] * dilations[dim];
        first[dim] = shift > 0 ? (shift + strides[dim] - 1) / strides[dim] : 0;
        int64_t last = input[dim] - 1 + shift;
        end[dim] = last < 0 ? 0 : std::min(output[dim], last / strides[dim] + 1);
      }
      if (first[2] >= end[2])
        return;
      auto onInput = [&](int dim, int64_t o) { return o * strides[dim] - pads[dim] + k[dim] * dilations[dim]; };
      for (int64_t z = first[0]; z < end[0]; ++z)
        for (int64_t y = first[1]; y < end[1]; ++y)
          visit((z * output[1] + y) * output[2] + first[2], kernelPosition,
                (onInput(0, z) * input[1] + onInput(1, y)) * input[2] + onInput(2, first[2]), end[2] - first[2]);
    });
  }
};

} // namespace bnc

#endif // COMPILER_REFERENCE_WINDOW_H
