//===- BncInferTypes.cpp - result types, and the rules that make them exist -===//
//
// One function per op (or family). Each sentence says what was found, what was expected, in the words of the IR.
//
//===----------------------------------------------------------------------===//

#include "ir/BncInferTypes.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace bnc;
using namespace bnc::infer;

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

//===----------------------------------------------------------------------===//
// Convolution, dense, pools
//===----------------------------------------------------------------------===//

LogicalResult ConvOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  StringRef op = getOperationName();
  ArrayRef<int64_t> input = shapeOf(a.getInput()), weight = shapeOf(a.getWeight());
  Window window{weight.drop_front(std::min<size_t>(2, weight.size())), a.getStrides(), a.getPads(), a.getDilations()};
  SmallVector<int64_t> result;
  if (failed(convolve(loc, op, input, weight, a.getBias(), a.getGroups(), window, result)))
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
    if (input[i + 2] == kDynamic)
      return error(loc, op) << "input has unknown size in spatial dimension " << i << "; only the batch may be unknown";
    if (a.getOutputPadding()[i] < 0 || a.getOutputPadding()[i] >= std::max(window.strides[i], window.dilations[i]))
      return error(loc, op) << "has output_padding " << a.getOutputPadding()[i] << " in spatial dimension " << i
                            << "; expected at least 0 and less than the stride or the dilation";
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
  return inferPool(loc, getOperationName(), typeOf(a.getInput()), {a.getKernel(), a.getStrides(), a.getPads(), a.getDilations()}, types);
}

LogicalResult MaxPoolOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  return inferPool(loc, getOperationName(), typeOf(a.getInput()), {a.getKernel(), a.getStrides(), a.getPads(), a.getDilations()}, types);
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
  for (Value input : a.getInputs())
    if (a.getInputs().size() > 1 && axis < typeOf(input).getRank() && shapeOf(input)[axis] == kDynamic)
      return error(loc, op) << "joins along dimension " << axis << " of " << text(shapeOf(input)) << ", whose size is unknown";
  for (Value input : a.getInputs().drop_front()) {
    ArrayRef<int64_t> shape = shapeOf(input);
    bool same = shape.size() == result.size();
    for (size_t i = 0; same && i < shape.size(); ++i)
      same = static_cast<int64_t>(i) == axis || fits(shape[i], result[i]);
    if (typeOf(input).getElementType() != typeOf(a.getInputs()[0]).getElementType())
      return error(loc, op) << "inputs are " << a.getInputs()[0].getType() << " and " << input.getType()
                            << "; element types must agree";
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
    if (low < 0 || high < 0 || low > std::numeric_limits<int32_t>::max() || high > std::numeric_limits<int32_t>::max() ||
        (size == kDynamic && (low || high)))
      return error(loc, getOperationName()) << "pads by " << low << " and " << high
                                            << "; expected sizes >= 0, and none in the batch dimension";
    if (size != kDynamic)
      size += low + high;
  }
  return succeed(types, result, typeOf(a.getInput()).getElementType());
}

LogicalResult ReshapeOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor a, Types &types) {
  SmallVector<int64_t> result;
  for (int64_t size : a.getShape()) {
    if (size < 1 && size != -1)
      return error(loc, getOperationName()) << "has the size " << size << "; expected at least 1, or -1 for the batch";
    result.push_back(size == -1 ? kDynamic : size);
  }
  auto count = [](ArrayRef<int64_t> shape) -> std::optional<int64_t> {
    int64_t product = 1;
    for (int64_t size : shape)
      if (llvm::MulOverflow(product, size == kDynamic ? 1 : size, product))
        return std::nullopt;
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
    if (size == kDynamic ? !whole : (start < 0 || count < 1 || step < 1 || start >= size || (count - 1) > (size - 1 - start) / step))
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
