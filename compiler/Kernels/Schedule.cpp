//===- Schedule.cpp - register tiles from shapes and target -------------------===//

#include "compiler/Kernels/Schedule.h"

#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace bnc;

namespace {
int64_t lanesOf(const Target &target, int64_t block) { return block % target.lanes == 0 ? target.lanes : 8; }

int64_t largestDivisor(int64_t number, int64_t most) {
  int64_t divisor = std::min(number, most);
  while (number % divisor != 0)
    --divisor;
  return divisor;
}

/// Cycles of one term of a tile: two multiply-adds or two loads each, eight multiply-adds at least for their latency; a
/// share of what begins and ends the sums; weights that come from the second-level cache. Measured.
double cyclesOfTerm(int64_t vectors, int64_t pixels) {
  return double(std::max({vectors * pixels, vectors + pixels, int64_t(8)})) / 2 + 0.6 + 0.03 * double(vectors * pixels) + 0.3 * double(vectors);
}

/// Vectors of channels in one tile; grouped convolutions have one block that covers all channels.
int64_t vectorsOf(const Target &target, int64_t block, int64_t lanes) {
  return largestDivisor(block / lanes, target.registers >= 32 ? 4 : 2);
}

/// True if the kernel takes the statistics of a batch normalization of what it writes.
bool isNormalized(Operation *op) {
  return op->getParentOfType<KernelOp>().getBody().walk([](PartialMomentsOp) { return WalkResult::interrupt(); }).wasInterrupted();
}
} // namespace

ConvolutionTile bnc::convolutionTile(const Target &target, int64_t block, int64_t width, int64_t terms) {
  int64_t lanes = lanesOf(target, block);
  ConvolutionTile best{int(lanes), 1, 1};
  double least = std::numeric_limits<double>::infinity();
  for (int64_t vectors = 1; vectors <= std::min<int64_t>(block / lanes, 4); ++vectors) {
    if (block / lanes % vectors != 0)
      continue;
    // vectors * pixels accumulators, `vectors` weights and one broadcast input.
    for (int64_t pixels = 1; pixels <= width && vectors * pixels + vectors < target.registers; ++pixels) {
      // Of all terms together the pixels of a result take their time too, each in a place of its own.
      double cycles = cyclesOfTerm(vectors, pixels) + 150.0 * double(pixels) / double(terms);
      double cost = double(llvm::divideCeil(width, pixels)) * cycles / double(vectors);
      if (cost <= least) {
        least = cost;
        best = {int(lanes), int(vectors), int(pixels)};
      }
    }
  }
  return best;
}

std::optional<PanelTile> bnc::productTile(const Target &target, int64_t block, int64_t width) {
  int64_t lanes = lanesOf(target, block), rows = kStackBytes / (block * 4 * width);
  std::optional<PanelTile> best;
  double least = std::numeric_limits<double>::infinity();
  for (int64_t vectors = 1; vectors <= block / lanes && rows > 0; ++vectors) {
    int64_t pixels = largestDivisor(width, std::max<int64_t>(1, (target.registers - vectors - 1) / vectors));
    double cost = cyclesOfTerm(vectors, pixels) / double(vectors * pixels);
    if (block / lanes % vectors == 0 && cost < least) {
      least = cost;
      best = {{int(lanes), int(vectors), int(pixels)}, int(rows)};
    }
  }
  return best;
}

std::optional<PanelTile> bnc::panelTile(const Target &target, int64_t block, int64_t width, int64_t rows) {
  int64_t lanes = lanesOf(target, block), best = 0, fit = kStackBytes / (block * 4 * width);
  PanelTile tile{{int(lanes), 1, 1}, 1};
  for (int64_t vectors = 1; vectors <= block / lanes; ++vectors) {
    if (block / lanes % vectors != 0 || vectors + 2 > target.registers)
      continue;
    int64_t pixels = largestDivisor(width, std::max<int64_t>(1, (target.registers - vectors - 1) / vectors));
    // Multiply-adds for each load of a weight or an input.
    int64_t score = 16 * vectors * pixels / (vectors + pixels);
    if (vectors * pixels < 8 || score <= best)
      continue;
    best = score;
    tile.vectors = vectors;
    tile.pixels = pixels;
  }
  if (best == 0 || fit == 0 || rows == 0)
    return std::nullopt;
  tile.rows = largestDivisor(rows, fit);
  return tile.rows * width >= 2 * tile.pixels ? std::optional(tile) : std::nullopt;
}

PartialSum bnc::partialSum(Operation *convolution, int64_t inputs, int64_t width, int64_t height, int64_t together) {
  int64_t length = inputs * width * height, terms = largestDivisor(inputs, 64);
  PartialSum whole{inputs, width * height};
  if (!isNormalized(convolution)) { // short parts would cost more than they gain
    if (terms < 32 || length <= together)
      terms = inputs;
    return terms == inputs && (terms < 32 || width * height <= 2) ? whole : PartialSum{terms, 1};
  }
  if (length < 24)
    return whole;
  if (inputs < 8)
    return {inputs, width};
  terms = largestDivisor(inputs, std::clamp<int64_t>(length / 4, 12, 64));
  return {terms < 8 ? inputs : terms, 1};
}

WeightGradientTile bnc::weightGradientTile(const Target &target, WeightGradientOp op, int64_t inputs) {
  ArrayRef<int64_t> slices = op.getType().getShape(); // (chains, blocks, KH, KW, input channels, block)
  int64_t windowHeight = slices[2], windowWidth = slices[3], block = slices[5];
  int64_t lanes = lanesOf(target, block), vectors = vectorsOf(target, block, lanes);
  int64_t most = std::max<int64_t>(1, (target.registers - vectors - 1) / vectors);
  WeightGradientTile best{int(lanes), int(vectors), 1, 1, 1};
  double least = std::numeric_limits<double>::infinity();
  // Of equal ones that with the most taps side by side, which read the same pixels.
  for (int64_t width = std::min(windowWidth, most); width > 0; --width)
    for (int64_t perTile = 1; perTile <= std::min(inputs, most / width); ++perTile)
      for (int64_t height = 1; height <= std::min(windowHeight, most / width / perTile); ++height) {
        int64_t tiles = llvm::divideCeil(inputs, perTile) * llvm::divideCeil(windowWidth, width) * llvm::divideCeil(windowHeight, height);
        // The vectors of the gradient come from the second-level cache, if there are many channels.
        double cost = double(tiles) * (cyclesOfTerm(vectors, perTile * width * height) + 0.3 * double(vectors));
        if (cost < least * 0.999) {
          least = cost;
          best = {int(lanes), int(vectors), int(perTile), int(width), int(height)};
        }
      }
  return best;
}

int64_t bnc::weightGradientRows(int64_t width, int64_t height) {
  constexpr int64_t most = 128, least = 48; // pixels; 128 of 64 channels are 32 kB
  if (width * height <= most)
    return height;
  int64_t rows = largestDivisor(height, std::max<int64_t>(2, most / width));
  while (rows * width < least && rows < height)
    do
      ++rows;
    while (height % rows != 0);
  return rows;
}

static int64_t blockOf(PackedConvOp op) { return op.getWeight().getType().getShape().back(); }

ConvolutionTile bnc::imagesTile(const Target &target, PackedConvOp op) {
  int64_t lanes = lanesOf(target, blockOf(op)), vectors = vectorsOf(target, blockOf(op), lanes);
  int64_t most = std::clamp<int64_t>((target.registers - vectors - 1) / vectors, 1, 8);
  return {int(lanes), int(vectors), int(llvm::bit_floor(uint64_t(most)))}; // a power of two divides every block of images
}

ConvolutionTile bnc::oneImageTile(const Target &target, PackedConvOp op, int64_t channels) {
  ConvolutionTile tile = imagesTile(target, op);
  return {tile.lanes, tile.vectors * int(largestDivisor(channels / (tile.vectors * tile.lanes), tile.pixels)), 1};
}

int64_t bnc::imageMultiple(KernelOp kernel, const Target &target) {
  int64_t multiple = 1;
  kernel.getBody().walk([&](PackedConvOp conv) {
    ArrayRef<int64_t> result = conv.getType().getShape();
    if (conv.getUnflatten() || result.size() == 2 || result.back() * result[result.size() - 2] == 1)
      multiple = std::max<int64_t>(multiple, result.front() == 1 ? 1 : imagesTile(target, conv).pixels);
  });
  return multiple;
}
