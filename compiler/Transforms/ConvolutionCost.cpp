//===- ConvolutionCost.cpp - which algorithm a convolution takes --------------===//

#include "compiler/Transforms/ConvolutionCost.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace bnc;
using llvm::ArrayRef;

static constexpr int64_t kColumnBytes = 16 << 10; // wait on the stack to be added up: Halide allocates what is larger

Columns Columns::of(const Target &target, ArrayRef<int64_t> weight, int64_t width) {
  int64_t taps = weight[2] * weight[3], stored = target.storedChannels(weight[1]);
  int64_t channels = stored > target.lanes && stored % target.lanes == 0 ? target.lanes : stored;
  int64_t block = taps * channels, vectors = llvm::divideCeil(block, target.lanes);
  bool threes = target.registers >= 32 && vectors % 3 == 0; // a register tile is two vectors wide, or three
  if (block % target.lanes != 0 || (vectors % 2 != 0 && !threes))
    block = llvm::alignTo(block, 2 * target.lanes);
  int64_t pixels = std::clamp<int64_t>(kColumnBytes / 4 / block, 1, width);
  while (width % pixels != 0)
    --pixels;
  return {channels, block, stored / channels, pixels};
}

bool bnc::columnsAreCheaper(const Target &target, ArrayRef<int64_t> weight, Plane gradient, Plane input) {
  int64_t taps = weight[2] * weight[3], outputs = weight[0];
  int64_t vectors = llvm::divideCeil(target.storedChannels(weight[1]), target.lanes);
  Columns columns = Columns::of(target, weight, gradient.width);
  // Fewer pixels would not fill a register tile.
  bool fits = columns.pixels >= std::min<int64_t>(gradient.width, 4);
  int64_t direct = input.pixels() * taps * outputs * vectors;
  int64_t byColumns = gradient.pixels() * (columns.blocks * columns.block / target.lanes * outputs + 3 * taps * vectors);
  return fits && gradient.pixels() > 1 && byColumns * 5 < direct * 4;
}

int64_t bnc::cheapestWinogradTile(const Target &target, ArrayRef<int64_t> weight, bool backward, Plane output, int64_t most) {
  int64_t outputs = weight[backward ? 1 : 0], inputs = weight[backward ? 0 : 1];
  if (weight[2] != 3 || weight[3] != 3 || inputs < 16 || outputs < 16)
    return 0;
  // In cycles of a core for one image. Measured: two vectors of multiply-adds a cycle at three quarters of the time, six
  // cycles to transform a vector of a plane, 8 bytes a cycle of weights that are in no cache of the core's own.
  int64_t inputVectors = llvm::divideCeil(inputs, target.lanes), outputVectors = llvm::divideCeil(outputs, target.lanes);
  auto products = [&](int64_t count) { return count * inputs * outputVectors / 1.5; };
  double best = products(9 * output.pixels());
  int64_t tile = 0;
  for (int64_t candidate : {2, 4}) {
    int64_t planes = (candidate + 2) * (candidate + 2);
    int64_t tiles = llvm::divideCeil(output.height, candidate) * llvm::divideCeil(output.width, candidate);
    int64_t weightBytes = planes * inputs * outputs * 4;
    double cost = products(planes * tiles) + 6.0 * planes * tiles * (inputVectors + outputVectors) +
                  (weightBytes > target.cacheBytes / 2 ? weightBytes / 8 : 0);
    // Larger tiles round more and have more weights: they have to pay for that.
    if (candidate <= most && cost * 1.1 < best) {
      best = cost;
      tile = candidate;
    }
  }
  return tile;
}
