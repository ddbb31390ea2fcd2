//===- LowerNormalization.cpp - reductions, coefficients, arithmetic on a load -===//
//
// Afterwards whatever a batch normalization does to a tensor is one multiply-add per element that any kernel can
// apply where it reads, and what it needs of a tensor is a sum that any kernel can take where it writes. Between the
// two stands a step of the runtime, in double.
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/Passes.h"

#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace bnc;

namespace bnc {
#define GEN_PASS_DEF_LOWERNORMALIZATIONPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

namespace {
RankedTensorType rowsOf(int64_t rows, Value channels) {
  auto type = cast<RankedTensorType>(channels.getType());
  return RankedTensorType::get({rows, type.getDimSize(0)}, type.getElementType());
}

RankedTensorType partialsOf(int64_t terms, Value tensor, int64_t featureIndex) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return RankedTensorType::get({ShapedType::kDynamic, terms, type.getDimSize(featureIndex)}, type.getElementType());
}

class Lowering {
public:
  explicit Lowering(GraphOp graph) : graph(graph), builder(graph.getContext()) {}

  LogicalResult run() {
    for (Operation &op : llvm::make_early_inc_range(graph.getBody().front())) {
      builder.setInsertionPoint(&op);
      moveChannels(&op);
      if (auto stats = dyn_cast<BatchStatsOp>(op))
        lower(stats);
      else if (auto normalize = dyn_cast<NormalizeOp>(op))
        lower(normalize);
      else if (auto sums = dyn_cast<GradientSumsOp>(op))
        lower(sums);
      else if (auto gradient = dyn_cast<NormalizeGradientOp>(op))
        lower(gradient);
      else if (auto scale = dyn_cast<ScaleGradientOp>(op))
        lower(scale);
      else if (auto update = dyn_cast<UpdateRunningOp>(op))
        lower(update);
      else if (auto sum = dyn_cast<ReduceSumOp>(op))
        lower(sum);
      else if (auto move = dyn_cast<UpdateAverageOp>(op))
        lower(move);
      else
        continue;
      dead.push_back(&op);
    }
    for (Operation *op : llvm::reverse(dead))
      if (op->use_empty())
        op->erase();
    return success();
  }

private:
  /// Kernels see (N, C, H, W): an op with another feature dimension works on a transposed tensor, one of rank 5 on one
  /// with two dimensions joined.
  void moveChannels(Operation *op) {
    auto index = op->getAttrOfType<IntegerAttr>("feature_index");
    if (!index)
      return;
    auto type = cast<RankedTensorType>(op->getOperand(0).getType());
    if (index.getInt() == 1 && type.getRank() <= 4)
      return;
    SmallVector<int64_t> joined(type.getShape());
    int64_t feature = index.getInt();
    if (type.getRank() > 4) {
      int64_t first = feature > 2 && type.getRank() - feature < 3 ? 1 : feature + 1; // two neighbours, none the features
      joined[first] *= joined[first + 1];
      joined.erase(joined.begin() + first + 1);
      feature -= first < feature;
    }
    SmallVector<int64_t> there{0, feature}, back(joined.size());
    for (int64_t dim = 1; dim < int64_t(joined.size()); ++dim)
      if (dim != feature)
        there.push_back(dim);
    for (auto [to, from] : llvm::enumerate(there))
      back[from] = to;
    auto shaped = [&](Value value, ArrayRef<int64_t> shape) -> Value {
      auto type = cast<RankedTensorType>(value.getType());
      if (type.getShape() == shape)
        return value;
      SmallVector<int64_t> attribute(shape);
      if (ShapedType::isDynamic(attribute[0]))
        attribute[0] = -1;
      return ReshapeOp::create(builder, op->getLoc(), RankedTensorType::get(shape, type.getElementType()), value, attribute);
    };
    auto transposed = [&](Value value, ArrayRef<int64_t> permutation) -> Value {
      auto type = cast<RankedTensorType>(value.getType());
      if (llvm::equal(permutation, llvm::seq<int64_t>(0, type.getRank())))
        return value;
      SmallVector<int64_t> shape;
      for (int64_t dim : permutation)
        shape.push_back(type.getDimSize(dim));
      return TransposeOp::create(builder, op->getLoc(), RankedTensorType::get(shape, type.getElementType()), value, permutation);
    };
    for (OpOperand &operand : op->getOpOperands())
      if (operand.get().getType() == type)
        operand.set(transposed(shaped(operand.get(), joined), there));
    op->setAttr("feature_index", builder.getI64IntegerAttr(1));
    if (op->getResult(0).getType() != type)
      return;
    Value result = op->getResult(0);
    result.setType(op->getOperand(0).getType());
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointAfter(op);
    Value original = shaped(transposed(result, back), type.getShape());
    result.replaceAllUsesExcept(original, [&] {
      Operation *first = original.getDefiningOp();
      while (first->getOperand(0) != result)
        first = first->getOperand(0).getDefiningOp();
      return first;
    }());
  }

  RankedTensorType scalar() { return RankedTensorType::get({}, builder.getF64Type()); }
  Type inDouble(Value value) { return cast<RankedTensorType>(value.getType()).clone(builder.getF64Type()); }

  void lower(BatchStatsOp op) {
    Moments moments = momentsOf(op.getInput(), op.getLoc());
    statistics[op.getMean()] = moments.mean;
    statistics[op.getVariance()] = moments.variance;
    statistics[op.getCount()] = moments.count;
  }

  struct Moments {
    Value mean, variance, count;
  };

  /// Channels that are joined are those of the parts, whose moments are taken where they are made, and once.
  Moments momentsOf(Value value, Location loc) {
    if (auto found = moments.find(value); found != moments.end())
      return found->second;
    auto concat = value.getDefiningOp<ConcatOp>();
    Type perChannel = RankedTensorType::get({cast<RankedTensorType>(value.getType()).getDimSize(1)}, builder.getF64Type());
    Moments result;
    if (concat && concat.getAxis() == 1) {
      SmallVector<Value> means, variances;
      for (Value part : concat.getInputs()) {
        Moments ofPart = momentsOf(part, loc);
        means.push_back(ofPart.mean);
        variances.push_back(ofPart.variance);
        result.count = ofPart.count;
      }
      result.mean = ConcatOp::create(builder, loc, perChannel, means, 0);
      result.variance = ConcatOp::create(builder, loc, perChannel, variances, 0);
    } else {
      auto partials = PartialMomentsOp::create(builder, loc, partialsOf(3, value, 1), value);
      auto merged = MergeMomentsOp::create(builder, loc, perChannel, perChannel, scalar(), partials, nullptr);
      result = {merged.getMean(), merged.getVariance(), merged.getCount()};
    }
    return moments[value] = result;
  }

  /// The merged statistics, or the running ones as they are.
  Value statistic(Value value) {
    auto found = statistics.find(value);
    return found == statistics.end() ? value : found->second;
  }

  void lower(NormalizeOp op) {
    Value coefficients = NormalizeCoefficientsOp::create(builder, op.getLoc(), rowsOf(3, op.getMean()), op.getScale(),
                                                         op.getOffset(), statistic(op.getMean()),
                                                         statistic(op.getVariance()), op.getEpsilonAttr(), nullptr);
    centres[op.getMean()] = coefficients;
    op.replaceAllUsesWith(ApplyNormalizeOp::create(builder, op.getLoc(), op.getType(), op.getInput(), coefficients).getResult());
  }

  void lower(GradientSumsOp op) {
    // The first row of the forward coefficients is the mean, rounded: any number near it centres the sum.
    Value centre = centres.lookup(op.getMean());
    auto partials = PartialSumsOp::create(builder, op.getLoc(), partialsOf(2, op.getInput(), op.getFeatureIndex()),
                                          op.getGradient(), ValueRange{op.getInput(), centre});
    Value merged = MergeSumsOp::create(builder, op.getLoc(), RankedTensorType::get({2, rowsOf(2, op.getMean()).getDimSize(1)}, builder.getF64Type()),
                                       partials, nullptr);
    sums[op.getSum()] = merged;
    sums[op.getCentred()] = merged;
    if (!onlyFeeds<NormalizeGradientOp>(op.getSum()))
      op.getSum().replaceUsesWithIf(
          ChannelGradientOp::create(builder, op.getLoc(), op.getSum().getType(), merged, Value(), 0, APFloat(0.0), nullptr),
          [](OpOperand &use) { return !isa<NormalizeGradientOp>(use.getOwner()); });
  }

  template <typename User> static bool onlyFeeds(Value value) {
    return llvm::all_of(value.getUsers(), [](Operation *user) { return isa<User>(user); });
  }

  void lower(ScaleGradientOp op) {
    op.replaceAllUsesWith(ChannelGradientOp::create(builder, op.getLoc(), op.getType(), sums.lookup(op.getCentred()),
                                                    statistic(op.getVariance()), 1, op.getEpsilon(), nullptr)
                              .getResult());
  }

  void lower(NormalizeGradientOp op) {
    Value merged = op.getSum() ? sums.lookup(op.getSum()) : Value();
    Value count = op.getCount() ? statistic(op.getCount()) : Value();
    Value coefficients =
        GradientCoefficientsOp::create(builder, op.getLoc(), rowsOf(4, op.getMean()), op.getScale(), statistic(op.getMean()),
                                       statistic(op.getVariance()), merged, count, op.getEpsilonAttr(), nullptr);
    op.replaceAllUsesWith(ApplyNormalizeGradientOp::create(builder, op.getLoc(), op.getType(), op.getGradient(),
                                                           op.getInput(), coefficients)
                              .getResult());
  }

  void lower(UpdateRunningOp op) {
    SmallVector<Type> types(op->getResultTypes());
    auto moved = MoveRunningOp::create(builder, op.getLoc(), types, op.getMean(), op.getVariance(), op.getSteps(),
                                       statistic(op.getBatchMean()), statistic(op.getBatchVariance()),
                                       statistic(op.getCount()), op.getDecayAttr(), op.getRunningVarianceAttr(),
                                       op.getCumulativeAttr(), nullptr);
    op.replaceAllUsesWith(moved.getResults());
  }

  /// (N, number of elements of a sample).
  Value flattened(Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    int64_t features = 1;
    for (int64_t size : type.getShape().drop_front())
      features *= size;
    if (type.getRank() == 2)
      return value;
    auto flat = RankedTensorType::get({type.getDimSize(0), features}, type.getElementType());
    return ReshapeOp::create(builder, value.getLoc(), flat, value, ArrayRef<int64_t>{-1, features});
  }

  /// The mean of a batch is that of batch statistics with every element a channel.
  void lower(UpdateAverageOp op) {
    Value input = flattened(op.getInput());
    auto partials = PartialMomentsOp::create(builder, op.getLoc(), partialsOf(3, input, 1), input);
    auto moments = RankedTensorType::get({cast<RankedTensorType>(input.getType()).getDimSize(1)}, builder.getF64Type());
    auto merged = MergeMomentsOp::create(builder, op.getLoc(), moments, moments, scalar(), partials, nullptr);
    op.replaceAllUsesWith(MoveAverageOp::create(builder, op.getLoc(), op.getType(), op.getAverage(), merged.getMean(),
                                                merged.getCount(), op.getDecayAttr(), nullptr)
                              .getResult());
  }

  /// A sum over everything but the channels: a bias gradient. One over the batch alone: every element is a channel.
  void lower(ReduceSumOp op) {
    Value input = op.getInput();
    SmallVector<int64_t> others{0};
    llvm::append_range(others, llvm::seq<int64_t>(2, cast<RankedTensorType>(input.getType()).getRank()));
    SmallVector<int64_t> axes(op.getAxes());
    llvm::sort(axes);
    if (op.getKeepDims() || (axes != others && axes != ArrayRef<int64_t>{0}))
      return;
    if (axes != others)
      input = flattened(input);
    int64_t channels = cast<RankedTensorType>(input.getType()).getDimSize(1);
    auto partials = PartialSumsOp::create(builder, op.getLoc(), partialsOf(1, input, 1), input, ValueRange{});
    Value merged = MergeSumsOp::create(builder, op.getLoc(), RankedTensorType::get({1, channels}, builder.getF64Type()), partials, nullptr);
    if (onlyFeeds<UpdateAverageGradientOp>(op.getResult())) { // no gradient of a parameter, which the norm would count
      op.replaceAllUsesWith(PackOp::create(builder, op.getLoc(), op.getType(), merged, ArrayRef<int64_t>{}, ArrayRef<int64_t>{},
                                           false, false, 1, nullptr, 0, 0, nullptr)
                                .getResult());
      return;
    }
    op.replaceAllUsesWith(ChannelGradientOp::create(builder, op.getLoc(), op.getType(), merged, Value(), 0, APFloat(0.0), nullptr).getResult());
  }

  GraphOp graph;
  OpBuilder builder;
  DenseMap<Value, Moments> moments;  // of a tensor's channels, in double
  DenseMap<Value, Value> statistics; // results of batch_stats -> merged in double
  DenseMap<Value, Value> centres;    // mean -> coefficients that hold it
  DenseMap<Value, Value> sums;       // results of gradient_sums -> merged sums
  SmallVector<Operation *> dead;
};

struct LowerNormalizationPass : bnc::impl::LowerNormalizationPassBase<LowerNormalizationPass> {
  void runOnOperation() override {
    for (GraphOp graph : getOperation().getOps<GraphOp>())
      if (failed(Lowering(graph).run()))
        return signalPassFailure();
  }
};
} // namespace
