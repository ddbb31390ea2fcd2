//===- BncInferTypes.h - what the rules of result types share -----*- C++ -*-===//
//
// Private to ir/BncInfer*Types.cpp. Each sentence says what was found, what was expected, in the words of the IR.
//
//===----------------------------------------------------------------------===//

#ifndef IR_BNCINFERTYPES_H
#define IR_BNCINFERTYPES_H

#include "ir/BncOps.h"

#include "mlir/IR/Diagnostics.h"

#include <limits>

namespace bnc::infer {
using namespace mlir;

constexpr int64_t kDynamic = ShapedType::kDynamic;

using Types = SmallVectorImpl<Type>;
using Loc = std::optional<Location>;

inline RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }
inline ArrayRef<int64_t> shapeOf(Value value) { return typeOf(value).getShape(); }

/// Starts an error message as emitOpError does.
inline InFlightDiagnostic error(Loc loc, StringRef op) {
  InFlightDiagnostic diag = loc ? emitError(*loc) : InFlightDiagnostic();
  diag << "'" << op << "' op ";
  return diag;
}

inline std::string text(ArrayRef<int64_t> shape) {
  std::string result;
  llvm::raw_string_ostream os(result);
  os << '(';
  llvm::interleave(
      shape, os, [&](int64_t dim) { dim == kDynamic ? os << '?' : os << dim; }, ", ");
  os << ')';
  return result;
}

inline bool fits(int64_t a, int64_t b) { return a == b || a == kDynamic || b == kDynamic; }

inline LogicalResult succeed(Types &types, ArrayRef<int64_t> shape, Type element) {
  types.push_back(RankedTensorType::get(shape, element));
  return success();
}

inline LogicalResult checkFeatureIndex(Loc loc, StringRef op, Value input, int64_t index) {
  if (index >= 0 && index < typeOf(input).getRank())
    return success();
  return error(loc, op) << "has feature_index = " << index << ", but the input has rank " << typeOf(input).getRank();
}

/// Where the text has the operand's type only, the result's is inferred before the op has its attributes. Nothing can be
/// checked then; verification infers again.
inline LogicalResult inferWhileParsing(Value input, Types &types) {
  types.push_back(input.getType());
  return success();
}

/// `vector` holds one value per index of the input's feature dimension.
inline LogicalResult checkChannels(Loc loc, StringRef op, StringRef name, Value vector, Value input, int64_t index) {
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

inline LogicalResult checkWindow(Loc loc, StringRef op, const Window &window, size_t spatial) {
  if (window.kernel.size() != spatial || window.strides.size() != spatial || window.dilations.size() != spatial ||
      window.pads.size() != 2 * spatial)
    return error(loc, op) << "has " << window.kernel.size() << " kernel sizes, " << window.strides.size()
                          << " strides, " << window.dilations.size() << " dilations and " << window.pads.size()
                          << " pads; " << spatial << " spatial dimensions need " << spatial << ", " << spatial << ", "
                          << spatial << " and " << 2 * spatial;
  constexpr int64_t largest = std::numeric_limits<int32_t>::max();
  for (size_t i = 0; i < spatial; ++i) {
    if (window.kernel[i] < 1 || window.strides[i] < 1 || window.dilations[i] < 1)
      return error(loc, op) << "has kernel " << window.kernel[i] << ", stride " << window.strides[i]
                            << " and dilation " << window.dilations[i] << " in spatial dimension " << i
                            << "; each must be at least 1";
    if (window.pads[i] < 0 || window.pads[i + spatial] < 0)
      return error(loc, op) << "has negative pads in spatial dimension " << i << "; slice the input instead";
    for (int64_t size : {window.kernel[i], window.strides[i], window.dilations[i], window.pads[i], window.pads[i + spatial]})
      if (size > largest)
        return error(loc, op) << "has the number " << size << " in spatial dimension " << i << "; none may exceed " << largest;
  }
  return success();
}

inline LogicalResult slideWindow(Loc loc, StringRef op, const Window &window, ArrayRef<int64_t> input,
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

inline LogicalResult inferPool(Loc loc, StringRef op, RankedTensorType input, const Window &window, Types &types) {
  ArrayRef<int64_t> shape = input.getShape();
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
  return succeed(types, result, input.getElementType());
}

/// The operands of a convolution agree: ranks, groups, channels.
inline LogicalResult checkConvolution(Loc loc, StringRef op, ArrayRef<int64_t> input, ArrayRef<int64_t> weight, Value bias,
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

/// The result's shape of a convolution.
inline LogicalResult convolve(Loc loc, StringRef op, ArrayRef<int64_t> input, ArrayRef<int64_t> weight, Value bias,
                              int64_t groups, const Window &window, SmallVectorImpl<int64_t> &result) {
  if (weight.empty() || failed(checkConvolution(loc, op, input, weight, bias, groups, weight[0])))
    return failure();
  if (input[1] != weight[1] * groups)
    return error(loc, op) << "input has " << input[1] << " channels, but the weight " << text(weight) << " with groups = "
                          << groups << " takes " << weight[1] * groups;
  result.append({input[0], weight[0]});
  if (failed(checkWindow(loc, op, window, input.size() - 2)))
    return failure();
  return slideWindow(loc, op, window, input.drop_front(2), result);
}

} // namespace bnc::infer

#endif // IR_BNCINFERTYPES_H
