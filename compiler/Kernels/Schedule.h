//===- Schedule.h - register tiles from shapes and target ---------*- C++ -*-===//

#ifndef COMPILER_KERNELS_SCHEDULE_H
#define COMPILER_KERNELS_SCHEDULE_H

#include "compiler/Support/Target.h"
#include "ir/BncOps.h"

#include <optional>

namespace bnc {

constexpr int64_t kStackBytes = 16 << 10; // of sums: Halide allocates what is larger

/// Accumulators of a packed convolution: `vectors` of `lanes` output channels for each of `pixels` neighbours.
struct ConvolutionTile {
  int lanes, vectors, pixels;

  /// Terms that a loop takes at a time: two, if the registers hold the weights of both. LLVM loads them all first, and
  /// would spill accumulators.
  int termsAtOnce(const Target &target, int64_t terms) const {
    return terms % 2 == 0 && vectors * pixels + 2 * vectors < target.registers ? 2 : 1;
  }
};

/// The cheapest tile for blocks of `block` output channels over rows of `width` pixels, each of them a sum of `terms`
/// products: it leaves registers for one vector of weights each and a broadcast input.
ConvolutionTile convolutionTile(const Target &target, int64_t block, int64_t width, int64_t terms);

/// What of a convolution's sum is added up by itself: `inputs` input channels of `taps` taps of a row.
struct PartialSum {
  int64_t inputs, taps;
};

/// Partial sums of a convolution over `inputs` channels and a window of `width` by `height` taps; everything (`inputs` of
/// all taps) where a single sum is short enough. Shorter ones, and of short sums too, if a batch normalization follows:
/// its layers multiply the errors of all before them, which is where the errors of gradients come from. Others of up to
/// `together` terms are short enough: every part is added up in memory, which takes a tenth of the time of 64 terms.
PartialSum partialSum(mlir::Operation *convolution, int64_t inputs, int64_t width = 1, int64_t height = 1, int64_t together = 256);

/// Accumulators of a packed convolution whose weights are read panel by panel: `vectors` of `lanes` output channels for
/// each of `pixels` neighbours at a time, over `rows` rows.
struct PanelTile : ConvolutionTile {
  int rows;
};

/// The tile for blocks of `block` output channels where every task has `rows` rows of `width` pixels (0: not the same
/// number); none if no tile divides them, or if a panel would not be read for several of its tiles.
std::optional<PanelTile> panelTile(const Target &target, int64_t block, int64_t width, int64_t rows);

/// The same for products of `width` tiles a row in Winograd's algorithm, over `rows` rows of tiles at most; none if the
/// sums of one row are too many.
std::optional<PanelTile> productTile(const Target &target, int64_t block, int64_t width);

/// Accumulators of a weight gradient: `vectors` of `lanes` output channels for each of `inputs` input channels and
/// `width` by `height` taps of the window. They need not divide what there is: the last tiles share some with those before.
struct WeightGradientTile {
  int lanes, vectors, inputs, width, height;
};
/// `inputs`: the input channels of a task, all or those of its block.
WeightGradientTile weightGradientTile(const Target &target, WeightGradientOp op, int64_t inputs);

/// Rows of an output of `width` by `height` pixels that a weight gradient sums up at a time: a divisor of `height` whose
/// pixels are few enough for the first-level cache if such a one has enough to pay for loading and storing the sums.
int64_t weightGradientRows(int64_t width, int64_t height);

/// The tile of a dense layer, whose pixels are images: it reads whole rows of a block of weights, which come from memory.
ConvolutionTile imagesTile(const Target &target, PackedConvOp op);

/// The same for one image alone: several of the blocks of a task's `channels` at a time are several streams, and memory
/// feeds these faster than one.
ConvolutionTile oneImageTile(const Target &target, PackedConvOp op, int64_t channels);

/// Images that a kernel of grid `images` computes at once: a multiple of those of its tiles. 1 if its anchors have real
/// pixels.
int64_t imageMultiple(KernelOp kernel, const Target &target);

} // namespace bnc

#endif // COMPILER_KERNELS_SCHEDULE_H
