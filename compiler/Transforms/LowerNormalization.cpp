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
      else
        continue;
      if (failed(checkAxis(&op)))
        return failure();
      dead.push_back(&op);
    }
    for (Operation *op : llvm::reverse(dead))
      if (op->use_empty())
        op->erase();
    return success();
  }

private:
  /// Kernels see (N, C, ...): any other feature dimension has to be transposed there first.
  LogicalResult checkAxis(Operation *op) {
    auto index = op->getAttrOfType<IntegerAttr>("feature_index");
    if (!index || index.getInt() == 1)
      return success();
    return op->emitOpError("has feature_index = ") << index.getInt() << "; kernels exist for feature_index = 1";
  }

  RankedTensorType scalar() { return RankedTensorType::get({}, builder.getF64Type()); }
  Type inDouble(Value value) { return cast<RankedTensorType>(value.getType()).clone(builder.getF64Type()); }

  void lower(BatchStatsOp op) {
    auto partials = PartialMomentsOp::create(builder, op.getLoc(), partialsOf(3, op.getInput(), op.getFeatureIndex()),
                                             op.getInput());
    auto merged = MergeMomentsOp::create(builder, op.getLoc(), inDouble(op.getMean()), inDouble(op.getVariance()),
                                         scalar(), partials, nullptr);
    statistics[op.getMean()] = merged.getMean();
    statistics[op.getVariance()] = merged.getVariance();
    statistics[op.getCount()] = merged.getCount();
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
    sums[op.getSum()] = sums[op.getCentred()] = merged;
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

  /// A sum over everything but the channels: a bias gradient.
  void lower(ReduceSumOp op) {
    auto input = cast<RankedTensorType>(op.getInput().getType());
    SmallVector<int64_t> others{0};
    llvm::append_range(others, llvm::seq<int64_t>(2, input.getRank()));
    SmallVector<int64_t> axes(op.getAxes());
    llvm::sort(axes);
    if (axes != others || op.getKeepDims())
      return;
    auto partials = PartialSumsOp::create(builder, op.getLoc(), partialsOf(1, op.getInput(), 1), op.getInput(), ValueRange{});
    Value merged = MergeSumsOp::create(builder, op.getLoc(), RankedTensorType::get({1, input.getDimSize(1)}, builder.getF64Type()), partials, nullptr);
    op.replaceAllUsesWith(ChannelGradientOp::create(builder, op.getLoc(), op.getType(), merged, Value(), 0, APFloat(0.0), nullptr).getResult());
  }

  GraphOp graph;
  OpBuilder builder;
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
