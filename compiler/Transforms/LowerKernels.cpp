//===- LowerKernels.cpp - grids, tiles and layouts ---------------------------===//
//
// Every anchor becomes one of two things: a packed convolution over an input that has its border, or a weight gradient
// summed into slices. A dense layer is a convolution whose kernel covers the whole image; the gradient with respect to
// a convolution's input is a convolution of the dilated, padded gradient with the flipped weights.
//
// All choices follow from shapes and target: what a task covers never depends on the number of threads.
//
//===----------------------------------------------------------------------===//

#include "compiler/Support/Target.h"
#include "compiler/Transforms/ConvolutionCost.h"
#include "compiler/Transforms/KernelGrid.h"
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/WeightView.h"

#include "llvm/ADT/SetVector.h"

#include <numeric>

using namespace mlir;
using namespace bnc;

namespace bnc {
#define GEN_PASS_DEF_LOWERKERNELSPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

namespace {
constexpr int64_t kMaxChains = 16;      // slices of a weight gradient: threads beyond this many do not help
constexpr int64_t kSliceBytes = 4 << 20; // all slices of one weight gradient together

/// {y, x} of an attribute with one entry per spatial dimension.
SmallVector<int64_t> plane(ArrayRef<int64_t> values, int64_t missing) {
  SmallVector<int64_t> result(values);
  if (result.size() == 1)
    result.insert(result.begin(), missing);
  return result;
}

/// {before y, before x, after y, after x}.
SmallVector<int64_t> borders(ArrayRef<int64_t> pads) {
  if (pads.size() == 2)
    return {0, pads[0], 0, pads[1]};
  return SmallVector<int64_t>(pads);
}

/// Output channels of one block of packed weights: what one register tile computes.
int64_t outputBlock(const Target &target, int64_t stored) {
  int64_t lanes = stored % target.lanes == 0 ? target.lanes : 8, vectors = stored / lanes;
  int64_t most = target.registers >= 32 ? 4 : 2;
  while (vectors % most != 0)
    --most;
  return most * lanes;
}

/// Variables are at hand when the inference graph is folded, not when it runs: what runs reads a copy.
Value keepVariable(OpBuilder &builder, Value value) {
  Value source = value;
  while (auto reshape = source.getDefiningOp<ReshapeOp>()) // the same memory
    source = reshape.getInput();
  if (!source.getDefiningOp<ReadOp>())
    return value;
  return PackOp::create(builder, value.getLoc(), value.getType(), value, ArrayRef<int64_t>{}, ArrayRef<int64_t>{}, false, false, 1,
                        nullptr, 0, 0, nullptr);
}

/// Sums of a training step are cut along with its work: the same for everyone.
constexpr int64_t kTrainingThreads = 8;

class KernelLowering {
public:
  KernelLowering(KernelOp kernel, const Target &target, bool inference, bool direct, int64_t threads, ConvolutionAlgorithm algorithm)
      : kernel(kernel), target(target), inference(inference), direct(direct), threads(threads), algorithm(algorithm), builder(kernel), outside(kernel) {}

  LogicalResult run() {
    Block &body = kernel.getBody().front();
    for (auto [argument, input] : llvm::zip(body.getArguments(), kernel.getInputs()))
      outer[argument] = input;
    countChains();
    for (Operation &op : llvm::make_early_inc_range(body)) {
      builder.setInsertionPoint(&op);
      if (failed(lower(&op)))
        return failure();
    }
    readStagedSums();
    removeDead();
    chains = chooseGrid(kernel, target, inference, threads, chains, [&](Value argument) { return outer.lookup(argument); });
    for (auto &[location, choice] : choices)
      emitRemark(location) << choice << describeGrid(kernel);
    stageResults();
    rebuild();
    return success();
  }

private:
  /// A kernel hands out its tasks in chains, and each of its weight gradients has a slice for every one of them.
  void countChains() {
    chains = kMaxChains;
    for (Operation &op : kernel.getBody().front())
      if (isa<ConvWeightGradientOp, DenseWeightGradientOp>(op)) {
        int64_t outputs = dimOf(op.getOperand(0), 1), stored = target.storedChannels(outputs);
        int64_t bytes = cast<RankedTensorType>(op.getResult(0).getType()).getNumElements() / outputs * stored * 4;
        chains = std::clamp(kSliceBytes / bytes, int64_t(2), chains);
      }
  }

  LogicalResult lower(Operation *op) {
    if (isa<ConvOp, DenseOp, ConvInputGradientOp, ConvWeightGradientOp, DenseWeightGradientOp>(op))
      for (Value operand : op->getOperands())
        if (int64_t rank = shapeOf(operand).size(); rank > 4)
          return op->emitOpError("has an operand of rank ") << rank << "; kernels exist for up to 2 spatial dimensions";
    if (auto conv = dyn_cast<ConvOp>(op))
      lower(conv);
    else if (auto add = dyn_cast<AddBorderBiasOp>(op))
      lower(add);
    else if (auto dense = dyn_cast<DenseOp>(op))
      return lower(dense);
    else if (auto gradient = dyn_cast<ConvInputGradientOp>(op))
      lower(gradient);
    else if (auto gradient = dyn_cast<ConvWeightGradientOp>(op)) {
      SmallVector<int64_t> window = plane(gradient.getKernel(), 1), strides = plane(gradient.getStrides(), 1),
                           dilations = plane(gradient.getDilations(), 1);
      int64_t groups = gradient.getGroups(), outputs = dimOf(gradient.getGradient(), 1);
      ConvolutionShape shape{{outputs, dimOf(gradient.getInput(), 1) / groups, window[0], window[1]}, groups, strides, dilations,
                             /*backward=*/true, planeOf(gradient.getInput()), planeOf(gradient.getGradient())};
      choices.emplace_back(op->getLoc(), "weight gradient of " + shape.describe() + ": ");
      lowerWeightGradient(op, gradient.getGradient(), gradient.getInput(), window, strides, dilations, borders(gradient.getPads()), groups, false);
      return success(); // `op` is gone
    } else if (auto gradient = dyn_cast<DenseWeightGradientOp>(op)) {
      if (shapeOf(gradient.getInput()).size() != 2)
        return op->emitOpError("has an input of rank ") << shapeOf(gradient.getInput()).size() << "; kernels exist for (N, C)";
      Value input = unflattened(gradient.getInput());
      lowerWeightGradient(op, gradient.getGradient(), input, {dimOf(input, 2), dimOf(input, 3)}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, gradient.getTransposed());
      return success();
    } else if (isa<LossGradientOp, LossOp, SoftmaxOp, LogSoftmaxOp>(op)) {
      stageOperand(op, 0); // each element is read for many of the result
    } else if (isa<ReduceMaxOp, ReduceMeanOp, ReduceSumOp>(op) && !isa_and_nonnull<ElementwiseOpInterface>(op->getOperand(0).getDefiningOp())) {
      stageOperand(op, 0); // whose sums it would have inside its own
    }
    if (auto gradient = dyn_cast<ActivationGradientOp>(op); gradient && gradient.getActivation() == "sigmoid")
      shareSigmoid(gradient);
    if (auto gradient = dyn_cast<MaxPoolGradientOp>(op)) {
      // The winner is found by comparing: every comparison has to see the same bits of an element.
      stageOperand(op, 1);
      if (gradient.getKernel() != gradient.getStrides())
        routeToTaps(gradient);
    } else if (isa<AvgPoolOp, MaxPoolOp>(op) && op->getAttrOfType<DenseI64ArrayAttr>("kernel") != op->getAttrOfType<DenseI64ArrayAttr>("strides")) {
      stageOperand(op, 0); // windows overlap
    }
    return success();
  }

  /// Windows that overlap cover an element more than once: each window's winner is found once, before.
  void routeToTaps(MaxPoolGradientOp op) {
    stageOperand(op, 0);
    auto type = cast<RankedTensorType>(op.getGradient().getType());
    Value tap = MaxPoolTapOp::create(builder, op.getLoc(), type, op.getInput(), op.getKernel(), op.getStrides(),
                                     op.getPads(), op.getDilations());
    tap = stage(tap, {0, 0, 0, 0}, {1, 1});
    op.replaceAllUsesWith(RouteToTapOp::create(builder, op.getLoc(), op.getType(), op.getGradient(), tap, op.getKernel(),
                                               op.getStrides(), op.getPads(), op.getDilations())
                              .getResult());
  }

  /// Where the kernel needs the sigmoid too, it is computed once: its derivative is s * (1 - s).
  void shareSigmoid(ActivationGradientOp op) {
    for (Operation *user : op.getInput().getUsers()) {
      auto sigmoid = dyn_cast<SigmoidOp>(user);
      if (!sigmoid || !sigmoid->isBeforeInBlock(op))
        continue;
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointAfter(sigmoid);
      Value once = StageOp::create(builder, sigmoid.getLoc(), sigmoid.getType(), sigmoid, ArrayRef<int64_t>{0, 0, 0, 0}, ArrayRef<int64_t>{1, 1});
      sigmoid.getResult().replaceAllUsesExcept(once, once.getDefiningOp());
      builder.setInsertionPoint(op);
      auto type = cast<RankedTensorType>(op.getType());
      auto scalar = RankedTensorType::get({}, type.getElementType());
      Value one = ConstantOp::create(builder, op.getLoc(), scalar, DenseElementsAttr::get(scalar, builder.getFloatAttr(type.getElementType(), 1.0)));
      Value slope = MulOp::create(builder, op.getLoc(), type, once, SubOp::create(builder, op.getLoc(), type, one, once));
      op.replaceAllUsesWith(MulOp::create(builder, op.getLoc(), type, op.getGradient(), slope).getResult());
      return;
    }
  }

  /// True if scratch holds the operand as it is.
  static bool isPlain(StageOp op) {
    return llvm::all_of(op.getPads(), [](int64_t pad) { return pad == 0; }) && llvm::all_of(op.getDilations(), [](int64_t dilation) { return dilation == 1; });
  }

  /// A sum that is formed again (bnc-recompute) and goes through a ReLU into scratch is formed once: what is there is
  /// positive where the sum is.
  void readStagedSums() {
    for (auto gradient : kernel.getBody().getOps<ActivationGradientOp>()) {
      auto sum = gradient.getInput().getDefiningOp<AddOp>();
      if (!sum || gradient.getActivation() != "relu")
        continue;
      for (Operation *relu : sum->getUsers())
        if (isa<ReluOp>(relu))
          for (Operation *user : relu->getUsers())
            if (auto staged = dyn_cast<StageOp>(user); staged && isPlain(staged) && staged->isBeforeInBlock(gradient))
              gradient.getInputMutable().assign(staged);
    }
  }

  /// Has an operand in memory that would be computed again for each element that reads it.
  void stageOperand(Operation *op, unsigned index) {
    Operation *producer = op->getOperand(index).getDefiningOp();
    if (producer && !isa<StageOp>(producer))
      op->setOperand(index, stage(op->getOperand(index), {0, 0, 0, 0}, {1, 1}));
  }

  Value outerOf(Value value) { return value ? outer.lookup(value) : Value(); }

  /// What a flattened value was before, if the flattening is inside the kernel; else the value.
  static Value unflattened(Value value) {
    auto reshape = value.getDefiningOp<ReshapeOp>();
    if (reshape && shapeOf(value).size() == 2 && shapeOf(reshape.getInput()).size() == 4)
      return reshape.getInput();
    return value;
  }

  void lower(ConvOp op) {
    WeightView weight = WeightView::ofImage(outerOf(op.getWeight()));
    Value input = op.getInput();
    SmallVector<int64_t> pads = borders(op.getPads());
    ConvolutionShape shape{weight.shape, int64_t(op.getGroups()), plane(op.getStrides(), 1), plane(op.getDilations(), 1),
                           /*backward=*/false, planeOf(input), planeOf(op.getResult())};
    if (int64_t tile = winogradTile(choose(op, shape)))
      return lowerToWinograd(op, input, weight, /*backward=*/false, op.getBias(), pads, tile);
    if (input.getDefiningOp() || llvm::any_of(pads, [](int64_t pad) { return pad != 0; }))
      input = stage(input, pads, {1, 1});
    Value packed = pack(op, weight, /*backward=*/false, op.getGroups(), {}, 0);
    replace(op, input, packed, op.getBias(), plane(op.getStrides(), 1), plane(op.getDilations(), 1), op.getGroups(),
            op.getType(), false);
  }

  /// A bias per place is packed as a weight with a tap for each place.
  void lower(AddBorderBiasOp op) {
    WeightView bias = WeightView::of(outerOf(op.getBias()));
    bias.insertDim(1);
    bias.toImage();
    op.getBiasMutable().assign(pack(op, bias, /*backward=*/false, 1, {}, 0));
  }

  LogicalResult lower(DenseOp op) {
    if (shapeOf(op.getInput()).size() != 2)
      return op.emitOpError("has an input of rank ") << shapeOf(op.getInput()).size() << "; kernels exist for (N, C)";
    WeightView weight = WeightView::of(outerOf(op.getWeight()));
    if (op.getTransposed())
      weight.transpose({1, 0});
    Value input = unflattened(op.getInput());
    // A result that is a flattened image is written as the image.
    auto reshape = op->hasOneUse() ? dyn_cast<ReshapeOp>(*op->getUsers().begin()) : ReshapeOp();
    bool unflatten = reshape && shapeOf(reshape.getResult()).size() == 4 && input == op.getInput();
    WeightView shaped = weight;
    if (!shaped.reshape({weight.shape[0], dimOf(input, 1), dimOf(input, 2), dimOf(input, 3)})) {
      input = op.getInput();
      shaped = weight;
      (void)shaped.reshape({weight.shape[0], weight.shape[1], 1, 1});
    }
    if (input.getDefiningOp())
      input = stage(input, {0, 0, 0, 0}, {1, 1});
    SmallVector<int64_t> image;
    int64_t channels = 0;
    if (unflatten) {
      image.assign(shapeOf(reshape.getResult()).begin() + 1, shapeOf(reshape.getResult()).end());
      channels = target.storedChannels(image[0]);
    }
    Value packed = pack(op, shaped, /*backward=*/false, 1, image, channels);
    Operation *replaced = unflatten ? reshape.getOperation() : op.getOperation();
    builder.setInsertionPoint(replaced);
    replace(replaced, input, packed, op.getBias(), {1, 1}, {1, 1}, 1, replaced->getResult(0).getType(), unflatten);
    return success();
  }

  void lower(ConvInputGradientOp op) {
    WeightView weight = WeightView::ofImage(outerOf(op.getWeight()));
    SmallVector<int64_t> strides = plane(op.getStrides(), 1), dilations = plane(op.getDilations(), 1),
                         pads = borders(op.getPads()), stagePads(4);
    for (int64_t i = 0; i < 2; ++i) {
      int64_t reach = (weight.shape[2 + i] - 1) * dilations[i];
      int64_t dilated = (dimOf(op.getGradient(), 2 + i) - 1) * strides[i] + 1;
      stagePads[i] = reach - pads[i];
      stagePads[2 + i] = dimOf(op.getResult(), 2 + i) + reach - stagePads[i] - dilated;
    }
    ConvolutionShape shape{weight.shape, int64_t(op.getGroups()), strides, dilations, /*backward=*/true,
                           planeOf(op.getResult()), planeOf(op.getGradient())};
    ConvolutionAlgorithm chosen = choose(op, shape);
    if (chosen == ConvolutionAlgorithm::Columns)
      return lowerByColumns(op, weight, strides, dilations, pads);
    if (shape.leavesOut() && llvm::all_of(pads, [](int64_t pad) { return pad == 0; }))
      return lowerBySpreading(op, weight);
    if (int64_t tile = winogradTile(chosen))
      return lowerToWinograd(op, op.getGradient(), weight, /*backward=*/true, Value(), stagePads, tile);
    Value input = stage(op.getGradient(), stagePads, strides);
    Value packed = pack(op, weight, /*backward=*/true, op.getGroups(), {}, 0);
    replace(op, input, packed, Value(), {1, 1}, dilations, op.getGroups(), op.getType(), false);
  }

  static Plane planeOf(Value value) { return {dimOf(value, 2), dimOf(value, 3)}; }

  /// The algorithm for `op`; says so when the kernel's grid is known.
  ConvolutionAlgorithm choose(Operation *op, const ConvolutionShape &shape) {
    // Tiles of 4 round too much for gradients: they would be farther from exact than PyTorch's float32 ones.
    SmallVector<ConvolutionCost> costs = convolutionCosts(target, shape, /*alone=*/inference, direct ? 0 : inference ? 4 : 2);
    ConvolutionCost chosen = chooseAlgorithm(costs, algorithm);
    choices.emplace_back(op->getLoc(), (shape.backward ? "input gradient of " : "") + shape.describe() + ": " + describeChoice(costs, chosen) + "; ");
    return chosen.algorithm;
  }

  /// A 3x3 convolution of step 1 over tiles of `tile` by `tile` outputs; `pads` is the border of its input.
  void lowerToWinograd(Operation *op, Value input, const WeightView &weight, bool backward, Value bias,
                       SmallVector<int64_t> pads, int64_t tile) {
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    int64_t batch = shapeOf(input)[0], channels = dimOf(input, 1), outputs = dimOf(op->getResult(0), 1), size = tile + 2;
    SmallVector<int64_t> extent{dimOf(op->getResult(0), 2), dimOf(op->getResult(0), 3)}, tiles(2), whole(2);
    for (int64_t i = 0; i < 2; ++i) {
      tiles[i] = llvm::divideCeil(extent[i], tile);
      whole[i] = tiles[i] * tile;
      pads[2 + i] = whole[i] + 2 - pads[i] - dimOf(input, 2 + i); // up to the end of the last tile
    }
    auto typeOf = [&](ArrayRef<int64_t> shape) { return RankedTensorType::get(shape, type.getElementType()); };
    auto stored = [&](Value value) { return stage(value, {0, 0, 0, 0}, {1, 1}); };
    int64_t block = outputBlock(target, target.storedChannels(outputs));
    auto packedType = typeOf({target.storedChannels(outputs) / block, size, size, channels, block});
    Value packed = addInput(PackOp::create(outside, op->getLoc(), packedType, weight.base, weight.shape, weight.strides, backward,
                                           /*columns=*/false, 1, nullptr, 0, tile, nullptr));
    Value planes = stored(WinogradInputOp::create(builder, op->getLoc(), typeOf({batch, channels, tiles[0], size * size * tiles[1]}),
                                                  stage(input, pads, {1, 1}), tile));
    Value product = stored(WinogradProductOp::create(
        builder, op->getLoc(), typeOf({batch, outputs, tiles[0], size * size * tiles[1]}), planes, packed));
    Value image = stored(WinogradOutputOp::create(builder, op->getLoc(), typeOf({batch, outputs, whole[0], whole[1]}), product,
                                                  bias, tile));
    replaceByPart(op, image, {0, 0});
  }

  /// Puts the pixels of `image` from `start` (y, x) on, as many as the result of `op` has, in its place.
  void replaceByPart(Operation *op, Value image, ArrayRef<int64_t> start) {
    Value result = op->getResult(0);
    SmallVector<int64_t> shape{shapeOf(image)[0], dimOf(image, 1), dimOf(result, 2), dimOf(result, 3)}, sizes(shape);
    if (ShapedType::isDynamic(shape[0]))
      sizes[0] = -1;
    auto element = cast<RankedTensorType>(result.getType()).getElementType();
    if (ArrayRef<int64_t>(shape) != shapeOf(image))
      image = SliceOp::create(builder, op->getLoc(), RankedTensorType::get(shape, element), image,
                              ArrayRef<int64_t>{0, 0, start[0], start[1]}, sizes, ArrayRef<int64_t>{1, 1, 1, 1});
    if (image.getType() != result.getType())
      image = ReshapeOp::create(builder, op->getLoc(), result.getType(), image);
    result.replaceAllUsesWith(image);
  }

  /// A window of one pixel: the product of the pixels that it met, put between zeros as averages of one pixel are.
  void lowerBySpreading(ConvInputGradientOp op, const WeightView &weight) {
    Value gradient = op.getGradient(), packed = pack(op, weight, /*backward=*/true, op.getGroups(), {}, 0);
    SmallVector<int64_t> shape(shapeOf(gradient)), zeros(2 * op.getStrides().size(), 0), ones(op.getStrides().size(), 1);
    shape[1] = dimOf(op.getResult(), 1);
    auto type = RankedTensorType::get(shape, cast<RankedTensorType>(op.getType()).getElementType());
    Value product = PackedConvOp::create(builder, op.getLoc(), type, stage(gradient, {0, 0, 0, 0}, {1, 1}), packed, Value(),
                                         ArrayRef<int64_t>{1, 1}, ArrayRef<int64_t>{1, 1}, op.getGroups(), false);
    Value spread = AvgPoolGradientOp::create(builder, op.getLoc(), op.getType(), product, op.getInputShape(), ones, op.getStrides(), zeros,
                                             ones, /*count_include_pad=*/true);
    op.getResult().replaceAllUsesWith(spread);
  }

  void lowerByColumns(ConvInputGradientOp op, const WeightView &weight, ArrayRef<int64_t> strides, ArrayRef<int64_t> dilations, ArrayRef<int64_t> pads) {
    Value gradient = op.getGradient();
    Columns columns = Columns::of(target, weight.shape, dimOf(gradient, 3));
    auto element = Float32Type::get(kernel.getContext());
    auto packedType = RankedTensorType::get({columns.blocks, 1, 1, weight.shape[0], columns.block}, element);
    Value packed = addInput(PackOp::create(outside, op.getLoc(), packedType, weight.base, weight.shape, weight.strides,
                                           /*backward=*/false, /*columns=*/true, 1, nullptr, columns.channels, 0, nullptr));
    int64_t batch = shapeOf(gradient)[0];
    auto productType = RankedTensorType::get({batch, columns.blocks * columns.block, dimOf(gradient, 2), dimOf(gradient, 3)}, element);
    Value product = PackedConvOp::create(builder, op.getLoc(), productType, stage(gradient, {0, 0, 0, 0}, {1, 1}), packed, Value(),
                                         ArrayRef<int64_t>{1, 1}, ArrayRef<int64_t>{1, 1}, 1, false);
    // The whole of what the windows cover, border included; then without the border.
    SmallVector<int64_t> shape{batch, weight.shape[1], 0, 0};
    for (int64_t i = 0; i < 2; ++i) {
      int64_t covered = (dimOf(gradient, 2 + i) - 1) * strides[i] + (weight.shape[2 + i] - 1) * dilations[i] + 1;
      shape[2 + i] = std::max(covered, pads[i] + dimOf(op.getResult(), 2 + i));
    }
    Value image = Col2ImOp::create(builder, op.getLoc(), RankedTensorType::get(shape, element), product,
                                   ArrayRef<int64_t>{weight.shape[2], weight.shape[3]}, strides, dilations, columns.channels,
                                   columns.block, columns.pixels);
    image = stage(image, {0, 0, 0, 0}, {1, 1});
    replaceByPart(op, image, pads);
  }

  void lowerWeightGradient(Operation *op, Value gradient, Value input, SmallVector<int64_t> window, SmallVector<int64_t> strides,
                           SmallVector<int64_t> dilations, SmallVector<int64_t> pads, int64_t groups, bool transposed) {
    int64_t outputs = dimOf(gradient, 1), channels = dimOf(input, 1) / groups;
    SmallVector<int64_t> outputShape{dimOf(gradient, 2), dimOf(gradient, 3)};
    SmallVector<int64_t> gradientPads{0, 0}, gradientDilations{1, 1};
    // The input gradient of the same convolution has staged this gradient already.
    StageOp shared;
    for (Operation *user : gradient.getUsers())
      if (auto stage = dyn_cast<StageOp>(user);
          stage && llvm::all_of(stage.getPads(), [](int64_t pad) { return pad >= 0; })) // else it is cut off at the border
        shared = stage;
    if (shared && shared->isBeforeInBlock(op)) {
      gradientPads.assign(shared.getPads().begin(), shared.getPads().begin() + 2);
      gradientDilations.assign(shared.getDilations().begin(), shared.getDilations().end());
      gradient = shared;
    } else if (gradient.getDefiningOp() || isBoundary(gradient)) {
      gradient = stage(gradient, {0, 0, 0, 0}, {1, 1});
    }
    if (input.getDefiningOp() || llvm::any_of(pads, [](int64_t pad) { return pad != 0; }))
      input = stage(input, pads, {1, 1});

    int64_t stored = target.storedChannels(outputs), block = groups == 1 ? outputBlock(target, stored) : stored;
    auto element = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
    auto slices = RankedTensorType::get({chains, stored / block, window[0], window[1], channels, block}, element);
    auto lowered = WeightGradientOp::create(builder, op->getLoc(), slices, gradient, input, outputShape, gradientPads,
                                            gradientDilations, strides, dilations, groups);
    // Where the gradient's elements lie: (K, C, KH, KW) dense, or a matrix of the flattened input transposed.
    SmallVector<int64_t> shape{outputs, channels, window[0], window[1]}, result(4, 1);
    for (int64_t i = 3; i-- > 0;)
      result[i] = result[i + 1] * shape[i + 1];
    if (transposed)
      for (auto [dim, stride] : llvm::enumerate(result))
        stride = dim == 0 ? 1 : stride * outputs;
    mergedShapes[lowered] = {shape, result};
    op->getResult(0).setType(slices);
    op->getResult(0).replaceAllUsesWith(lowered);
    op->erase();
  }

  /// Graph inputs have the file's layout; what reads them vector by vector stages them first.
  bool isBoundary(Value value) {
    Value input = outer.lookup(value);
    return input && isa<BlockArgument>(input);
  }

  Value stage(Value value, ArrayRef<int64_t> pads, ArrayRef<int64_t> dilations) {
    auto extent = [&](int64_t i) {
      return (dimOf(value, 2 + i) - 1) * dilations[i] + 1 + pads[i] + pads[2 + i];
    };
    auto type = cast<RankedTensorType>(value.getType());
    if (extent(0) != dimOf(value, 2) || extent(1) != dimOf(value, 3))
      type = RankedTensorType::get({shapeOf(value)[0], shapeOf(value)[1], extent(0), extent(1)}, type.getElementType());
    for (Operation *user : value.getUsers())
      if (auto other = dyn_cast<StageOp>(user);
          other && other.getPads() == pads && other.getDilations() == dilations && other->isBeforeInBlock(&*builder.getInsertionPoint()))
        return other;
    return StageOp::create(builder, value.getLoc(), type, value, pads, dilations);
  }

  Value pack(Operation *anchor, const WeightView &weight, bool backward, int64_t groups, ArrayRef<int64_t> unflatten,
             int64_t channels) {
    int64_t outputs = backward ? weight.shape[1] * groups : weight.shape[0];
    int64_t inputs = backward ? weight.shape[0] / groups : weight.shape[1];
    int64_t stored = unflatten.empty() ? target.storedChannels(outputs) : unflatten[1] * unflatten[2] * channels;
    int64_t block = groups == 1 ? outputBlock(target, unflatten.empty() ? stored : channels) : stored;
    auto type = RankedTensorType::get({stored / block, weight.shape[2], weight.shape[3], inputs, block}, Float32Type::get(kernel.getContext()));
    auto pack = PackOp::create(outside, anchor->getLoc(), type, weight.base, weight.shape, weight.strides, backward, /*columns=*/false, groups,
                               unflatten.empty() ? nullptr : outside.getDenseI64ArrayAttr(unflatten), channels, 0, nullptr);
    return addInput(pack);
  }

  Value addInput(Value value) {
    for (auto [argument, input] : outer)
      if (input == value)
        return argument;
    Value argument = kernel.getBody().addArgument(value.getType(), value.getLoc());
    outer[argument] = value;
    return argument;
  }

  /// Puts a packed convolution in the place of `op`.
  void replace(Operation *op, Value input, Value weight, Value bias, ArrayRef<int64_t> strides, ArrayRef<int64_t> dilations,
               int64_t groups, Type type, bool unflatten) {
    auto conv = PackedConvOp::create(builder, op->getLoc(), type, input, weight, bias, strides, dilations, groups, unflatten);
    op->getResult(0).replaceAllUsesWith(conv);
  }

  void removeDead() {
    bool changed = true;
    while (changed) {
      changed = false;
      for (Operation &op : llvm::make_early_inc_range(llvm::reverse(kernel.getBody().front())))
        if (op.use_empty() && !isa<YieldOp>(op)) {
          op.erase();
          changed = true;
        }
    }
  }

  YieldOp yield() { return cast<YieldOp>(kernel.getBody().front().getTerminator()); }

  /// An anchor's result that is read other than element by element, or whose final layout the register tile cannot write,
  /// goes through scratch.
  void stageResults() {
    for (PackedConvOp conv : llvm::to_vector(kernel.getBody().getOps<PackedConvOp>())) {
      if (isa<Col2ImOp>(*conv->user_begin()))
        continue; // added up row by row
      bool hasPixels = !conv.getUnflatten() && dimOf(conv.getResult(), 2) * dimOf(conv.getResult(), 3) > 1;
      bool isTile = kernel.getGrid() == Grid::Rows || hasPixels, direct = isTile && conv->hasOneUse();
      bool isStored = llvm::is_contained(yield().getValues(), conv.getResult());
      if (isStored)
        direct = isTile;
      for (OpOperand &use : conv->getUses()) {
        if (isa<YieldOp>(use.getOwner()))
          direct &= !leavesGraph(kernel.getResult(use.getOperandNumber()));
        else
          direct &= isStored || carriesToStore(use.getOwner());
      }
      if (direct)
        continue;
      builder.setInsertionPointAfter(conv);
      auto staged = StageOp::create(builder, conv.getLoc(), conv.getType(), conv, ArrayRef<int64_t>{0, 0, 0, 0},
                                    ArrayRef<int64_t>{1, 1});
      conv.getResult().replaceAllUsesExcept(staged, staged);
    }
  }

  /// Element by element, one use after the other, up to a value that is stored.
  bool carriesToStore(Operation *op) {
    while (isa<ElementwiseOpInterface>(op) && op->hasOneUse()) {
      Operation *user = *op->getUsers().begin();
      if (auto stored = dyn_cast<YieldOp>(user))
        return !leavesGraph(kernel.getResult(op->getUses().begin()->getOperandNumber()));
      if (auto staged = dyn_cast<StageOp>(user))
        return isPlain(staged);
      op = user;
    }
    return llvm::is_contained(yield().getValues(), op->getResult(0)) && isa<ElementwiseOpInterface>(op) &&
           !leavesGraph(kernel.getResult(llvm::find(yield().getValues(), op->getResult(0)) - yield().getValues().begin()));
  }

  static bool leavesGraph(Value result) {
    return llvm::any_of(result.getUsers(), [](Operation *user) { return isa<ReturnOp>(user); });
  }

  /// The kernel again with the inputs and result types it has now.
  void rebuild() {
    Block &body = kernel.getBody().front();
    for (unsigned i = body.getNumArguments(); i-- > 0;)
      if (body.getArgument(i).use_empty())
        body.eraseArgument(i);
    OpBuilder at(kernel);
    SmallVector<Value> inputs;
    for (BlockArgument argument : body.getArguments()) {
      Value input = outer.lookup(argument);
      inputs.push_back(inference ? keepVariable(at, input) : input);
    }
    auto lowered = KernelOp::create(at, kernel.getLoc(), yield().getOperandTypes(), inputs, kernel.getGrid(), kernel.getRows(),
                                    kernel.getChains(), kernel.getBlocks(), nullptr, nullptr, nullptr);
    lowered.getBody().takeBody(kernel.getBody());
    for (auto [index, value] : llvm::enumerate(yieldOf(lowered).getValues())) {
      Value result = lowered.getResult(index), old = kernel.getResult(index);
      if (auto gradient = value.getDefiningOp<WeightGradientOp>()) {
        auto &[shape, strides] = mergedShapes[gradient];
        result = MergeSlicesOp::create(at, kernel.getLoc(), old.getType(), result, shape, strides, nullptr);
      }
      old.replaceAllUsesWith(result);
    }
    kernel.erase();
  }

  static YieldOp yieldOf(KernelOp op) { return cast<YieldOp>(op.getBody().front().getTerminator()); }

  KernelOp kernel;
  const Target &target;
  bool inference, direct;
  int64_t threads;
  ConvolutionAlgorithm algorithm; // asked for
  SmallVector<std::pair<Location, std::string>> choices;
  OpBuilder builder, outside;
  llvm::MapVector<Value, Value> outer; // block argument -> value outside
  DenseMap<Operation *, std::pair<SmallVector<int64_t>, SmallVector<int64_t>>> mergedShapes;
  int64_t chains = 0;
};

struct LowerKernelsPass : bnc::impl::LowerKernelsPassBase<LowerKernelsPass> {
  using LowerKernelsPassBase::LowerKernelsPassBase;
  void runOnOperation() override {
    std::optional<Target> found = lookupTarget(target);
    if (!found) {
      getOperation().emitError("no target '") << target << "'";
      return signalPassFailure();
    }
    for (GraphOp graph : getOperation().getOps<GraphOp>())
      if (graph.getKind() == GraphKind::Inference)
        for (auto op : graph.getBody().getOps<NormalizeCoefficientsOp>()) { // of the batch's own statistics
          OpBuilder builder(op);
          for (OpOperand &operand : op->getOpOperands())
            operand.set(keepVariable(builder, operand.get()));
        }
    for (GraphOp graph : getOperation().getOps<GraphOp>()) {
      bool inference = graph.getKind() == GraphKind::Inference;
      int64_t busy = inference ? int64_t(threads) : kTrainingThreads;
      for (KernelOp kernel : llvm::to_vector(graph.getBody().getOps<KernelOp>()))
        if (failed(KernelLowering(kernel, *found, inference, direct, busy, algorithm).run()))
          return signalPassFailure();
    }
  }
};
} // namespace
