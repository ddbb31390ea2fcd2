//===- BncInferTypes.cpp - result types, and the rules that make them exist -===//
//
// One function per op (or family). Each sentence says what was found, what was expected, in the words of the IR.
//
//===----------------------------------------------------------------------===//

#include "ir/BncOps.h"

#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace bnc;

namespace {
constexpr int64_t kDynamic = ShapedType::kDynamic;

using Types = SmallVectorImpl<Type>;
using Loc = std::optional<Location>;

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }
ArrayRef<int64_t> shapeOf(Value value) { return typeOf(value).getShape(); }

/// Starts an error message as emitOpError does.
InFlightDiagnostic error(Loc loc, StringRef op) {
  InFlightDiagnostic diag = loc ? emitError(*loc) : InFlightDiagnostic();
  diag << "'" << op << "' op ";
  return diag;
}

std::string text(ArrayRef<int64_t> shape) {
  std::string result;
  llvm::raw_string_ostream os(result);
  os << '(';
  llvm::interleave(
      shape, os, [&](int64_t dim) { dim == kDynamic ? os << '?' : os << dim; }, ", ");
  os << ')';
  return result;
}

bool fits(int64_t a, int64_t b) { return a == b || a == kDynamic || b == kDynamic; }

LogicalResult succeed(Types &types, ArrayRef<int64_t> shape, Type element) {
  types.push_back(RankedTensorType::get(shape, element));
  return success();
}

LogicalResult checkFeatureIndex(Loc loc, StringRef op, Value input, int64_t index) {
  if (index >= 0 && index < typeOf(input).getRank())
    return success();
  return error(loc, op) << "has feature_index = " << index << ", but the input has rank " << typeOf(input).getRank();
}

/// Where the text has the operand's type only, the result's is inferred before the op has its attributes. Nothing can be
/// checked then; verification infers again.
LogicalResult inferWhileParsing(Value input, Types &types) {
  types.push_back(input.getType());
  return success();
}

/// `vector` holds one value per index of the input's feature dimension.
LogicalResult checkChannels(Loc loc, StringRef op, StringRef name, Value vector, Value input, int64_t index) {
  if (!vector || fits(shapeOf(vector)[0], shapeOf(input)[index]))
    return success();
  return error(loc, op) << name << " has " << shapeOf(vector)[0] << " values, but dimension " << index
                        << " of the input " << text(shapeOf(input)) << " has size " << shapeOf(input)[index];
}

//===----------------------------------------------------------------------===//
// Windows: convolutions and pools
//===----------------------------------------------------------------------===//

struct Window {
  ArrayRef<int64_t> kernel, strides, pads, dilations;
};

LogicalResult checkWindow(Loc loc, StringRef op, const Window &window, size_t spatial) {
  if (window.kernel.size() != spatial || window.strides.size() != spatial || window.dilations.size() != spatial ||
      window.pads.size() != 2 * spatial)
    return error(loc, op) << "has " << window.kernel.size() << " kernel sizes, " << window.strides.size()
                          << " strides, " << window.dilations.size() << " dilations and " << window.pads.size()
                          << " pads; " << spatial << " spatial dimensions need " << spatial << ", " << spatial << ", "
                          << spatial << " and " << 2 * spatial;
  for (size_t i = 0; i < spatial; ++i) {
    if (window.kernel[i] < 1 || window.strides[i] < 1 || window.dilations[i] < 1)
      return error(loc, op) << "has kernel " << window.kernel[i] << ", stride " << window.strides[i]
                            << " and dilation " << window.dilations[i] << " in spatial dimension " << i
                            << "; each must be at least 1";
    if (window.pads[i] < 0 || window.pads[i + spatial] < 0)
      return error(loc, op) << "has negative pads in spatial dimension " << i << "; slice the input instead";
  }
  return success();
}

LogicalResult slideWindow(Loc loc, StringRef op, const Window &window, ArrayRef<int64_t> input,
                          SmallVectorImpl<int64_t> &output) {
  size_t spatial = input.size();
  for (size_t i = 0; i < spatial; ++i) {
    if (input[i] == kDynamic)
      return error(loc, op) << "input has unknown size in spatial dimension " << i << "; only the batch may be unknown";
    int64_t padded = input[i] + window.pads[i] + window.pads[i + spatial];
    int64_t extent = windowExtent(window.kernel[i], window.dilations[i]);
    if (padded < extent)
      return error(loc, op) << "window covers " << extent << " elements in spatial dimension " << i
                            << ", but the padded input has only " << padded;
    output.push_back((padded - extent) / window.strides[i] + 1);
  }
  return success();
}

LogicalResult inferPool(Loc loc, StringRef op, Value input, const Window &window, Types &types) {
  ArrayRef<int64_t> shape = shapeOf(input);
  if (shape.size() < 3)
    return error(loc, op) << "input " << text(shape) << " has no spatial dimensions; expected (N, C, spatial...)";
  if (failed(checkWindow(loc, op, window, shape.size() - 2)))
    return failure();
  for (size_t i = 0; i + 2 < shape.size(); ++i) {
    int64_t extent = windowExtent(window.kernel[i], window.dilations[i]);
    if (window.pads[i] >= extent || window.pads[i + shape.size() - 2] >= extent)
      return error(loc, op) << "has a pad in spatial dimension " << i << " that is not smaller than the window ("
                            << extent << "): a window could hold padding only";
  }
  SmallVector<int64_t> result(shape.take_front(2));
  if (failed(slideWindow(loc, op, window, shape.drop_front(2), result)))
    return failure();
  return succeed(types, result, typeOf(input).getElementType());
}

/// The operands of a convolution agree: ranks, groups, channels.
LogicalResult checkConvolution(Loc loc, StringRef op, ArrayRef<int64_t> input, ArrayRef<int64_t> weight, Value bias,
                               int64_t groups, int64_t outputs) {
  if (input.size() < 3 || input.size() > 5)
    return error(loc, op) << "input " << text(input)
                          << " has rank " << input.size() << "; expected (N, C, spatial...) with 1 to 3 spatial dimensions";
  if (weight.size() != input.size())
    return error(loc, op) << "weight " << text(weight) << " does not have the rank of the input " << text(input);
  if (groups < 1 || outputs % groups != 0)
    return error(loc, op) << "has groups = " << groups << ", which does not divide the " << outputs
                          << " output channels";
  if (bias && !fits(shapeOf(bias)[0], outputs))
    return error(loc, op) << "bias has " << shapeOf(bias)[0] << " values for " << outputs << " output channels";
  return success();
}
} // namespace

bool bnc::areCompatibleTypes(TypeRange produced, TypeRange printed) {
  if (produced.size() != printed.size())
    return false;
  for (auto [a, b] : llvm::zip(produced, printed)) {
    auto first = dyn_cast<RankedTensorType>(a), second = dyn_cast<RankedTensorType>(b);
    if (!first || !second || first.getElementType() != second.getElementType() ||
        first.getRank() != second.getRank() || !llvm::all_of_zip(first.getShape(), second.getShape(), fits))
      return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Arithmetic and normalization
//===----------------------------------------------------------------------===//

LogicalResult bnc::inferBroadcast(Loc loc, StringRef op, Value lhs, Value rhs, Types &types) {
  if (typeOf(lhs).getElementType() != typeOf(rhs).getElementType())
    return error(loc, op) << "operands are " << typeOf(lhs) << " and " << typeOf(rhs) << "; element types must agree";
  ArrayRef<int64_t> a = shapeOf(lhs), b = shapeOf(rhs);
  SmallVector<int64_t> result(std::max(a.size(), b.size()), 1);
  for (size_t i = 0; i < result.size(); ++i) {
    int64_t da = i < a.size() ? a[a.size() - 1 - i] : 1, db = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (da != db && da != 1 && db != 1)
      return error(loc, op) << "operands " << text(a) << " and " << text(b)
                            << " do not broadcast: aligned at the last dimension, sizes must be equal or 1";
    result[result.size() - 1 - i] = da == 1 ? db : da;
  }
  return succeed(types, result, typeOf(lhs).getElementType());
}

LogicalResult AffineOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  StringRef op = getOperationName();
  if (failed(checkFeatureIndex(loc, op, a.getInput(), a.getFeatureIndex())) ||
      failed(checkChannels(loc, op, "slope", a.getSlope(), a.getInput(), a.getFeatureIndex())) ||
      failed(checkChannels(loc, op, "intercept", a.getIntercept(), a.getInput(), a.getFeatureIndex())))
    return failure();
  types.push_back(a.getInput().getType());
  return success();
}

LogicalResult BatchNormOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  StringRef op = getOperationName();
  if (!a.getFeatureIndexAttr())
    return inferWhileParsing(a.getInput(), types);
  int64_t index = a.getFeatureIndex();
  if (failed(checkFeatureIndex(loc, op, a.getInput(), index)) || // C1
      failed(checkChannels(loc, op, "scale", a.getScale(), a.getInput(), index)) ||
      failed(checkChannels(loc, op, "offset", a.getOffset(), a.getInput(), index)) ||
      failed(checkChannels(loc, op, "mean", a.getMean(), a.getInput(), index)) ||
      failed(checkChannels(loc, op, "variance", a.getVariance(), a.getInput(), index))) // C2
    return failure();
  types.push_back(a.getInput().getType());
  return success();
}

/// The shape of one sample of `input` has to be that of `average`.
static LogicalResult inferAverage(Loc loc, StringRef op, Value input, Value average, Value result, Types &types) {
  auto samples = typeOf(input), single = typeOf(average);
  if (samples.getRank() == 0 || single != RankedTensorType::get(samples.getShape().drop_front(), samples.getElementType()))
    return error(loc, op) << "has an average of type " << single << " for samples of " << samples << "; expected the shape of one sample";
  types.push_back(result.getType());
  return success();
}

#define AVERAGE(OP, AVERAGE, LIKE)                                                                                     \
  LogicalResult OP::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {                                \
    return inferAverage(loc, getOperationName(), a.getInput(), a.AVERAGE(), a.LIKE(), types);                          \
  }
AVERAGE(RunningAverageOp, getAverage, getAverage)
AVERAGE(UpdateAverageOp, getAverage, getAverage)
AVERAGE(UpdateAverageGradientOp, getGradient, getInput)
#undef AVERAGE

LogicalResult DropoutOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  if (!a.getRatioAttr())
    return inferWhileParsing(a.getInput(), types);
  double ratio = a.getRatio().convertToDouble();
  if (!(ratio >= 0 && ratio < 1))
    return error(loc, getOperationName()) << "has ratio = " << ratio << "; expected a number in [0, 1)";
  types.push_back(a.getInput().getType());
  return success();
}

LogicalResult BatchStatsOp::inferReturnTypes(MLIRContext *context, Loc loc, Adaptor a, Types &types) {
  if (failed(checkFeatureIndex(loc, getOperationName(), a.getInput(), a.getFeatureIndex())))
    return failure();
  auto input = typeOf(a.getInput());
  auto vector = RankedTensorType::get({input.getDimSize(a.getFeatureIndex())}, input.getElementType());
  types.append({vector, vector, RankedTensorType::get({}, IntegerType::get(context, 64))});
  return success();
}

LogicalResult NormalizeOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  StringRef op = getOperationName();
  if (!a.getFeatureIndexAttr())
    return inferWhileParsing(a.getInput(), types);
  int64_t index = a.getFeatureIndex();
  if (failed(checkFeatureIndex(loc, op, a.getInput(), index)) ||
      failed(checkChannels(loc, op, "scale", a.getScale(), a.getInput(), index)) ||
      failed(checkChannels(loc, op, "offset", a.getOffset(), a.getInput(), index)) ||
      failed(checkChannels(loc, op, "mean", a.getMean(), a.getInput(), index)) ||
      failed(checkChannels(loc, op, "variance", a.getVariance(), a.getInput(), index)))
    return failure();
  types.push_back(a.getInput().getType());
  return success();
}

LogicalResult GradientSumsOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  StringRef op = getOperationName();
  types.append({a.getMean().getType(), a.getMean().getType()});
  return failure(failed(checkFeatureIndex(loc, op, a.getInput(), a.getFeatureIndex())) ||
                 failed(checkChannels(loc, op, "mean", a.getMean(), a.getInput(), a.getFeatureIndex())));
}

LogicalResult NormalizeGradientOp::inferReturnTypes(MLIRContext *, Loc, Adaptor a, Types &types) {
  types.push_back(a.getGradient().getType());
  return success();
}

LogicalResult ScaleGradientOp::inferReturnTypes(MLIRContext *, Loc, Adaptor a, Types &types) {
  types.push_back(a.getCentred().getType());
  return success();
}

LogicalResult UpdateRunningOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  if (a.getCumulative() != static_cast<bool>(a.getSteps()))
    return error(loc, getOperationName()) << "needs `steps` exactly when it is cumulative";
  types.append({a.getMean().getType(), a.getVariance().getType()});
  if (a.getSteps())
    types.push_back(a.getSteps().getType());
  return success();
}

//===----------------------------------------------------------------------===//
// Convolution, dense, pools
//===----------------------------------------------------------------------===//

LogicalResult ConvOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  StringRef op = getOperationName();
  ArrayRef<int64_t> input = shapeOf(a.getInput()), weight = shapeOf(a.getWeight());
  if (weight.empty() || failed(checkConvolution(loc, op, input, weight, a.getBias(), a.getGroups(), weight[0])))
    return failure();
  if (input[1] != weight[1] * static_cast<int64_t>(a.getGroups()))
    return error(loc, op) << "input has " << input[1] << " channels, but the weight " << text(weight) << " with groups = "
                          << a.getGroups() << " takes " << weight[1] * static_cast<int64_t>(a.getGroups());
  Window window{weight.drop_front(2), a.getStrides(), a.getPads(), a.getDilations()};
  SmallVector<int64_t> result{input[0], weight[0]};
  if (failed(checkWindow(loc, op, window, input.size() - 2)) ||
      failed(slideWindow(loc, op, window, input.drop_front(2), result)))
    return failure();
  return succeed(types, result, typeOf(a.getInput()).getElementType());
}

LogicalResult ConvTransposeOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  StringRef op = getOperationName();
  ArrayRef<int64_t> input = shapeOf(a.getInput()), weight = shapeOf(a.getWeight());
  int64_t groups = a.getGroups(), outputs = weight.size() > 1 ? weight[1] * groups : 0;
  if (failed(checkConvolution(loc, op, input, weight, a.getBias(), groups, outputs)))
    return failure();
  if (input[1] != weight[0])
    return error(loc, op) << "input has " << input[1] << " channels, but the weight " << text(weight) << " takes "
                          << weight[0];
  size_t spatial = input.size() - 2;
  Window window{weight.drop_front(2), a.getStrides(), a.getPads(), a.getDilations()};
  if (failed(checkWindow(loc, op, window, spatial)))
    return failure();
  if (a.getOutputPadding().size() != spatial)
    return error(loc, op) << "has " << a.getOutputPadding().size() << " output_padding values for " << spatial
                          << " spatial dimensions";
  SmallVector<int64_t> result{input[0], outputs};
  for (size_t i = 0; i < spatial; ++i) {
    int64_t size = (input[i + 2] - 1) * window.strides[i] - window.pads[i] - window.pads[i + spatial] +
                   windowExtent(window.kernel[i], window.dilations[i]) + a.getOutputPadding()[i];
    if (size < 1)
      return error(loc, op) << "result would have size " << size << " in spatial dimension " << i;
    result.push_back(size);
  }
  return succeed(types, result, typeOf(a.getInput()).getElementType());
}

LogicalResult DenseOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  StringRef op = getOperationName();
  ArrayRef<int64_t> input = shapeOf(a.getInput()), weight = shapeOf(a.getWeight());
  if (input.size() < 2 || weight.size() != 2)
    return error(loc, op) << "has input " << text(input) << " and weight " << text(weight)
                          << "; expected an input of rank 2 or more and a weight of rank 2";
  int64_t features = a.getTransposed() ? weight[0] : weight[1], outputs = a.getTransposed() ? weight[1] : weight[0];
  if (!fits(input.back(), features))
    return error(loc, op) << "input " << text(input) << " has " << input.back() << " features, but the weight "
                          << text(weight) << (a.getTransposed() ? " (transposed)" : "") << " takes " << features;
  if (a.getBias() && !fits(shapeOf(a.getBias())[0], outputs))
    return error(loc, op) << "bias has " << shapeOf(a.getBias())[0] << " values for " << outputs << " outputs";
  SmallVector<int64_t> result(input);
  result.back() = outputs;
  return succeed(types, result, typeOf(a.getInput()).getElementType());
}

LogicalResult AvgPoolOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  return inferPool(loc, getOperationName(), a.getInput(), {a.getKernel(), a.getStrides(), a.getPads(), a.getDilations()}, types);
}

LogicalResult MaxPoolOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  return inferPool(loc, getOperationName(), a.getInput(), {a.getKernel(), a.getStrides(), a.getPads(), a.getDilations()}, types);
}

#define LIKE_INPUT(OP)                                                                                                 \
  LogicalResult OP::inferReturnTypes(MLIRContext *, Loc, Adaptor a, Types &types) { return inferWhileParsing(a.getInput(), types); }
LIKE_INPUT(AvgPoolGradientOp)
LIKE_INPUT(MaxPoolGradientOp)

LogicalResult ConvInputGradientOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  ArrayRef<int64_t> gradient = shapeOf(a.getGradient()), weight = shapeOf(a.getWeight());
  if (gradient.size() != weight.size() || a.getInputShape().size() + 2 != weight.size() || gradient[1] != weight[0])
    return error(loc, getOperationName()) << "gradient " << text(gradient) << " does not fit the weight " << text(weight)
                                          << " and input_shape " << text(a.getInputShape());
  SmallVector<int64_t> result{gradient[0], weight[1] * static_cast<int64_t>(a.getGroups())};
  llvm::append_range(result, a.getInputShape());
  return succeed(types, result, typeOf(a.getGradient()).getElementType());
}

LogicalResult ConvWeightGradientOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  ArrayRef<int64_t> gradient = shapeOf(a.getGradient()), input = shapeOf(a.getInput());
  if (gradient.size() != input.size() || a.getKernel().size() + 2 != input.size())
    return error(loc, getOperationName()) << "gradient " << text(gradient) << " does not fit the input " << text(input);
  SmallVector<int64_t> result{gradient[1], input[1] / static_cast<int64_t>(a.getGroups())};
  llvm::append_range(result, a.getKernel());
  return succeed(types, result, typeOf(a.getGradient()).getElementType());
}

LogicalResult DenseWeightGradientOp::inferReturnTypes(MLIRContext *, Loc, Adaptor a, Types &types) {
  int64_t outputs = shapeOf(a.getGradient()).back(), features = shapeOf(a.getInput()).back();
  SmallVector<int64_t> shape{outputs, features};
  if (a.getTransposed())
    std::swap(shape[0], shape[1]);
  return succeed(types, shape, typeOf(a.getGradient()).getElementType());
}

LogicalResult ActivationGradientOp::inferReturnTypes(MLIRContext *, Loc, Adaptor a, Types &types) {
  types.push_back(a.getInput().getType());
  return success();
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

LogicalResult bnc::inferReduction(Loc loc, StringRef op, Value input, ArrayRef<int64_t> axes, bool keepDims,
                                  Types &types) {
  ArrayRef<int64_t> shape = shapeOf(input);
  llvm::BitVector reduced(shape.size());
  for (int64_t axis : axes) {
    if (axis < 0 || axis >= static_cast<int64_t>(shape.size()) || reduced[axis])
      return error(loc, op) << "has axes " << text(axes) << "; expected different dimensions of the input " << text(shape);
    reduced.set(axis);
  }
  SmallVector<int64_t> result;
  for (auto [index, size] : llvm::enumerate(shape))
    if (!reduced[index])
      result.push_back(size);
    else if (keepDims)
      result.push_back(1);
  return succeed(types, result, typeOf(input).getElementType());
}

LogicalResult BroadcastOp::inferReturnTypes(MLIRContext *, Loc, Adaptor a, Types &types) {
  types.push_back(a.getLike().getType());
  return success();
}

template <typename Adaptor> static LogicalResult inferSoftmax(Loc loc, StringRef op, Adaptor a, Types &types) {
  if (!a.getAxisAttr())
    return inferWhileParsing(a.getInput(), types);
  int64_t axis = a.getAxis();
  if (axis < 0 || axis >= typeOf(a.getInput()).getRank())
    return error(loc, op) << "has axis = " << axis << ", but the input has rank " << typeOf(a.getInput()).getRank();
  types.push_back(a.getInput().getType());
  return success();
}

LogicalResult SoftmaxOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  return inferSoftmax(loc, getOperationName(), a, types);
}

LogicalResult LogSoftmaxOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  return inferSoftmax(loc, getOperationName(), a, types);
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  StringRef op = getOperationName();
  if (a.getInputs().empty())
    return error(loc, op) << "has no inputs";
  SmallVector<int64_t> result(shapeOf(a.getInputs()[0]));
  int64_t axis = a.getAxis();
  if (axis < 0 || axis >= static_cast<int64_t>(result.size()))
    return error(loc, op) << "has axis = " << axis << ", but the inputs have rank " << result.size();
  for (Value input : a.getInputs().drop_front()) {
    ArrayRef<int64_t> shape = shapeOf(input);
    bool same = shape.size() == result.size();
    for (size_t i = 0; same && i < shape.size(); ++i)
      same = static_cast<int64_t>(i) == axis || fits(shape[i], result[i]);
    if (!same)
      return error(loc, op) << "inputs " << text(shapeOf(a.getInputs()[0])) << " and " << text(shape)
                            << " differ outside axis " << axis;
    result[axis] += shape[axis];
  }
  return succeed(types, result, typeOf(a.getInputs()[0]).getElementType());
}

LogicalResult PadOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  SmallVector<int64_t> result(shapeOf(a.getInput()));
  if (a.getLow().size() != result.size() || a.getHigh().size() != result.size())
    return error(loc, getOperationName()) << "has " << a.getLow().size() << " low and " << a.getHigh().size()
                                          << " high values for an input of rank " << result.size();
  for (auto [size, low, high] : llvm::zip(result, a.getLow(), a.getHigh())) {
    if (low < 0 || high < 0 || (size == kDynamic && (low || high)))
      return error(loc, getOperationName()) << "pads by " << low << " and " << high
                                            << "; expected sizes >= 0, and none in the batch dimension";
    if (size != kDynamic)
      size += low + high;
  }
  return succeed(types, result, typeOf(a.getInput()).getElementType());
}

LogicalResult ReshapeOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  SmallVector<int64_t> result;
  for (int64_t size : a.getShape())
    result.push_back(size == -1 ? kDynamic : size);
  auto count = [](ArrayRef<int64_t> shape) {
    int64_t product = 1;
    for (int64_t size : shape)
      product *= size == kDynamic ? 1 : size;
    return product;
  };
  ArrayRef<int64_t> input = shapeOf(a.getInput());
  if (llvm::count(input, kDynamic) != llvm::count(result, kDynamic) || count(input) != count(result))
    return error(loc, getOperationName()) << "from " << text(input) << " to " << text(result)
                                          << " does not keep the number of elements of a sample";
  return succeed(types, result, typeOf(a.getInput()).getElementType());
}

LogicalResult SliceOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  ArrayRef<int64_t> input = shapeOf(a.getInput());
  StringRef op = getOperationName();
  if (a.getStarts().size() != input.size() || a.getSizes().size() != input.size() || a.getSteps().size() != input.size())
    return error(loc, op) << "has " << a.getStarts().size() << " starts, " << a.getSizes().size() << " sizes and "
                          << a.getSteps().size() << " steps for an input of rank " << input.size();
  SmallVector<int64_t> result;
  for (auto [dim, size, start, count, step] : llvm::enumerate(input, a.getStarts(), a.getSizes(), a.getSteps())) {
    bool whole = start == 0 && step == 1 && (count == -1 || count == size);
    if (size == kDynamic ? !whole : (start < 0 || count < 1 || step < 1 || start + (count - 1) * step >= size))
      return error(loc, op) << "takes " << count << " elements from " << start << " in steps of " << step
                            << " of dimension " << dim << ", whose size is " << (size == kDynamic ? "the batch's" : std::to_string(size));
    result.push_back(size == kDynamic ? size : count);
  }
  return succeed(types, result, typeOf(a.getInput()).getElementType());
}

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  ArrayRef<int64_t> input = shapeOf(a.getInput()), permutation = a.getPermutation();
  SmallVector<int64_t> sorted(permutation), result;
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int64_t>(0, input.size())))
    return error(loc, getOperationName()) << "has permutation " << text(permutation) << " for an input of rank " << input.size();
  for (int64_t dim : permutation)
    result.push_back(input[dim]);
  return succeed(types, result, typeOf(a.getInput()).getElementType());
}

//===----------------------------------------------------------------------===//
// Loss, optimizers, folding
//===----------------------------------------------------------------------===//

static LogicalResult checkLabels(Loc loc, StringRef op, LossKind kind, Value output, Value labels) {
  ArrayRef<int64_t> shape = shapeOf(output);
  if (kind == LossKind::SoftmaxCrossEntropy) {
    if (shape.size() != 2)
      return error(loc, op) << "needs an output (N, classes), found " << text(shape);
    if (shapeOf(labels).size() != 1 || !typeOf(labels).getElementType().isInteger(32))
      return error(loc, op) << "needs labels (N) of i32 class ids, found " << labels.getType();
    return success();
  }
  if (!areCompatibleTypes(output.getType(), labels.getType()))
    return error(loc, op) << "needs labels of the output's type " << output.getType() << ", found " << labels.getType();
  return success();
}

LogicalResult LossOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  if (failed(checkLabels(loc, getOperationName(), a.getKind(), a.getOutput(), a.getLabels())))
    return failure();
  auto type = RankedTensorType::get({shapeOf(a.getOutput())[0]}, typeOf(a.getOutput()).getElementType());
  types.append({type, type});
  return success();
}

LogicalResult LossGradientOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  if (failed(checkLabels(loc, getOperationName(), a.getKind(), a.getOutput(), a.getLabels())))
    return failure();
  types.push_back(a.getOutput().getType());
  return success();
}

LogicalResult SgdUpdateOp::inferReturnTypes(MLIRContext *, Loc, Adaptor a, Types &types) {
  types.push_back(a.getValue().getType());
  if (a.getMomentum())
    types.push_back(a.getMomentum().getType());
  return success();
}

LogicalResult AdamUpdateOp::inferReturnTypes(MLIRContext *, Loc, Adaptor a, Types &types) {
  types.append(3, a.getValue().getType());
  return success();
}

/// The type with double elements.
static Type inDouble(Value value) { return typeOf(value).clone(Float64Type::get(value.getContext())); }

LogicalResult FoldCoefficientsOp::inferReturnTypes(MLIRContext *, Loc, Adaptor a, Types &types) {
  types.append(2, inDouble(a.getMean()));
  return success();
}

LogicalResult FoldScaleOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  int64_t axis = a.getAxis(), groups = a.getGroups();
  ArrayRef<int64_t> value = shapeOf(a.getValue());
  if (axis < 0 || axis >= static_cast<int64_t>(value.size()) || value[axis] * groups != shapeOf(a.getFactor())[0])
    return error(loc, getOperationName()) << "scales dimension " << axis << " of " << text(value) << " in " << groups
                                          << " groups by " << shapeOf(a.getFactor())[0] << " factors";
  if (groups < 1 || value[0] % groups != 0 || (groups > 1 && axis == 0))
    return error(loc, getOperationName()) << "has groups = " << groups << " along axis " << axis << " of " << text(value)
                                          << "; groups divide dimension 0 and need another axis";
  types.push_back(inDouble(a.getValue()));
  return success();
}

LogicalResult FoldAddOp::inferReturnTypes(MLIRContext *, Loc, Adaptor a, Types &types) {
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
