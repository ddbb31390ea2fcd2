//===- KernelGrid.cpp - what a task of a kernel covers -----------------------===//

#include "compiler/Transforms/KernelGrid.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

using namespace mlir;
using namespace bnc;

ArrayRef<int64_t> bnc::shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

int64_t bnc::dimOf(Value value, int64_t dim) {
  ArrayRef<int64_t> shape = shapeOf(value);
  if (dim >= 2 && shape.size() > 4)
    return dim == 3 ? shape.back() : std::accumulate(shape.begin() + 2, shape.end() - 1, int64_t(1), std::multiplies<>());
  if (dim < 2)
    return shape[dim];
  if (shape.size() == 2)
    return 1;
  return shape.size() == 3 ? (dim == 2 ? 1 : shape[2]) : shape[dim];
}

namespace {
constexpr int64_t kImagesPerTask = 32;  // of grid `images`: a block of rows that a weight panel is read once for
constexpr int64_t kFewImages = 4, kFewPixels = 256; // ... of kernels whose weights outgrow the cache, and their pixels

class GridChoice {
public:
  GridChoice(KernelOp kernel, const Target &target, bool inference, int64_t threads, int64_t chains, llvm::function_ref<Value(Value)> outside)
      : kernel(kernel), target(target), inference(inference), threads(threads), chains(chains), outside(outside) {}

  int64_t run() {
    Sizes sizes;
    bool images = false, weightGradient = false, aligned = true, overlap = false;
    int64_t gradientHeight = 0; // the greatest common divisor of those that weight gradients are sums over
    int64_t height = 0, batch = ShapedType::kDynamic;
    int64_t most = 1;
    if (auto cut = kernel.cutValues()) {
      sizes.cut = *cut;
      most = mostBlocks(*cut);
    }
    for (auto image : kernel.getBody().getOps<WinogradOutputOp>())
      sizes.tile = image.getTile();
    auto addBytes = [&](Value value) {
      // Planes of tiles have a row for several of the image.
      auto stage = value.getDefiningOp<StageOp>();
      bool isPlanes = stage && isa_and_nonnull<WinogradInputOp, WinogradProductOp>(stage.getInput().getDefiningOp());
      int64_t bytes = dimOf(value, 3) * target.storedChannels(dimOf(value, 1)) * 4 / (isPlanes ? sizes.tile : 1);
      (most > 1 && sizes.cut.contains(value) ? sizes.cutRowBytes : sizes.rowBytes) += bytes;
      sizes.imageBytes += dimOf(value, 2) * dimOf(value, 3) * target.storedChannels(dimOf(value, 1)) * 4 / (isPlanes ? 2 : 1);
    };
    kernel.getBody().walk([&](Operation *op) {
      if (auto conv = dyn_cast<PackedConvOp>(op)) {
        batch = shapeOf(conv.getResult())[0];
        images |= conv.getUnflatten() || (dimOf(conv.getResult(), 2) == 1 && dimOf(conv.getResult(), 3) == 1);
        int64_t elements = conv.getWeight().getType().getNumElements();
        sizes.weightBytes = std::max(sizes.weightBytes, elements * 4);
        sizes.products += double(elements) * (conv.getUnflatten() ? 1 : dimOf(conv.getResult(), 2) * dimOf(conv.getResult(), 3));
        sizes.width = std::max(sizes.width, dimOf(conv.getResult(), 3));
        sizes.convs.push_back(conv);
      } else if (auto product = dyn_cast<WinogradProductOp>(op)) {
        int64_t elements = product.getWeight().getType().getNumElements();
        ArrayRef<int64_t> weight = product.getWeight().getType().getShape(), planes = shapeOf(product.getInput());
        sizes.weightBytes = std::max(sizes.weightBytes, elements * 4);
        sizes.products += double(elements) * (planes[2] * planes[3] / (weight[1] * weight[2]));
        auto bytes = [&](int64_t channels) { return double(planes[2] * planes[3] * target.storedChannels(channels) * 4); };
        sizes.tileBytes += bytes(planes[1]);
        sizes.productBytes += bytes(dimOf(product.getResult(), 1));
        sizes.tileRows = planes[2];
      } else if (auto gradient = dyn_cast<WeightGradientOp>(op)) {
        weightGradient = true;
        batch = shapeOf(gradient.getGradient())[0];
        sizes.weightBytes = std::max(sizes.weightBytes, gradient.getType().getNumElements() / chains * 4);
        sizes.width = std::max(sizes.width, gradient.getOutputShape()[1]);
        images |= gradient.getOutputShape()[0] == 1 && gradient.getOutputShape()[1] == 1;
        height = std::max(height, gradient.getOutputShape()[0]);
        gradientHeight = std::gcd(gradientHeight, gradient.getOutputShape()[0]);
      } else if (isa<LossOp, LossGradientOp>(op)) {
        images = true;
        batch = shapeOf(op->getOperand(0))[0];
      } else if (isa<Col2ImOp>(op))
        aligned = false; // every row of the product reaches many rows
      else if (isa<AvgPoolOp, MaxPoolOp, MaxPoolTapOp, AvgPoolGradientOp, MaxPoolGradientOp, RouteToTapOp>(op))
        overlap |= op->getAttrOfType<DenseI64ArrayAttr>("kernel")[0] > op->getAttrOfType<DenseI64ArrayAttr>("strides")[0];
      else if (isa<StageOp>(op))
        addBytes(op->getResult(0));
    });
    bool first = true;
    for (Value value : yield().getValues()) {
      if (isPartial(value) || shapeOf(value).size() < 2)
        continue;
      addBytes(value);
      aligned &= first || dimOf(value, 2) == height;
      height = first ? dimOf(value, 2) : std::max(height, dimOf(value, 2));
      first = false;
    }
    sizes.height = height = std::max<int64_t>(height, 1);
    if (images && !inference && !ShapedType::isDynamic(batch))
      sizes.together = llvm::divideCeil(batch, kImagesPerTask);
    int64_t rows = height, blocks = 1;
    // Planes of one block of channels are not cut into more, but their rows are chosen like those of others.
    bool isPlanes = sizes.tile > 1, cutRows = aligned && !images;
    bool cutChannels = !weightGradient && (most > 1 || (isPlanes && inference)) && sizes.products > 0;
    // Weights that outgrow the cache would be read for every strip; those of Winograd's algorithm are met one plane at a time.
    bool hasSumsAlone = first && llvm::any_of(yield().getValues(), [](Value value) { return !value.getDefiningOp<WeightGradientOp>(); });
    if (weightGradient)
      cutRows &= !hasSumsAlone && sizes.weightBytes <= (sizes.tile > 1 ? target.cacheBytes : target.cacheBytes / 2);
    // Half of the cache for the strip; strips cut what is read of neighbours, so they are cut only where it pays.
    auto fitting = [&](int64_t blocks) {
      int64_t bytes = std::max<int64_t>(weightGradient ? sizes.imageBytes / height : sizes.rowBytes + sizes.cutRowBytes / blocks, 1);
      int64_t rows = cutRows ? std::clamp<int64_t>(target.cacheBytes / 2 / bytes, 1, height) : height;
      // Strips of a weight gradient have equally many rows of everything, in whole tiles.
      auto isEqual = [&](int64_t rows) { return height % rows == 0 && gradientHeight % (height / rows) == 0 && rows % sizes.tile == 0; };
      if (weightGradient) {
        if (overlap) // a window of a pool that reaches into another strip is searched in both
          rows = std::max(rows, height / 8);
        while (rows < height && !isEqual(rows))
          ++rows;
        return rows;
      }
      return std::min<int64_t>(height, llvm::alignTo(rows, sizes.tile));
    };
    rows = fitting(1);
    if (cutChannels) {
      double least = std::numeric_limits<double>::infinity();
      bool smallFirst = isPlanes && inference; // of equal ones, that with less to keep
      for (int64_t candidate = 1; candidate <= most; ++candidate)
        for (int64_t fits = fitting(candidate), i = most % candidate == 0 ? 0 : height; i < height; ++i) {
          int64_t strip = smallFirst ? i + 1 : height - i;
          bool isWhole = cutRows && strip == height && isPlanes; // so that weights of planes are read once
          bool isLarge = strip > fits && !smallFirst;
          if (strip != fits && !isWhole && (isLarge || !cutRows || !inference || strip % sizes.rowsOfTile() != 0))
            continue;
          double cost = costOf(sizes, candidate, strip, inference || images) * (isLarge ? 1.1 : 1.0);
          if (cost < least * 0.98) {
            least = cost;
            blocks = candidate;
            rows = strip;
          }
        }
    } else if (weightGradient && most > 1 && sizes.weightBytes > target.cacheBytes) {
      // The slice of a block and the weights for the gradient of its input stay in the cache. A chain may then cover all
      // images: the blocks keep the cores busy, and there are fewer slices to add up.
      while (blocks < most && 2 * sizes.weightBytes / blocks > target.cacheBytes)
        do
          ++blocks;
        while (most % blocks != 0);
      chains = std::min(chains, std::max<int64_t>(1, llvm::divideCeil(threads, blocks)));
    } else if (cutRows && inference) { // one image alone should keep a few cores busy
      rows = std::min<int64_t>(rows, llvm::alignTo(std::max<int64_t>(1, llvm::divideCeil(height, 4)), sizes.tile));
    }
    if (images)
      rows = kImagesPerTask;
    // Weights that leave the cache are read once for a few small images.
    int64_t few = std::min(kFewImages, kFewPixels / std::max<int64_t>(1, height * sizes.width));
    if (!images && !inference && blocks == 1 && rows == height && few > 1 && sizes.weightBytes > target.cacheBytes) {
      images = true;
      rows = few;
    }
    for (auto gradient : kernel.getBody().getOps<WeightGradientOp>()) {
      SmallVector<int64_t> shape(gradient.getType().getShape());
      shape[0] = chains;
      gradient.getResult().setType(RankedTensorType::get(shape, gradient.getType().getElementType()));
    }
    kernel.setGrid(images ? Grid::Images : Grid::Rows);
    kernel.setRows(rows);
    kernel.setChains(weightGradient ? chains : 0);
    kernel.setBlocks(blocks);
    return chains;
  }

private:
  static bool isPartial(Value value) {
    Operation *op = value.getDefiningOp();
    return op && isa<PartialMomentsOp, PartialSumsOp, WeightGradientOp>(op);
  }

  YieldOp yield() { return cast<YieldOp>(kernel.getBody().front().getTerminator()); }

  /// The blocks that the channels of `cut` can be cut into: a divisor of this.
  int64_t mostBlocks(const llvm::DenseSet<Value> &cut) {
    int64_t most = 0;
    for (Operation &op : kernel.getBody().front()) {
      if (isa<PackedConvOp, WinogradProductOp>(op)) {
        most = std::gcd(most, cast<RankedTensorType>(op.getOperand(1).getType()).getDimSize(0));
      } else if (auto gradient = dyn_cast<WeightGradientOp>(op)) {
        int64_t channels = dimOf(gradient.getInput(), 1), lanes = channels % target.lanes == 0 ? target.lanes : 8;
        if (channels % lanes != 0)
          return 1;
        most = std::gcd(most, channels / lanes);
      } else if (auto reshape = dyn_cast<ReshapeOp>(op); reshape && cut.contains(reshape)) {
        // Flattened channels have no padding between them.
        if (dimOf(reshape.getInput(), 1) != target.storedChannels(dimOf(reshape.getInput(), 1)) ||
            dimOf(reshape.getResult(), 1) != target.storedChannels(dimOf(reshape.getResult(), 1)))
          return 1;
      }
    }
    // Padded channels are the last block's; what is read without them has to end where the others do.
    for (BlockArgument argument : kernel.getBody().getArguments()) {
      Value from = outside(argument);
      bool isPadded = from.getDefiningOp<KernelOp>() || shapeOf(argument).size() == 1 ||
                      llvm::none_of(argument.getUsers(), [](Operation *user) { return isa<AddOp, DivOp, MaxOp, MinOp, MulOp, SubOp>(user); });
      if (int64_t rank = shapeOf(argument).size(); cut.contains(argument) && rank >= 2 && rank <= 4 && (!isPadded || isa<BlockArgument>(from)) &&
          dimOf(argument, 1) != target.storedChannels(dimOf(argument, 1)))
        return 1;
    }
    return std::max<int64_t>(most, 1);
  }

  /// What the choice of a grid depends on.
  struct Sizes {
    int64_t height = 1, width = 1; // of the largest result
    int64_t together = 1; // tasks' worth of images that come together at least
    int64_t rowBytes = 0, cutRowBytes = 0; // of what a task keeps of a row: whole, and cut into blocks of channels
    int64_t imageBytes = 0;                // of the image, without channel blocks; tiles and their products take turns
    int64_t weightBytes = 0;               // of one anchor
    double products = 0;                   // multiply-adds of an image
    double tileBytes = 0, productBytes = 0; // of an image's transformed tiles and their products
    int64_t tileRows = 1;
    int64_t tile = 1; // of Winograd's algorithm: rows come in whole ones

    /// Rows of the result that a tile covers: fewer than its own in front of a pool.
    int64_t rowsOfTile() const { return tile > 1 ? llvm::divideCeil(height, tileRows) : 1; }
    SmallVector<PackedConvOp, 4> convs;
    llvm::DenseSet<Value> cut;
  };

  /// A guess at the cycles of one image if its tasks are strips of `rows` rows of one of `blocks` blocks of channels: those
  /// of all cores together and, if an image may be `alone`, also those that all threads spend until the last is done.
  double costOf(const Sizes &sizes, int64_t blocks, int64_t rows, bool alone) {
    constexpr double productsPerCycle = 32, bytesPerCycle = 16, cyclesPerTask = 2000;
    int64_t strips = llvm::divideCeil(sizes.height, rows), tasks = blocks * strips;
    if (sizes.tile > 1 && alone)
      return costOfPlanes(sizes, blocks, rows);
    double staged = sizes.tileBytes * double(rows) / double(sizes.height);
    for (PackedConvOp conv : sizes.convs)
      if (conv.getInput().getDefiningOp<StageOp>()) {
        int64_t window = (conv.getWeight().getType().getDimSize(1) - 1) * conv.getDilations()[0] + 1;
        int64_t read = std::min((rows - 1) * conv.getStrides()[0] + window, dimOf(conv.getInput(), 2));
        staged += double(read) * dimOf(conv.getInput(), 3) * dimOf(conv.getInput(), 1) * 4;
      }
    // Weights of a block that stay in the cache are read once for all strips, and for many images.
    bool stay = sizes.weightBytes / blocks <= target.cacheBytes * 5 / 4;
    double weights = double(sizes.weightBytes) / blocks / (stay ? strips * (alone ? 1 : threads) : 1);
    double products = sizes.products / productsPerCycle, rest = (staged + weights) / bytesPerCycle + cyclesPerTask;
    double cost = double(sizes.together) * (products + tasks * rest);
    if (alone)
      cost += threads * llvm::divideCeil(sizes.together * tasks, threads) * (products * rows / sizes.height / blocks + rest);
    return cost;
  }

  /// The same of Winograd's algorithm in inference. Measured, of all cuts of the layers of VGG-16 and ResNet-18
  /// (sweep-cuts.py): products take 8/7 of what the multiply-adds do, but a byte of weights 1/12 cycle at least, a vector of
  /// tiles 14 cycles to read and transform, one of products 8; weights that do not stay in the cache beside the tiles 1/32
  /// cycle a byte (they are fetched ahead), and tiles and products that are more than three quarters of it 1/16.
  double costOfPlanes(const Sizes &sizes, int64_t blocks, int64_t rows) {
    double weights = double(sizes.weightBytes) / double(blocks), cache = double(target.cacheBytes);
    auto task = [&](int64_t rows) {
      double share = double(llvm::divideCeil(rows, sizes.rowsOfTile())) / double(sizes.tileRows);
      double tiles = sizes.tileBytes * share, products = sizes.productBytes * share / double(blocks), kept = tiles + products;
      return std::max(sizes.products / 28 * share / double(blocks), weights / 12) + tiles * 14 / 64 + products * 8 / 64 +
             (weights + kept > 1.9 * cache ? weights / 32 : 0) + std::max(0.0, kept - 0.75 * cache) / 16 + 2000;
    };
    // Threads take one task after the other; the last strip may be shorter.
    std::vector<double> busy(std::min<int64_t>(threads, blocks * llvm::divideCeil(sizes.height, rows)), 0.0);
    double all = 0;
    for (int64_t row = 0; row < sizes.height; row += rows)
      for (int64_t block = 0; block < blocks; ++block) {
        double cost = task(std::min(rows, sizes.height - row));
        *std::min_element(busy.begin(), busy.end()) += cost;
        all += cost;
      }
    return all + double(threads) * *std::max_element(busy.begin(), busy.end());
  }

  KernelOp kernel;
  const Target &target;
  bool inference;
  int64_t threads; // that one image alone should keep busy
  int64_t chains;
  llvm::function_ref<Value(Value)> outside;
};
} // namespace

int64_t bnc::chooseGrid(KernelOp kernel, const Target &target, bool inference, int64_t threads, int64_t chains,
                        llvm::function_ref<Value(Value)> outside) {
  return GridChoice(kernel, target, inference, threads, chains, outside).run();
}

std::string bnc::describeGrid(KernelOp kernel) {
  int64_t rows = kernel.getRows(), blocks = kernel.getBlocks(), chains = kernel.getChains();
  std::string text;
  auto add = [&](int64_t count, StringRef one, StringRef several) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + (count == 1 ? one : several).str();
  };
  if (kernel.getGrid() == Grid::Images)
    add(rows, "image a task", "images a task");
  else
    add(rows, "row a task", "rows a task");
  if (blocks > 1)
    add(blocks, "", "blocks of channels");
  if (kernel.getGrid() == Grid::Rows)
    add(blocks * kernel.strips(), "task an image", "tasks an image");
  if (chains)
    add(chains, "slice of the weight gradient", "slices of the weight gradient");
  return text;
}
