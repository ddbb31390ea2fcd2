//===- BncInferTrainingTypes.cpp - the same for what training and folding add -===//

#include "ir/BncInferTypes.h"
#include "ir/Optimizers.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace bnc;
using namespace bnc::infer;

/// Optional vectors that have as many elements as `like`.
static LogicalResult checkSameSize(Loc loc, StringRef op, Value like, ArrayRef<Value> vectors) {
  for (Value vector : vectors)
    if (vector && !fits(shapeOf(vector)[0], shapeOf(like)[0]))
      return error(loc, op) << "has vectors of " << shapeOf(like)[0] << " and of " << shapeOf(vector)[0]
                            << " values; expected one value per channel in each";
  return success();
}

/// `gradient` is the gradient of a value of type `type`.
static LogicalResult checkGradient(Loc loc, StringRef op, Value gradient, Type type) {
  if (areCompatibleTypes(gradient.getType(), type))
    return success();
  return error(loc, op) << "has a gradient of type " << gradient.getType() << ", expected " << type;
}

//===----------------------------------------------------------------------===//
// Normalization
//===----------------------------------------------------------------------===//

LogicalResult BatchStatsOp::inferReturnTypes(MLIRContext *context, Loc loc, Adaptor a, Types &types) {
  if (failed(checkFeatureIndex(loc, getOperationName(), a.getInput(), a.getFeatureIndex())))
    return failure();
  auto input = typeOf(a.getInput());
  auto vector = RankedTensorType::get({input.getDimSize(a.getFeatureIndex())}, input.getElementType());
  types.append({vector, vector, RankedTensorType::get({}, IntegerType::get(context, 64))});
  return success();
}

LogicalResult GradientSumsOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  StringRef op = getOperationName();
  if (failed(checkFeatureIndex(loc, op, a.getInput(), a.getFeatureIndex())) ||
      failed(checkChannels(loc, op, "mean", a.getMean(), a.getInput(), a.getFeatureIndex())) ||
      failed(checkGradient(loc, op, a.getGradient(), a.getInput().getType())))
    return failure();
  types.append({a.getMean().getType(), a.getMean().getType()});
  return success();
}

LogicalResult NormalizeGradientOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  StringRef op = getOperationName();
  int64_t index = a.getFeatureIndex();
  if (failed(checkGradient(loc, op, a.getGradient(), a.getInput().getType())) ||
      failed(checkFeatureIndex(loc, op, a.getInput(), index)) ||
      failed(checkChannels(loc, op, "scale", a.getScale(), a.getInput(), index)) ||
      failed(checkChannels(loc, op, "mean", a.getMean(), a.getInput(), index)) ||
      failed(checkChannels(loc, op, "variance", a.getVariance(), a.getInput(), index)) ||
      failed(checkChannels(loc, op, "sum", a.getSum(), a.getInput(), index)) ||
      failed(checkChannels(loc, op, "centred", a.getCentred(), a.getInput(), index)))
    return failure();
  if (!a.getSum() != !a.getCentred() || !a.getSum() != !a.getCount())
    return error(loc, op) << "has some of sum, centred and count; expected all of them, or none with running statistics";
  types.push_back(a.getGradient().getType());
  return success();
}

LogicalResult ScaleGradientOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  if (failed(checkSameSize(loc, getOperationName(), a.getCentred(), {a.getVariance()})))
    return failure();
  types.push_back(a.getCentred().getType());
  return success();
}

LogicalResult UpdateRunningOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  StringRef op = getOperationName();
  if (a.getCumulative() != static_cast<bool>(a.getSteps()))
    return error(loc, op) << "needs `steps` exactly when it is cumulative";
  if (a.getSteps() && typeOf(a.getSteps()).getNumElements() != 1)
    return error(loc, op) << "has steps of type " << a.getSteps().getType() << "; expected one number";
  if (failed(checkSameSize(loc, op, a.getMean(), {a.getVariance(), a.getBatchMean(), a.getBatchVariance()})))
    return failure();
  types.append({a.getMean().getType(), a.getVariance().getType()});
  if (a.getSteps())
    types.push_back(a.getSteps().getType());
  return success();
}

//===----------------------------------------------------------------------===//
// Gradients of layers
//===----------------------------------------------------------------------===//

template <typename Adaptor>
static LogicalResult inferPoolGradient(Loc loc, StringRef op, Adaptor a, RankedTensorType input, Types &types) {
  SmallVector<Type> pooled;
  if (failed(inferPool(loc, op, input, {a.getKernel(), a.getStrides(), a.getPads(), a.getDilations()}, pooled)) ||
      failed(checkGradient(loc, op, a.getGradient(), pooled[0])))
    return failure();
  types.push_back(input);
  return success();
}

LogicalResult AvgPoolGradientOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  ArrayRef<int64_t> gradient = shapeOf(a.getGradient());
  if (gradient.size() < 3 || a.getInputShape().size() + 2 != gradient.size() ||
      llvm::any_of(a.getInputShape(), [](int64_t size) { return size < 1; }))
    return error(loc, getOperationName()) << "gradient " << text(gradient) << " does not fit input_shape "
                                          << text(a.getInputShape());
  SmallVector<int64_t> input(gradient.take_front(2));
  llvm::append_range(input, a.getInputShape());
  return inferPoolGradient(loc, getOperationName(), a,
                           RankedTensorType::get(input, typeOf(a.getGradient()).getElementType()), types);
}

LogicalResult MaxPoolGradientOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  return inferPoolGradient(loc, getOperationName(), a, typeOf(a.getInput()), types);
}

/// A convolution of these operands has a result of the gradient's shape; the gradient may lack rows and columns at the end,
/// which are zero then (the gradients of bnc.conv_transpose).
static LogicalResult checkConvolutionGradient(Loc loc, StringRef op, Value gradient, ArrayRef<int64_t> input,
                                              ArrayRef<int64_t> weight, int64_t groups, const Window &window) {
  SmallVector<int64_t> result;
  if (failed(convolve(loc, op, input, weight, nullptr, groups, window, result)))
    return failure();
  for (auto [covered, size] : llvm::zip(MutableArrayRef(result).drop_front(2), shapeOf(gradient).drop_front(2)))
    if (size != kDynamic && size >= 1)
      covered = std::min(covered, size);
  return checkGradient(loc, op, gradient, RankedTensorType::get(result, typeOf(gradient).getElementType()));
}

LogicalResult ConvInputGradientOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  ArrayRef<int64_t> gradient = shapeOf(a.getGradient()), weight = shapeOf(a.getWeight());
  int64_t groups = a.getGroups();
  StringRef op = getOperationName();
  if (gradient.size() < 3 || gradient.size() != weight.size() || a.getInputShape().size() + 2 != weight.size() || groups < 1 ||
      llvm::any_of(a.getInputShape(), [](int64_t size) { return size < 1; }))
    return error(loc, op) << "gradient " << text(gradient) << " does not fit the weight " << text(weight)
                          << ", groups = " << groups << " and input_shape " << text(a.getInputShape());
  SmallVector<int64_t> result{gradient[0], weight[1] * groups};
  llvm::append_range(result, a.getInputShape());
  if (failed(checkConvolutionGradient(loc, op, a.getGradient(), result, weight, groups,
                                      {weight.drop_front(2), a.getStrides(), a.getPads(), a.getDilations()})))
    return failure();
  return succeed(types, result, typeOf(a.getGradient()).getElementType());
}

LogicalResult ConvWeightGradientOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  ArrayRef<int64_t> gradient = shapeOf(a.getGradient()), input = shapeOf(a.getInput());
  int64_t groups = a.getGroups();
  StringRef op = getOperationName();
  if (gradient.size() < 3 || gradient.size() != input.size() || a.getKernel().size() + 2 != input.size())
    return error(loc, op) << "gradient " << text(gradient) << " does not fit the input " << text(input);
  if (groups < 1 || input[1] % groups != 0)
    return error(loc, op) << "has groups = " << groups << ", which does not divide the " << input[1] << " input channels";
  SmallVector<int64_t> result{gradient[1], input[1] / groups};
  llvm::append_range(result, a.getKernel());
  if (failed(checkConvolutionGradient(loc, op, a.getGradient(), input, result, groups,
                                      {a.getKernel(), a.getStrides(), a.getPads(), a.getDilations()})))
    return failure();
  return succeed(types, result, typeOf(a.getGradient()).getElementType());
}

LogicalResult DenseWeightGradientOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  ArrayRef<int64_t> gradient = shapeOf(a.getGradient()), input = shapeOf(a.getInput());
  if (gradient.size() < 2 || gradient.size() != input.size() ||
      !llvm::all_of(llvm::zip(gradient.drop_back(), input.drop_back()),
                    [](auto pair) { return fits(std::get<0>(pair), std::get<1>(pair)); }))
    return error(loc, getOperationName()) << "gradient " << text(gradient) << " does not fit the input " << text(input);
  SmallVector<int64_t> shape{gradient.back(), input.back()};
  if (a.getTransposed())
    std::swap(shape[0], shape[1]);
  return succeed(types, shape, typeOf(a.getGradient()).getElementType());
}

LogicalResult ActivationGradientOp::inferReturnTypes(MLIRContext *context, Loc loc, Adaptor a, Types &types) {
  StringRef op = getOperationName();
  auto name = RegisteredOperationName::lookup(("bnc." + a.getActivation()).str(), context);
  if (!name || !name->hasInterface<ElementwiseOpInterface>() || !name->hasTrait<OpTrait::OneOperand>())
    return error(loc, op) << "names the activation \"" << a.getActivation() << "\"; expected the mnemonic of an activation op";
  for (StringAttr parameter : name->getAttributeNames())
    if (!a.getParameters().getAs<FloatAttr>(parameter))
      return error(loc, op) << "has no number " << parameter << " in its parameters, which " << a.getActivation() << " needs";
  if (failed(checkGradient(loc, op, a.getGradient(), a.getInput().getType())))
    return failure();
  types.push_back(a.getInput().getType());
  return success();
}

LogicalResult BroadcastOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  StringRef op = getOperationName();
  SmallVector<Type> kept, dropped;
  if (failed(inferReduction(loc, op, a.getLike(), a.getAxes(), /*keepDims=*/true, kept)) ||
      failed(inferReduction(loc, op, a.getLike(), a.getAxes(), /*keepDims=*/false, dropped)))
    return failure();
  if (!areCompatibleTypes(a.getInput().getType(), kept[0]) && !areCompatibleTypes(a.getInput().getType(), dropped[0]))
    return error(loc, op) << "has an input of type " << a.getInput().getType() << ", which does not spread along axes "
                          << text(a.getAxes()) << " to " << a.getLike().getType();
  types.push_back(a.getLike().getType());
  return success();
}

//===----------------------------------------------------------------------===//
// Dropout
//===----------------------------------------------------------------------===//

LogicalResult ApplyDropoutOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  double ratio = a.getRatio().convertToDouble();
  if (!(ratio >= 0 && ratio < 1))
    return error(loc, getOperationName()) << "has ratio = " << ratio << "; expected a number in [0, 1)";
  if (typeOf(a.getInput()).getRank() < 1 || !fits(shapeOf(a.getInput())[0], shapeOf(a.getKeys())[0]))
    return error(loc, getOperationName()) << "has keys of type " << a.getKeys().getType() << "; expected one for each sample of "
                                          << a.getInput().getType();
  types.push_back(a.getInput().getType());
  return success();
}

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

template <typename Adaptor> static LogicalResult checkLoss(Loc loc, StringRef op, Adaptor a) {
  Value output = a.getOutput(), labels = a.getLabels();
  ArrayRef<int64_t> shape = shapeOf(output);
  double smoothing = a.getLabelSmoothing().convertToDouble();
  if (!(smoothing >= 0 && smoothing < 1))
    return error(loc, op) << "has label_smoothing = " << smoothing << "; expected a number in [0, 1)";
  bool classes = a.getKind() == LossKind::SoftmaxCrossEntropy;
  if (smoothing != 0 && !classes)
    return error(loc, op) << "has label_smoothing, which softmax_cross_entropy alone knows";
  if (classes ? shape.size() != 2 : shape.empty())
    return error(loc, op) << "needs an output " << (classes ? "(N, classes)" : "(N, values...)") << ", found " << text(shape);
  if (classes && !isa<FloatType>(typeOf(labels).getElementType())) {
    if (shapeOf(labels).size() != 1 || !typeOf(labels).getElementType().isInteger(32) || !fits(shapeOf(labels)[0], shape[0]))
      return error(loc, op) << "needs labels (N) of i32 class ids, found " << labels.getType();
    return success();
  }
  if (!areCompatibleTypes(output.getType(), labels.getType()))
    return error(loc, op) << "needs labels of the output's type " << output.getType() << ", found " << labels.getType();
  return success();
}

LogicalResult LossOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  if (failed(checkLoss(loc, getOperationName(), a)))
    return failure();
  auto type = RankedTensorType::get({shapeOf(a.getOutput())[0]}, typeOf(a.getOutput()).getElementType());
  types.append({type, type});
  return success();
}

LogicalResult LossGradientOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  if (failed(checkLoss(loc, getOperationName(), a)))
    return failure();
  types.push_back(a.getOutput().getType());
  return success();
}

//===----------------------------------------------------------------------===//
// Optimizers
//===----------------------------------------------------------------------===//

LogicalResult OptimizerUpdateOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  StringRef op = getOperationName();
  std::optional<OptimizerKind> kind = OptimizerKind::parse(a.getOptimizer());
  if (!kind)
    return error(loc, op) << "names the optimizer \"" << a.getOptimizer() << "\", which does not exist";
  if (kind->slots().size() != a.getSlots().size())
    return error(loc, op) << "has " << a.getSlots().size() << " slots; " << a.getOptimizer() << " has " << kind->slots().size();
  Type type = a.getValue().getType();
  if (!typeOf(a.getValue()).hasStaticShape())
    return error(loc, op) << "moves a value of type " << type << "; a parameter's shape is static";
  if (failed(checkGradient(loc, op, a.getGradient(), type)))
    return failure();
  for (Value slot : a.getSlots())
    if (slot.getType() != type)
      return error(loc, op) << "has a slot of type " << slot.getType() << ", expected " << type;
  types.append(1 + a.getSlots().size(), type);
  return success();
}

//===----------------------------------------------------------------------===//
// Folding
//===----------------------------------------------------------------------===//

/// The type with double elements.
static Type inDouble(Value value) { return typeOf(value).clone(Float64Type::get(value.getContext())); }

LogicalResult FoldCoefficientsOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  if (failed(checkSameSize(loc, getOperationName(), a.getMean(), {a.getScale(), a.getOffset(), a.getVariance()})))
    return failure();
  types.append(2, inDouble(a.getMean()));
  return success();
}

LogicalResult FoldScaleOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  int64_t axis = a.getAxis(), groups = a.getGroups();
  ArrayRef<int64_t> value = shapeOf(a.getValue());
  if (axis < 0 || axis >= static_cast<int64_t>(value.size()) || groups < 1 || value[axis] * groups != shapeOf(a.getFactor())[0])
    return error(loc, getOperationName()) << "scales dimension " << axis << " of " << text(value) << " in " << groups
                                          << " groups by " << shapeOf(a.getFactor())[0] << " factors";
  if (groups < 1 || value[0] % groups != 0 || (groups > 1 && axis == 0))
    return error(loc, getOperationName()) << "has groups = " << groups << " along axis " << axis << " of " << text(value)
                                          << "; groups divide dimension 0 and need another axis";
  types.push_back(inDouble(a.getValue()));
  return success();
}

LogicalResult FoldAddOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  if (failed(checkSameSize(loc, getOperationName(), a.getAddend(), {a.getValue()})))
    return failure();
  types.push_back(inDouble(a.getAddend()));
  return success();
}

LogicalResult FoldShiftOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  ArrayRef<int64_t> weight = shapeOf(a.getWeight());
  int64_t groups = a.getGroups(), shifts = shapeOf(a.getShift())[0];
  if (weight.size() < 2 || weight[a.getTransposed() ? 0 : 1] * groups != shifts)
    return error(loc, getOperationName()) << "adds " << shifts << " shifts to the input of the weight " << text(weight)
                                          << " with groups = " << groups;
  if (groups < 1 || weight[0] % groups != 0 || (groups > 1 && a.getTransposed()))
    return error(loc, getOperationName()) << "has groups = " << groups << " for the weight " << text(weight)
                                          << "; groups divide the outputs of a weight that is not transposed";
  types.push_back(RankedTensorType::get({weight[a.getTransposed() ? 1 : 0]}, Float64Type::get(a.getShift().getContext())));
  return success();
}

BorderPlaces BorderPlaces::of(int64_t input, int64_t output, int64_t kernel, int64_t stride, int64_t padBefore,
                              int64_t dilation) {
  // A window's first tap lies on the input from position `low` on, its last one up to position `end`.
  int64_t low = std::min<int64_t>(output, llvm::divideCeil(padBefore, stride));
  int64_t end = llvm::divideFloorSigned(input - 1 + padBefore - (kernel - 1) * dilation, stride) + 1;
  int64_t high = output - std::clamp<int64_t>(end, 0, output);
  return low + high < output ? BorderPlaces{output, low, high} : BorderPlaces{output, output, 0};
}

LogicalResult FoldBorderShiftOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  ArrayRef<int64_t> weight = shapeOf(a.getWeight()), image = a.getImage();
  SmallVector<int64_t> input{1, shapeOf(a.getShift())[0]}, output;
  input.append(image.begin(), image.end());
  Window window{weight.drop_front(std::min<size_t>(2, weight.size())), a.getStrides(), a.getPads(), a.getDilations()};
  if (failed(convolve(loc, getOperationName(), input, weight, nullptr, a.getGroups(), window, output)))
    return failure();
  SmallVector<int64_t> result{weight[0]};
  for (size_t i = 0; i < image.size(); ++i)
    result.push_back(BorderPlaces::of(image[i], output[2 + i], window.kernel[i], window.strides[i], window.pads[i],
                                      window.dilations[i])
                         .count());
  return succeed(types, result, Float64Type::get(a.getShift().getContext()));
}

LogicalResult AddBorderBiasOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  ArrayRef<int64_t> input = shapeOf(a.getInput()), bias = shapeOf(a.getBias()), low = a.getLow(), high = a.getHigh();
  if (bias.size() == 5) { // packed
    types.push_back(a.getInput().getType());
    return success();
  }
  bool agree = input.size() >= 3 && bias.size() + 1 == input.size() && low.size() + 2 == input.size() &&
               high.size() == low.size() && fits(bias[0], input[1]);
  for (size_t i = 0; agree && i < low.size(); ++i)
    agree = low[i] >= 0 && high[i] >= 0 && low[i] + high[i] <= input[2 + i] &&
            bias[1 + i] == BorderPlaces{input[2 + i], low[i], high[i]}.count();
  if (!agree)
    return error(loc, getOperationName()) << "adds a bias " << text(bias) << " to " << text(input) << " with low = " << text(low)
                                          << " and high = " << text(high)
                                          << "; expected one value per channel and place of each spatial dimension";
  types.push_back(a.getInput().getType());
  return success();
}
