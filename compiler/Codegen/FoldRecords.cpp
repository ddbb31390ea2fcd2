//===- FoldRecords.cpp - steps of the arithmetic of folding --------------------===//

#include "compiler/Codegen/RecordWords.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace bnc;

namespace {
int64_t product(ArrayRef<int64_t> sizes) {
  int64_t result = 1;
  for (int64_t size : sizes)
    result *= size;
  return result;
}

/// The kernel of a weight (O, I, kernel...) in three dimensions.
std::array<int64_t, 3> kernelOf(ArrayRef<int64_t> weight) {
  std::array<int64_t, 3> kernel{1, 1, 1};
  llvm::copy(weight.drop_front(2), kernel.end() - (weight.size() - 2));
  return kernel;
}

bnc_location at(bnc_location location, int64_t elements, int64_t elementBits) {
  return {location.space, location.offset + elements * elementBits / 8};
}

std::vector<Step> foldCoefficientsSteps(FoldCoefficientsOp op) {
  bnc_fold_coefficients record{};
  record.scale = locationOf(op.getScale());
  record.offset = locationOf(op.getOffset());
  record.mean = locationOf(op.getMean());
  record.variance = locationOf(op.getVariance());
  record.slope = locationOf(op.getSlope());
  record.intercept = locationOf(op.getIntercept());
  record.channels = typeOf(op.getMean()).getDimSize(0);
  record.epsilon = bits(op.getEpsilon());
  return {{"bnc_rt_fold_coefficients", wordsOf(record), ""}};
}

/// A call per group: each has its part of dimension 0 and factors of its own.
std::vector<Step> foldScaleSteps(FoldScaleOp op) {
  ArrayRef<int64_t> shape = typeOf(op.getValue()).getShape();
  int64_t axis = op.getAxis(), groups = op.getGroups();
  SmallVector<int64_t> part(shape);
  part[0] /= groups;
  if (groups > 1 && part[0] == 1 && shape[axis] == 1) { // depthwise: the factors run along dimension 0
    part[0] = shape[0];
    axis = 0;
    groups = 1;
  }
  std::vector<Step> steps;
  int64_t count = product(part);
  for (int64_t group = 0; group < groups; ++group) {
    bnc_fold_axis record{};
    record.source = at(locationOf(op.getValue()), group * count, bitsOf(op.getValue()));
    record.factor = at(locationOf(op.getFactor()), group * part[axis], 64);
    record.result = at(locationOf(op.getResult()), group * count, 64);
    record.source_bits = bitsOf(op.getValue());
    record.outer = product(ArrayRef<int64_t>(part).take_front(axis));
    record.axis = part[axis];
    record.inner = product(ArrayRef<int64_t>(part).drop_front(axis + 1));
    steps.push_back({"bnc_rt_fold_axis", wordsOf(record), ""});
  }
  return steps;
}

std::vector<Step> foldAddSteps(FoldAddOp op) {
  bnc_fold_axis record{};
  record.source = locationOf(op.getValue());
  record.factor = locationOf(op.getAddend());
  record.result = locationOf(op.getResult());
  record.source_bits = op.getValue() ? bitsOf(op.getValue()) : 64;
  record.outer = record.inner = 1;
  record.axis = typeOf(op.getAddend()).getDimSize(0);
  record.operation = 1;
  return {{"bnc_rt_fold_axis", wordsOf(record), ""}};
}

/// `places` are the taps of each place of the result.
template <typename Shift> std::vector<Step> foldShiftSteps(Shift op, bool transposed, ArrayRef<bnc_fold_taps> places) {
  ArrayRef<int64_t> shape = typeOf(op.getWeight()).getShape();
  bnc_fold_shift record{};
  record.weight = locationOf(op.getWeight());
  record.shift = locationOf(op.getShift());
  record.result = locationOf(op.getResult());
  record.weight_bits = bitsOf(op.getWeight());
  record.outer = shape[transposed ? 1 : 0];
  record.axis = shape[transposed ? 0 : 1];
  llvm::copy(kernelOf(shape), record.kernel);
  record.groups = op.getGroups();
  record.transposed = transposed;
  record.places = places.size();
  std::vector<int64_t> words = wordsOf(record);
  for (const bnc_fold_taps &taps : places)
    llvm::append_range(words, wordsOf(taps));
  return {{"bnc_rt_fold_shift", words, ""}};
}

std::vector<Step> foldShiftSteps(FoldShiftOp op) {
  bnc_fold_taps all{};
  llvm::copy(kernelOf(typeOf(op.getWeight()).getShape()), all.end);
  return foldShiftSteps(op, op.getTransposed(), all);
}

std::vector<Step> foldShiftSteps(FoldBorderShiftOp op) {
  std::array<int64_t, 3> kernel = kernelOf(typeOf(op.getWeight()).getShape());
  SmallVector<bnc_fold_taps> places(1);
  ArrayRef<int64_t> image = op.getImage();
  for (size_t missing = 0; missing + image.size() < 3; ++missing)
    places.front().end[missing] = 1;
  for (size_t i = 0; i < image.size(); ++i) {
    size_t dim = 3 - image.size() + i;
    int64_t pad = op.getPads()[i], stride = op.getStrides()[i], dilation = op.getDilations()[i];
    int64_t padded = image[i] + pad + op.getPads()[i + image.size()];
    int64_t size = (padded - windowExtent(kernel[dim], dilation)) / stride + 1;
    BorderPlaces along = BorderPlaces::of(image[i], size, kernel[dim], stride, pad, dilation);
    SmallVector<bnc_fold_taps> refined;
    for (const bnc_fold_taps &before : places)
      for (int64_t place = 0; place < along.count(); ++place) {
        // The taps k with 0 <= first + k * dilation < image.
        int64_t first = along.position(place) * stride - pad;
        bnc_fold_taps taps = before;
        taps.begin[dim] = std::clamp<int64_t>(llvm::divideCeilSigned(-first, dilation), 0, kernel[dim]);
        taps.end[dim] = std::clamp<int64_t>(llvm::divideCeilSigned(image[i] - first, dilation), 0, kernel[dim]);
        refined.push_back(taps);
      }
    places = refined;
  }
  return foldShiftSteps(op, /*transposed=*/false, places);
}

/// One copy per input. The parts of an activation are written where they belong.
std::vector<Step> concatSteps(ConcatOp op) {
  std::vector<Step> steps;
  if (storageOf(op.getResult()).getSpace() == Space::Scaled)
    return steps;
  ArrayRef<int64_t> shape = op.getType().getShape();
  int64_t axis = op.getAxis(), inner = product(shape.drop_front(axis + 1)), outer = product(shape.take_front(axis));
  int64_t first = 0;
  for (Value input : op.getInputs()) {
    int64_t length = typeOf(input).getDimSize(axis) * inner;
    bnc_location to = at(locationOf(op.getResult()), first, bitsOf(op.getResult()));
    bnc_pack record = packRecord(locationOf(input), bitsOf(input), to, 0,
                                 {{outer, length, shape[axis] * inner}, {length, 1, 1}});
    record.result_bits = bitsOf(op.getResult());
    steps.push_back({"bnc_rt_pack", wordsOf(record), ""});
    first += length;
  }
  return steps;
}

std::vector<Step> sliceSteps(SliceOp op) {
  ArrayRef<int64_t> shape = typeOf(op.getInput()).getShape(), result = op.getType().getShape();
  SmallVector<CopyDim> dims(shape.size());
  int64_t from = 1, to = 1, origin = 0;
  for (size_t i = shape.size(); i-- > 0;) {
    dims[i] = {result[i], op.getSteps()[i] * from, to};
    origin += op.getStarts()[i] * from;
    from *= shape[i];
    to *= result[i];
  }
  bnc_pack record = packRecord(at(locationOf(op.getInput()), origin, bitsOf(op.getInput())), bitsOf(op.getInput()),
                               locationOf(op.getResult()), 0, dims);
  record.result_bits = bitsOf(op.getResult());
  return {{"bnc_rt_pack", wordsOf(record), ""}};
}

std::vector<Step> transposeSteps(TransposeOp op) {
  ArrayRef<int64_t> shape = typeOf(op.getInput()).getShape();
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  SmallVector<CopyDim> dims;
  int64_t stride = op.getType().getNumElements();
  for (int64_t dim : op.getPermutation()) {
    stride /= shape[dim];
    dims.push_back({shape[dim], strides[dim], stride});
  }
  bnc_pack record = packRecord(locationOf(op.getInput()), bitsOf(op.getInput()), locationOf(op.getResult()), 0, dims);
  record.result_bits = bitsOf(op.getResult());
  return {{"bnc_rt_pack", wordsOf(record), ""}};
}

std::vector<Step> castSteps(CastOp op) {
  bnc_pack record = packRecord(locationOf(op.getInput()), bitsOf(op.getInput()), locationOf(op.getResult()), 0,
                               {{typeOf(op.getInput()).getNumElements(), 1, 1}});
  record.result_bits = bitsOf(op.getResult());
  return {{"bnc_rt_pack", wordsOf(record), ""}};
}

} // namespace

std::optional<std::vector<Step>> bnc::foldStepsOf(Operation *op) {
  using Steps = std::optional<std::vector<Step>>;
  return llvm::TypeSwitch<Operation *, Steps>(op)
      .Case<FoldCoefficientsOp>([](auto fold) { return foldCoefficientsSteps(fold); })
      .Case<FoldScaleOp>([](auto scale) { return foldScaleSteps(scale); })
      .Case<FoldAddOp>([](auto add) { return foldAddSteps(add); })
      .Case<FoldShiftOp, FoldBorderShiftOp>([](auto shift) { return foldShiftSteps(shift); })
      .Case<ConcatOp>([](auto concat) { return concatSteps(concat); })
      .Case<TransposeOp>([](auto transpose) { return transposeSteps(transpose); })
      .Case<SliceOp>([](auto slice) { return sliceSteps(slice); })
      .Case<CastOp>([](auto cast) { return castSteps(cast); })
      .Default([](Operation *) { return std::nullopt; });
}
