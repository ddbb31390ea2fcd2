//===- Interface.cpp - the arguments of a kernel ------------------------------===//

#include "compiler/Kernels/Interface.h"

#include "compiler/Kernels/Schedule.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace bnc;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

ImageShape ImageShape::of(Value value) {
  ArrayRef<int64_t> shape = typeOf(value).getShape();
  int64_t height = 1;
  for (int64_t size : shape.size() > 3 ? shape.drop_front(2).drop_back() : ArrayRef<int64_t>())
    height *= size; // rows of all planes, one below the other
  return {shape[1], height, shape.size() >= 3 ? shape.back() : 1};
}

bool bnc::isPerSample(Value value) {
  if (auto loss = value.getDefiningOp<LossOp>())
    return true;
  return isa<BlockArgument>(value) && typeOf(value).getRank() == 1 &&
         llvm::any_of(value.getUses(), [](OpOperand &use) {
           return isa<ApplyDropoutOp, LossGradientOp, LossOp>(use.getOwner()) && use.getOperandNumber() == 1;
         });
}

bool bnc::isFlat(StageOp stage) {
  auto conv = stage.getInput().getDefiningOp<PackedConvOp>();
  return conv && conv.getUnflatten();
}

/// Planes of transformed tiles that a stage keeps, 0 for every other one.
static int64_t winogradPlanes(StageOp stage) {
  auto input = stage.getInput().getDefiningOp<WinogradInputOp>();
  if (auto product = stage.getInput().getDefiningOp<WinogradProductOp>()) {
    ArrayRef<int64_t> weight = product.getWeight().getType().getShape();
    return weight[1] * weight[2];
  }
  return input ? (input.getTile() + 2) * (input.getTile() + 2) : 0;
}

bool bnc::isReadInPlace(StageOp stage, const KernelInterface &interface) {
  ArrayRef<int64_t> dilations = stage.getDilations();
  auto holds = [&](const KernelArgument &argument) {
    return argument.value == stage.getInput() && argument.layout.extents.size() == 4 && argument.layout.strides[0] == 1;
  };
  return isa<BlockArgument>(stage.getInput()) && dilations[0] == 1 && dilations[1] == 1 && llvm::any_of(interface.arguments, holds) &&
         llvm::all_of(stage->getUsers(), [](Operation *user) { return isa<WinogradInputOp>(user); });
}

int64_t bnc::stagedChannels(const Target &target, StageOp stage) {
  int64_t channels = ImageShape::of(stage).channels;
  // Convolutions broadcast one channel at a time; whoever reads vectors of channels needs whole ones.
  bool broadcast = llvm::all_of(stage->getUses(), [](OpOperand &use) {
    return (isa<PackedConvOp>(use.getOwner()) && use.getOperandNumber() == 0) ||
           (isa<WeightGradientOp>(use.getOwner()) && use.getOperandNumber() == 1);
  });
  return channels <= 4 && broadcast ? channels : target.storedChannels(channels);
}

StorageAttr bnc::storageOf(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return StorageAttr::get(value.getContext(), Space::Input, argument.getArgNumber(), 0);
  if (auto read = value.getDefiningOp<ReadOp>()) {
    auto variable = SymbolTable::lookupNearestSymbolFrom<VariableOp>(read, read.getVariableAttr());
    int64_t offset = variable->getAttrOfType<IntegerAttr>("bnc.offset").getInt();
    return StorageAttr::get(value.getContext(), Space::Variables, offset * 4, 0);
  }
  if (auto reshape = value.getDefiningOp<ReshapeOp>())
    return storageOf(reshape.getInput());
  auto result = cast<OpResult>(value);
  return cast<StorageAttr>(result.getOwner()->getAttrOfType<ArrayAttr>("storage")[result.getResultNumber()]);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

namespace {
/// The rows that are read where those of `range` are asked for: what lies outside is masked, after the row next to it was
/// read. A Func that is stored must have each of these rows, or the kernel would write beyond its buffer.
RowRange clamp(RowRange range, int64_t height) {
  range.begin = std::clamp<int64_t>(range.begin, 0, height - 1);
  range.end = std::clamp<int64_t>(range.end, range.begin + 1, height);
  return range;
}

int64_t floorDiv(int64_t a, int64_t b) { return llvm::divideFloorSigned(a, b); }

/// Rows of the input that windows at output rows `range` cover.
RowRange windowRows(RowRange range, int64_t stride, int64_t pad, int64_t kernel, int64_t dilation) {
  return {range.begin * stride - pad, (range.end - 1) * stride - pad + (kernel - 1) * dilation + 1};
}

/// Output rows whose windows may cover some input row of `range`: of each tap the one that stride and tap lead to, though
/// it may turn out to fall between two rows.
RowRange coveringRows(RowRange range, int64_t stride, int64_t pad, int64_t kernel, int64_t dilation) {
  return {floorDiv(range.begin + pad - (kernel - 1) * dilation, stride), floorDiv(range.end - 1 + pad, stride) + 1};
}

/// The y entry of a spatial attribute (1-d tensors have only x: a window of one row).
int64_t yOf(ArrayRef<int64_t> values, int64_t missing) { return values.size() < 2 ? missing : values[0]; }
int64_t yPad(ArrayRef<int64_t> pads) { return pads.size() == 4 ? pads[0] : 0; }

class RowAnalysis {
public:
  RowAnalysis(KernelOp kernel, int64_t height, int64_t strips, int64_t strip) : kernel(kernel), height(height), strips(strips), strip(strip) {}

  DenseMap<Value, RowRange> run() {
    Block &body = kernel.getBody().front();
    for (Value value : body.getTerminator()->getOperands())
      if (isActivation(value))
        need(value, owned(value));
    for (Operation &op : llvm::reverse(body.without_terminator()))
      propagate(&op);
    return ranges;
  }

  static bool isActivation(Value value) {
    Operation *op = value.getDefiningOp();
    if (op && isa<PartialMomentsOp, PartialSumsOp, WeightGradientOp, ConstantOp>(op))
      return false;
    return typeOf(value).getRank() >= 2 && !isPerSample(value);
  }

private:
  RowRange owned(Value value) { return owned(ImageShape::of(value).height); }

  /// The strip's share of `rows` rows.
  RowRange owned(int64_t rows) {
    if (strips == 1)
      return {0, rows};
    int64_t own = kernel.getRows() * rows / height;
    return {strip * own, std::min(rows, (strip + 1) * own)};
  }

  void need(Value value, RowRange range) {
    auto [found, inserted] = ranges.try_emplace(value, range);
    if (inserted || found->second.size() == 0)
      found->second = range;
    else if (range.size() != 0)
      found->second = {std::min(found->second.begin, range.begin), std::max(found->second.end, range.end)};
  }

  void needAll(Value value) { need(value, {0, ImageShape::of(value).height}); }
  void needClamped(Value value, RowRange range) { need(value, clamp(range, ImageShape::of(value).height)); }

  void propagate(Operation *op) {
    if (op->getNumResults() == 0)
      return;
    if (auto sums = dyn_cast<PartialSumsOp>(op)) {
      if (!sums.getCentre().empty())
        need(sums.getCentre()[0], owned(sums.getGradient()));
      return;
    }
    if (auto gradient = dyn_cast<WeightGradientOp>(op)) {
      RowRange range = owned(gradient.getOutputShape()[0]);
      int64_t pad = gradient.getGradientPads()[0], step = gradient.getGradientDilations()[0];
      needClamped(gradient.getGradient(), windowRows(range, step, -pad, 1, 1));
      needClamped(gradient.getInput(), windowRows(range, gradient.getStrides()[0], 0, gradient.getType().getDimSize(2), gradient.getDilations()[0]));
      return;
    }
    if (isa<LossGradientOp, LossOp>(op)) {
      for (Value operand : op->getOperands())
        if (isActivation(operand)) // outputs, and labels of their shape
          needAll(operand);
      return;
    }
    auto found = ranges.find(op->getResult(0));
    if (found == ranges.end())
      return;
    auto stage = dyn_cast<StageOp>(op);
    if (stage && stage.getInput().getDefiningOp<Col2ImOp>()) // columns are added up to the whole image
      found->second = {0, ImageShape::of(stage).height};
    auto output = stage ? stage.getInput().getDefiningOp<WinogradOutputOp>() : WinogradOutputOp();
    if (output) { // whole tiles
      int64_t tile = output.getTile();
      found->second = {floorDiv(found->second.begin, tile) * tile, int64_t(llvm::alignTo(found->second.end, tile))};
    }
    RowRange range = found->second;
    if (auto output = dyn_cast<WinogradOutputOp>(op)) {
      int64_t tile = output.getTile();
      need(output.getProduct(), {range.begin / tile, range.end / tile});
    } else if (auto product = dyn_cast<WinogradProductOp>(op)) {
      need(product.getInput(), range);
    } else if (auto input = dyn_cast<WinogradInputOp>(op)) {
      int64_t tile = input.getTile();
      need(input.getInput(), {range.begin * tile, range.end * tile + 2});
    } else if (auto slice = dyn_cast<SliceOp>(op); slice && slice.getStarts().size() == 4) {
      int64_t start = slice.getStarts()[2], step = slice.getSteps()[2];
      need(slice.getInput(), {range.begin * step + start, (range.end - 1) * step + start + 1});
    } else if (stage) {
      int64_t pad = stage.getPads()[0], dilation = stage.getDilations()[0];
      needClamped(stage.getInput(), {floorDiv(range.begin - pad, dilation), floorDiv(range.end - 1 - pad, dilation) + 1});
    } else if (auto conv = dyn_cast<PackedConvOp>(op)) {
      needClamped(conv.getInput(), windowRows(range, conv.getStrides()[0], 0, typeOf(conv.getWeight()).getDimSize(1), conv.getDilations()[0]));
    } else if (isa<AvgPoolOp, MaxPoolOp, MaxPoolTapOp, AvgPoolGradientOp, MaxPoolGradientOp, RouteToTapOp>(op)) {
      auto values = [&](StringRef name) { return op->getAttrOfType<DenseI64ArrayAttr>(name).asArrayRef(); };
      int64_t stride = yOf(values("strides"), 1), kernelSize = yOf(values("kernel"), 1), dilation = yOf(values("dilations"), 1), pad = yPad(values("pads"));
      if (isa<AvgPoolOp, MaxPoolOp, MaxPoolTapOp>(op))
        return needClamped(op->getOperand(0), windowRows(range, stride, pad, kernelSize, dilation));
      RowRange covering = clamp(coveringRows(range, stride, pad, kernelSize, dilation), ImageShape::of(op->getOperand(0)).height);
      need(op->getOperand(0), covering);
      if (isa<RouteToTapOp>(op))
        need(op->getOperand(1), covering);
      if (isa<MaxPoolGradientOp>(op)) {
        needClamped(op->getOperand(1), windowRows(covering, stride, pad, kernelSize, dilation));
        need(op->getOperand(1), range);
      }
    } else {
      for (Value operand : op->getOperands()) {
        if (!isActivation(operand) || typeOf(operand).getRank() < 2 || isCoefficients(op, operand))
          continue;
        bool sameRows = (isa<ElementwiseOpInterface>(op) || isa<CastOp, ConcatOp>(op)) && ImageShape::of(operand).height == ImageShape::of(op->getResult(0)).height;
        sameRows ? need(operand, range) : needAll(operand);
      }
    }
  }

  static bool isCoefficients(Operation *op, Value operand) {
    return (isa<AddBorderBiasOp, ApplyNormalizeOp>(op) && operand == op->getOperand(1)) ||
           (isa<ApplyNormalizeGradientOp>(op) && operand == op->getOperand(2));
  }

  KernelOp kernel;
  int64_t height, strips, strip; // height: of the results
  DenseMap<Value, RowRange> ranges;
};

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

/// Dimensions from the innermost: each stride is the product of the extents before it.
BufferLayout packedLayout(ArrayRef<int64_t> extents) {
  BufferLayout layout;
  int64_t stride = 1;
  for (int64_t extent : extents) {
    layout.extents.push_back(extent);
    layout.strides.push_back(stride);
    stride *= extent;
  }
  return layout;
}

/// An image that a task keeps for itself. A block of channels of pixels whole half kilobytes apart would share a part of the
/// first-level cache: such pixels lie a line further apart.
BufferLayout scratchLayout(int64_t channels, int64_t width, int64_t rows) {
  BufferLayout layout = packedLayout({channels % 128 == 0 ? channels + 16 : channels, width, rows, 1});
  layout.extents[0] = channels;
  return layout;
}

BufferLayout activationLayout(ImageShape shape, StorageAttr storage) {
  BufferLayout layout;
  if (storage.getChannels() > 0) {
    layout = packedLayout({storage.getPixelStride(), shape.width, shape.height, 1});
    layout.extents[0] = storage.getChannels();
  } else {
    int64_t plane = shape.width * shape.height;
    layout.extents = {shape.channels, shape.width, shape.height, 1};
    layout.strides = {plane, 1, shape.width, plane * shape.channels};
  }
  layout.rowDimension = 2;
  layout.imageDimension = 3;
  return layout;
}

/// The result that a tensor without a batch, a variable or a constant, broadcasts to; null if it is read otherwise.
Value broadcastResult(Value inside, Value outside) {
  if (isa<BlockArgument>(outside) || isa<ConcatOp, KernelOp>(outside.getDefiningOp()))
    return nullptr;
  for (Operation *user : inside.getUsers())
    if (isa<AddOp, DivOp, MaxOp, MinOp, UpdateAverageGradientOp, MulOp, SubOp>(user))
      return user->getResult(0);
  return nullptr;
}

/// (channel, x, y) of such a tensor, its shape aligned with the result's at the last dimension.
BufferLayout broadcastLayout(Value inside, Value result) {
  SmallVector<int64_t> shape(typeOf(inside).getShape());
  shape.insert(shape.begin(), typeOf(result).getRank() - shape.size(), 1);
  int64_t width = shape.size() > 2 ? shape.back() : 1, height = 1;
  for (size_t dim = 2; dim + 1 < shape.size(); ++dim)
    height *= shape[dim];
  BufferLayout layout;
  layout.extents = {shape[1], width, height};
  layout.strides = {width * height, 1, width};
  return layout;
}

/// Packed weights and biases per place, and the slices of a weight gradient.
bool isPacked(Value inside) {
  return inside.getDefiningOp<WeightGradientOp>() || llvm::any_of(inside.getUses(), [](OpOperand &use) {
           return isa<AddBorderBiasOp, PackedConvOp, WinogradProductOp>(use.getOwner()) && use.getOperandNumber() == 1;
         });
}

BufferLayout layoutOf(Value inside, Value outside, StorageAttr storage, const Target &target) {
  RankedTensorType type = typeOf(inside);
  BufferLayout layout;
  if (Value result = broadcastResult(inside, outside))
    return broadcastLayout(inside, result);
  if (isPerSample(inside)) {
    layout = packedLayout({1});
    layout.imageDimension = 0;
  } else if (type.getRank() == 1) {
    layout = packedLayout({target.storedChannels(type.getDimSize(0))});
  } else if (isPacked(inside)) {
    ArrayRef<int64_t> shape = type.getShape().take_back(5);
    layout = packedLayout({shape[4], shape[3], shape[2], shape[1], shape[0]});
    if (inside.getDefiningOp<WeightGradientOp>()) {
      layout.chainDimension = layout.extents.size();
      layout.extents.push_back(1);
      layout.strides.push_back(0);
    }
  } else if (type.getRank() == 2 && !ShapedType::isDynamic(type.getDimSize(0)) &&
             llvm::any_of(inside.getUsers(), [&](Operation *user) {
               return isa<ApplyNormalizeOp, ApplyNormalizeGradientOp, PartialSumsOp>(user) && user->getOperands().back() == inside &&
                      user->getNumOperands() > 1;
             })) {
    layout = packedLayout({target.storedChannels(type.getDimSize(1)), type.getDimSize(0)}); // coefficients
  } else {
    layout = activationLayout(ImageShape::of(inside), storage);
  }
  if (auto integer = dyn_cast<IntegerType>(type.getElementType())) {
    layout.typeCode = integer.isUnsigned() ? 1 : 0;
    layout.typeBits = integer.getWidth();
  }
  return layout;
}

/// Leaves one of `blocks` blocks of the channels: where they lie depends on what the buffer holds.
void cutChannels(KernelArgument &argument, int64_t blocks, const Target &target) {
  BufferLayout &layout = argument.layout;
  Value value = argument.value;
  int64_t dimension = value.getDefiningOp<WeightGradientOp>() ? 1 : isPacked(value) ? 4 : 0;
  int64_t &extent = layout.extents[dimension];
  if (dimension == 0 && extent != target.storedChannels(extent)) { // the file's layout, without padded channels
    layout.raggedExtent = extent;
    extent = target.storedChannels(extent);
  }
  extent /= blocks;
  argument.blockStride = extent * layout.strides[dimension] * layout.typeBits / 8;
}
} // namespace

SmallVector<int64_t> KernelInterface::pixelsOfStrip(Value value) const {
  SmallVector<int64_t> pixels;
  auto found = ranges.find(value);
  for (RowRange range : found->second)
    pixels.push_back(range.size() * ImageShape::of(value).width);
  return pixels;
}

/// True for a pool whose windows lie side by side and each in one tile of `tile` by `tile` pixels.
static bool poolsInTiles(Operation *op, int64_t tile) {
  if (!isa<AvgPoolOp, MaxPoolOp>(op))
    return false;
  ArrayRef<int64_t> in = typeOf(op->getOperand(0)).getShape(), out = typeOf(op->getResult(0)).getShape();
  auto values = [&](StringRef name) { return op->getAttrOfType<DenseI64ArrayAttr>(name).asArrayRef(); };
  ArrayRef<int64_t> kernel = values("kernel");
  return kernel.size() == 2 && kernel == values("strides") && kernel[0] == kernel[1] && tile % kernel[0] == 0 &&
         llvm::all_of(values("pads"), [](int64_t pad) { return pad == 0; }) &&
         llvm::all_of(values("dilations"), [](int64_t dilation) { return dilation == 1; }) && in[2] == out[2] * kernel[0] &&
         in[3] == out[3] * kernel[0];
}

/// The result that elementwise ops, and a pool within tiles, make of an image in Winograd's algorithm and of nothing else, if
/// it is stored vector by vector: what the image's tiles become is written there, and they are not stored themselves.
static Value resultOfTiles(KernelOp kernel, StageOp image) {
  auto output = image.getInput().getDefiningOp<WinogradOutputOp>();
  if (!output)
    return nullptr;
  Value value = image;
  ArrayRef<int64_t> shape = typeOf(image).getShape();
  while (value.hasOneUse() && typeOf(value).getShape() == shape) {
    OpOperand &use = *value.use_begin();
    if (isa<YieldOp>(use.getOwner()))
      return storageOf(kernel.getResult(use.getOperandNumber())).getChannels() > 0 ? value : nullptr;
    if (shape == typeOf(image).getShape() && poolsInTiles(use.getOwner(), output.getTile()))
      shape = typeOf(use.getOwner()->getResult(0)).getShape();
    else if (!isa<ElementwiseOpInterface>(use.getOwner()))
      return nullptr;
    value = use.getOwner()->getResult(0);
  }
  return nullptr;
}

KernelInterface bnc::describeKernel(KernelOp kernel, const Target &target) {
  KernelInterface interface;
  Block &body = kernel.getBody().front();
  auto yield = cast<YieldOp>(body.getTerminator());

  int64_t height = kernel.height();
  interface.strips = kernel.strips();
  for (int64_t strip = 0; strip < interface.strips; ++strip)
    for (auto &[value, range] : RowAnalysis(kernel, height, interface.strips, strip).run())
      interface.ranges[value].push_back(range);

  llvm::DenseSet<Value> cut;
  if (kernel.getBlocks() > 1)
    cut = *kernel.cutValues();
  auto add = [&](KernelArgument argument) {
    if (argument.role != KernelArgument::Scratch && cut.contains(argument.value))
      cutChannels(argument, kernel.getBlocks(), target);
    if (argument.layout.rowDimension >= 0) {
      argument.rows = interface.ranges.lookup(argument.value);
      bool equal = !argument.rows.empty() &&
                   llvm::all_of(argument.rows, [&](RowRange range) { return range.size() == argument.rows[0].size(); });
      argument.layout.rows = equal ? argument.rows[0].size() : 0;
    }
    interface.arguments.push_back(std::move(argument));
  };
  bool needsScalars = false;
  body.walk([&](Operation *op) { needsScalars |= isa<LossGradientOp, UpdateAverageGradientOp>(op); });
  for (BlockArgument argument : body.getArguments()) {
    Value outside = kernel.getInputs()[argument.getArgNumber()];
    add({KernelArgument::Input, argument, argument.getArgNumber(), 0, layoutOf(argument, outside, storageOf(outside), target)});
  }
  if (needsScalars)
    add({KernelArgument::Scalars, Value(), 0, 0, packedLayout({8})});

  for (StageOp stage : body.getOps<StageOp>()) {
    if (isReadInPlace(stage, interface))
      continue;
    // Of two images that a result is made of, the other one is stored.
    if (Value result = resultOfTiles(kernel, stage); result && interface.images.try_emplace(result, stage).second)
      continue;
    ImageShape shape = ImageShape::of(stage);
    int64_t channels = stagedChannels(target, stage) / (cut.contains(stage) ? kernel.getBlocks() : 1);
    int64_t rows = 0;
    for (RowRange range : interface.ranges.lookup(stage))
      rows = std::max(rows, range.size());
    KernelArgument argument{KernelArgument::Scratch, stage, 0, 0, {}};
    int64_t planes = winogradPlanes(stage);
    if (isFlat(stage))
      argument.layout = packedLayout({channels * shape.width * shape.height, 1, 1, 1});
    else if (planes > 0)
      argument.layout = packedLayout({channels, shape.width / planes, planes, rows, 1});
    else
      argument.layout = scratchLayout(channels, shape.width, rows);
    argument.layout.imageDimension = argument.layout.extents.size() - 1;
    argument.layout.rowDimension = isFlat(stage) ? -1 : argument.layout.imageDimension - 1;
    argument.imageMultiple = kernel.getGrid() == Grid::Images ? imageMultiple(kernel, target) : 1;
    int64_t images = kernel.getGrid() == Grid::Images ? llvm::alignTo(kernel.getRows(), argument.imageMultiple) : 1;
    argument.scratchOffset = interface.scratchBytes;
    interface.scratchBytes += llvm::alignTo(argument.layout.strides.back() * images * 4, 64);
    add(argument);
  }
  for (auto [index, value] : llvm::enumerate(yield.getValues())) {
    StorageAttr storage = storageOf(kernel.getResult(index));
    Operation *producer = value.getDefiningOp();
    if (producer && isa<PartialMomentsOp, PartialSumsOp>(producer)) {
      for (int64_t term = 0; term < typeOf(value).getDimSize(1); ++term)
        add({KernelArgument::Result, value, unsigned(index), term, packedLayout({storage.getChannels()})});
      continue;
    }
    add({KernelArgument::Result, value, unsigned(index), 0, layoutOf(value, kernel.getResult(index), storage, target)});
  }
  return interface;
}
