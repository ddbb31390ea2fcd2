//===- ConvolutionCost.cpp - which algorithm a convolution takes --------------===//

#include "compiler/Transforms/ConvolutionCost.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace bnc;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

static constexpr int64_t kColumnBytes = 16 << 10; // wait on the stack to be added up: Halide allocates what is larger

Columns Columns::of(const Target &target, ArrayRef<int64_t> weight, int64_t width) {
  int64_t taps = weight[2] * weight[3], stored = target.storedChannels(weight[1]);
  int64_t channels = weight[1], blocks = 1; // side by side, without padding
  if (stored > target.lanes && stored % target.lanes == 0) {
    channels = target.lanes;
    blocks = stored / channels;
  }
  int64_t vectors = llvm::divideCeil(taps * channels, target.lanes);
  bool threes = target.registers >= 32 && vectors % 3 == 0; // a register tile is two vectors wide, or three
  int64_t block = (threes ? vectors : llvm::alignTo(vectors, 2)) * target.lanes;
  int64_t pixels = std::clamp<int64_t>(kColumnBytes / 4 / block, 1, width);
  while (width % pixels != 0)
    --pixels;
  return {channels, block, blocks, pixels};
}

int64_t bnc::winogradTile(ConvolutionAlgorithm algorithm) {
  return algorithm == ConvolutionAlgorithm::Winograd4 ? 4 : algorithm == ConvolutionAlgorithm::Winograd2 ? 2 : 0;
}

SmallVector<ConvolutionCost> bnc::convolutionCosts(const Target &target, const ConvolutionShape &shape, bool alone, int64_t largestTile) {
  ArrayRef<int64_t> weight = shape.weight;
  bool backward = shape.backward;
  int64_t taps = weight[2] * weight[3];
  int64_t inputs = backward ? weight[0] / shape.groups : weight[1]; // of one group
  int64_t outputs = backward ? weight[1] * shape.groups : weight[0];
  int64_t inputVectors = llvm::divideCeil(inputs * shape.groups, target.lanes), outputVectors = llvm::divideCeil(outputs, target.lanes);
  Plane result = backward ? shape.input : shape.output;
  // Measured: two vectors of multiply-adds a cycle at three quarters of the time; ten cycles to stage a vector of the input
  // or to finish one of the output, as many as a tile's input has rows to transform a vector of a plane.
  auto products = [&](int64_t count) { return count * inputs * outputVectors / 1.5; };
  auto staging = [&](int64_t vectors) { return 10.0 * vectors; };
  // Weights come from beyond the core's own cache if they do not fit in there with the rest, or if other layers have been
  // there since: 12 bytes a cycle where the pixels run past a panel while the next is fetched. Those of Winograd's algorithm
  // pass fewer tiles, 8; where they are many, the next is in the second-level cache already, 16, but 6 in training, where
  // every step transforms them.
  auto reading = [&](int64_t elements, double bytesPerCycle) {
    int64_t bytes = elements * 4;
    return alone || bytes > target.cacheBytes / 2 ? double(bytes) / bytesPerCycle : 0;
  };
  int64_t multiplied = taps * (shape.leavesOut() ? shape.output : result).pixels();
  SmallVector<ConvolutionCost> costs{{ConvolutionAlgorithm::Direct, products(multiplied) +
                                                                        staging(result.pixels() * (inputVectors + outputVectors)) +
                                                                        reading(weight[0] * weight[1] * taps, 12)}};
  if (backward && shape.groups == 1 && shape.output.pixels() > 1 && taps > 1) {
    Plane gradient = shape.output;
    Columns columns = Columns::of(target, weight, gradient.width);
    // Two vectors loaded and one stored to add up a column's.
    int64_t vectors = columns.blocks * columns.block / target.lanes * inputs + 3 * taps * outputVectors;
    if (columns.pixels >= std::min<int64_t>(gradient.width, 4)) // fewer would not fill a register tile
      costs.push_back({ConvolutionAlgorithm::Columns,
                       gradient.pixels() * vectors / 1.5 +
                           staging(gradient.pixels() * inputVectors + result.pixels() * outputVectors) +
                           reading(columns.blocks * columns.block * inputs, 12)});
  }
  auto isOne = [](int64_t value) { return value == 1; };
  if (shape.groups != 1 || !llvm::all_of(shape.strides, isOne) || !llvm::all_of(shape.dilations, isOne) || weight[2] != 3 ||
      weight[3] != 3 || inputs < 16 || outputs < 16)
    return costs;
  for (ConvolutionAlgorithm algorithm : {ConvolutionAlgorithm::Winograd2, ConvolutionAlgorithm::Winograd4}) {
    int64_t tile = winogradTile(algorithm), planes = (tile + 2) * (tile + 2);
    int64_t tiles = llvm::divideCeil(result.height, tile) * llvm::divideCeil(result.width, tile);
    int64_t elements = planes * inputs * outputs;
    if (tile <= largestTile)
      costs.push_back({algorithm, products(planes * tiles) + double(tile + 2) * planes * tiles * (inputVectors + outputVectors) +
                                      reading(elements, elements * 4 <= target.cacheBytes ? 8 : alone ? 16 : 6)});
  }
  return costs;
}

ConvolutionCost bnc::chooseAlgorithm(ArrayRef<ConvolutionCost> costs, ConvolutionAlgorithm request) {
  ConvolutionCost best = costs.front();
  for (const ConvolutionCost &candidate : costs) {
    if (candidate.algorithm == request)
      return candidate;
    // What estimates may be wrong by; tiles of 4 round more, and columns take memory.
    bool isColumns = candidate.algorithm == ConvolutionAlgorithm::Columns;
    double handicap = isColumns ? 1.25 : candidate.algorithm == ConvolutionAlgorithm::Winograd4 ? 1.1 : 1.05;
    if (candidate.cycles * handicap < best.cycles)
      best = candidate;
  }
  return best;
}

//===-- In words -----------------------------------------------------------------------===//

static StringRef nameOf(ConvolutionAlgorithm algorithm) {
  switch (algorithm) {
  case ConvolutionAlgorithm::Cheapest:
    break;
  case ConvolutionAlgorithm::Direct:
    return "direct";
  case ConvolutionAlgorithm::Columns:
    return "columns";
  case ConvolutionAlgorithm::Winograd2:
    return "Winograd F(2x2, 3x3)";
  case ConvolutionAlgorithm::Winograd4:
    return "Winograd F(4x4, 3x3)";
  }
  llvm_unreachable("a request is no algorithm");
}

std::string ConvolutionShape::describe() const {
  std::string text = llvm::formatv("convolution {0}x{1}", weight[2], weight[3]);
  if (strides[1] != 1)
    text += "/" + std::to_string(strides[1]);
  text += llvm::formatv(" {0}->{1}", weight[1] * groups, weight[0]);
  if (groups > 1)
    text += llvm::formatv(" in {0} groups", groups);
  return text + llvm::formatv(" at {0}x{1}", output.height, output.width).str();
}

std::string bnc::describeChoice(ArrayRef<ConvolutionCost> costs, ConvolutionCost chosen) {
  std::string text = llvm::formatv("{0} at an estimated {1:f1} kcycles", nameOf(chosen.algorithm), chosen.cycles / 1000);
  SmallVector<ConvolutionCost> others(costs);
  llvm::erase_if(others, [&](const ConvolutionCost &cost) { return cost.algorithm == chosen.algorithm; });
  llvm::stable_sort(others, [](const ConvolutionCost &a, const ConvolutionCost &b) { return a.cycles < b.cycles; });
  for (const ConvolutionCost &cost : others)
    text += llvm::formatv("{0}{1}: {2:f1}", &cost == others.begin() ? " (" : ", ", nameOf(cost.algorithm), cost.cycles / 1000);
  return others.empty() ? text : text + ")";
}
