//===- ConvertInputs.cpp - inputs as an application has them ------------------===//
//
// An input changes its type, and ops at the start of the graph make of it what the model file asks for. Kernels compute
// these where they load the input.
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace bnc;

namespace bnc {
#define GEN_PASS_DEF_CONVERTINPUTSPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

namespace {
struct Format {
  bool channelsLast = false, bytes = false;
};

RankedTensorType typeOf(BlockArgument input) { return cast<RankedTensorType>(input.getType()); }
bool holdsFloats(BlockArgument input) { return typeOf(input).getElementType().isF32() && typeOf(input).getRank() >= 2; }
bool hasPixels(BlockArgument input) { return holdsFloats(input) && typeOf(input).getRank() >= 3; }

class InputConversion {
public:
  InputConversion(GraphOp graph, ArrayRef<double> mean, ArrayRef<double> deviation)
      : graph(graph), mean(mean), deviation(deviation), first(&graph.getBody().front().front()), builder(first) {
    // Labels are not part of the model.
    // Behind the model's inputs a training graph has labels, or a gradient for each output.
    unsigned gradients = llvm::count_if(llvm::seq(0u, graph.getNumArguments()),
                                        [&](unsigned i) { return graph.getArgAttr(i, kOutputGradientAttr) != nullptr; });
    inputs = ArrayRef<BlockArgument>(graph.getArguments())
                 .drop_back(graph.getKind() == GraphKind::Training ? std::max(1u, gradients) : 0);
    formats.resize(inputs.size());
  }

  /// Reads "[INPUT=]`other`" or "[INPUT=]`usual`" and has `set` called for each input that is meant.
  LogicalResult choose(StringRef option, StringRef text, StringRef usual, StringRef other, StringRef need,
                       bool (*fits)(BlockArgument), bool Format::*field) {
    auto [name, value] = text.rsplit('=');
    if (!text.contains('='))
      std::tie(name, value) = std::pair(StringRef(), text);
    if (value != usual && value != other)
      return emitError(graph.getLoc()) << option << ": expected " << usual << " or " << other << ", found '" << value << "'";
    bool found = false;
    for (auto [index, input] : llvm::enumerate(inputs)) {
      if (!name.empty() && graph.getInputName(index) != name)
        continue;
      if (!fits(input)) {
        if (name.empty())
          continue;
        return emitError(graph.getLoc()) << option << ": input '" << name << "' is " << input.getType() << "; " << other << " needs "
                                         << need;
      }
      formats[index].*field = value == other;
      found = true;
    }
    if (found || value == usual)
      return success();
    if (name.empty())
      return emitError(graph.getLoc()) << option << ": the model has no input of " << need;
    return emitError(graph.getLoc()) << option << ": the model has no input '" << name << "'; it has " << names();
  }

  LogicalResult run() {
    for (auto [index, input] : llvm::enumerate(inputs))
      if (holdsFloats(input) && failed(convert(index, input)))
        return failure();
    graph.setFunctionType(FunctionType::get(graph.getContext(), graph.getBody().getArgumentTypes(), graph.getResultTypes()));
    return success();
  }

private:
  std::string names() {
    return llvm::join(llvm::map_range(llvm::seq<size_t>(0, inputs.size()),
                                      [&](size_t index) { return "'" + graph.getInputName(index).str() + "'"; }),
                      ", ");
  }

  LogicalResult convert(unsigned index, BlockArgument input) {
    RankedTensorType type = typeOf(input);
    int64_t rank = type.getRank(), channels = type.getDimSize(1);
    for (auto [option, numbers] : {std::pair("--mean", mean), std::pair("--std", deviation)})
      if (numbers.size() > 1 && static_cast<int64_t>(numbers.size()) != channels)
        return emitError(graph.getLoc()) << option << " has " << numbers.size() << " numbers, but input '" << graph.getInputName(index)
                                         << "' has " << channels << " channels; expected one number, or one per channel";
    Format format = formats[index];
    Location loc = input.getLoc();

    SmallVector<int64_t> permutation{0, rank - 1};
    llvm::append_range(permutation, llvm::seq<int64_t>(1, rank - 1));
    SmallVector<int64_t> shape(type.getShape());
    if (format.channelsLast)
      std::rotate(shape.begin() + 1, shape.begin() + 2, shape.end());
    Type element = format.bytes ? builder.getIntegerType(8, /*isSigned=*/false) : type.getElementType();
    Value value = input;
    input.setType(RankedTensorType::get(shape, element));
    if (format.bytes)
      value = CastOp::create(builder, loc, RankedTensorType::get(shape, type.getElementType()), value);
    if (format.channelsLast) {
      graph.setArgAttr(index, kLayoutAttr, builder.getStringAttr(kChannelsLast));
      value = TransposeOp::create(builder, loc, type, value, permutation);
    }
    if (format.bytes)
      value = DivOp::create(builder, loc, type, value, constant(loc, 255, rank));
    if (llvm::any_of(mean, [](double x) { return x != 0; }))
      value = SubOp::create(builder, loc, type, value, constant(loc, mean, rank));
    if (llvm::any_of(deviation, [](double x) { return x != 1; }))
      value = DivOp::create(builder, loc, type, value, constant(loc, deviation, rank));
    input.replaceUsesWithIf(value, [&](OpOperand &use) { return !use.getOwner()->isBeforeInBlock(first); });
    return success();
  }

  /// One number for all, or one per channel of a tensor (N, C, ...) of `rank`.
  Value constant(Location loc, ArrayRef<double> numbers, int64_t rank) {
    bool same = llvm::all_equal(numbers);
    SmallVector<int64_t> shape;
    if (!same) {
      shape.assign(rank - 1, 1);
      shape[0] = numbers.size();
    }
    auto type = RankedTensorType::get(shape, builder.getF32Type());
    SmallVector<float> values(numbers.begin(), same ? numbers.begin() + 1 : numbers.end());
    return ConstantOp::create(builder, loc, type, DenseElementsAttr::get(type, ArrayRef<float>(values)));
  }

  GraphOp graph;
  ArrayRef<double> mean, deviation;
  Operation *first; // of the graph as it was
  OpBuilder builder;
  ArrayRef<BlockArgument> inputs;
  SmallVector<Format> formats;
};

struct ConvertInputsPass : bnc::impl::ConvertInputsPassBase<ConvertInputsPass> {
  using ConvertInputsPassBase::ConvertInputsPassBase;

  void runOnOperation() override {
    for (GraphOp graph : getOperation().getOps<GraphOp>())
      if (graph.getKind() != GraphKind::Model && failed(convert(graph)))
        return signalPassFailure();
  }

private:
  LogicalResult convert(GraphOp graph) {
    InputConversion conversion(graph, mean, deviation);
    for (const std::string &text : layouts)
      if (failed(conversion.choose("--input-layout", text, "nchw", kChannelsLast, "type f32 with pixels", hasPixels, &Format::channelsLast)))
        return failure();
    for (const std::string &text : types)
      if (failed(conversion.choose("--input-type", text, "f32", "u8", "type f32", holdsFloats, &Format::bytes)))
        return failure();
    return conversion.run();
  }
};
} // namespace
