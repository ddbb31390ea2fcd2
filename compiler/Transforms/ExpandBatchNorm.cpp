//===- ExpandBatchNorm.cpp - bnc-expand-batch-norm --------------------------===//
//
// The contract is that of bnc.batch_norm (ir/BncOps.td): batch statistics normalize, running statistics move once per
// op. Assignments stand at the end of the graph, one per variable, with what the last update gave.
//
//===----------------------------------------------------------------------===//

#include "compiler/Support/Locations.h"
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

#include "llvm/ADT/MapVector.h"

namespace bnc {
#define GEN_PASS_DEF_EXPANDBATCHNORMPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

namespace {
class Expander {
public:
  Expander(GraphOp graph, SymbolTable &symbols) : graph(graph), symbols(symbols) {}

  LogicalResult expandForTraining(BatchNormOp op);
  LogicalResult expandForInference(BatchNormOp op);
  void assignUpdated();

private:
  void expandWithRunningStatistics(BatchNormOp op);
  LogicalResult expandWithBatchStatistics(BatchNormOp op);
  void moveRunning(BatchNormOp op, BatchStatsOp stats);
  LogicalResult checkStatistics(BatchNormOp op);
  LogicalResult checkCount(BatchNormOp op);
  /// The value of the running variable that `read` reads, after the updates so far.
  Value latest(Value read);
  void update(Value read, Value value, Location loc);

  GraphOp graph;
  SymbolTable &symbols;
  llvm::MapVector<StringAttr, std::pair<Value, Location>> updated;
};
} // namespace

LogicalResult Expander::checkStatistics(BatchNormOp op) {
  for (auto [name, value] :
       {std::pair<StringRef, Value>("mean", op.getMean()), {"variance", op.getVariance()}, {"count", op.getCount()}}) {
    if (!value)
      continue;
    VariableOp variable = getReadVariable(value, symbols);
    if (!variable) // C5
      return op.emitOpError() << "has a " << name << " that is no variable, so that training cannot move it; expected "
                              << "bnc.read of a variable in batch_stats, or freeze the op";
    if (variable.getCollection() != Collection::BatchStats)
      return op.emitOpError() << "has @" << variable.getSymName() << " as its " << name << ", which is in "
                              << stringifyCollection(variable.getCollection())
                              << "; running statistics are in batch_stats";
  }
  return success();
}

LogicalResult Expander::checkCount(BatchNormOp op) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  bool dynamic = false;
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    if (static_cast<int64_t>(dim) == static_cast<int64_t>(op.getFeatureIndex()))
      continue;
    if (!ShapedType::isDynamic(size) && size != 1)
      return success();
    dynamic |= ShapedType::isDynamic(size);
  }
  if (!dynamic)
    return op.emitOpError() << "has a single value per channel in " << type
                            << ", which has no variance; training needs a larger batch, or freeze the op";
  if (!graph->hasAttr(kMinimumBatchAttr)) {
    graph->setAttr(kMinimumBatchAttr, IntegerAttr::get(IntegerType::get(graph.getContext(), 64), 2));
    StringRef node = getNodeName(op.getLoc());
    graph->setAttr(kMinimumBatchNodeAttr,
                   StringAttr::get(graph.getContext(), node.empty() ? op->getName().stripDialect() : node));
  }
  return success();
}

Value Expander::latest(Value read) {
  auto found = updated.find(read.getDefiningOp<ReadOp>().getVariableAttr().getAttr());
  return found == updated.end() ? read : found->second.first;
}

void Expander::update(Value read, Value value, Location loc) {
  updated.insert_or_assign(read.getDefiningOp<ReadOp>().getVariableAttr().getAttr(), std::pair(value, loc));
}

LogicalResult Expander::expandForTraining(BatchNormOp op) {
  if (op.getFrozen()) {
    expandWithRunningStatistics(op);
    return success();
  }
  if (failed(checkStatistics(op)))
    return failure();
  return expandWithBatchStatistics(op);
}

LogicalResult Expander::expandWithBatchStatistics(BatchNormOp op) {
  if (failed(checkCount(op)))
    return failure();
  OpBuilder builder(op);
  Location loc = op.getLoc();
  auto stats = BatchStatsOp::create(builder, loc, op.getInput(), op.getFeatureIndexAttr());
  auto normalize = NormalizeOp::create(builder, loc, op.getInput(), op.getScale(), op.getOffset(), stats.getMean(),
                                       stats.getVariance(), op.getFeatureIndexAttr(), op.getEpsilonAttr());
  op.getResult().replaceAllUsesWith(normalize.getResult());
  if (op.getMean()) // which inference does not come here with
    moveRunning(op, stats);
  op.erase();
  return success();
}

void Expander::moveRunning(BatchNormOp op, BatchStatsOp stats) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  Value steps = op.getCumulative() ? latest(op.getCount()) : Value();
  auto running = UpdateRunningOp::create(builder, loc, latest(op.getMean()), latest(op.getVariance()), steps,
                                         stats.getMean(), stats.getVariance(), stats.getCount(), op.getDecayAttr(),
                                         op.getRunningVarianceAttr(), op.getCumulativeAttr());
  update(op.getMean(), running.getNewMean(), loc);
  update(op.getVariance(), running.getNewVariance(), loc);
  if (steps)
    update(op.getCount(), running.getNewSteps(), loc);
}

LogicalResult Expander::expandForInference(BatchNormOp op) {
  if (!op.getMean())
    return expandWithBatchStatistics(op);
  expandWithRunningStatistics(op);
  return success();
}

void Expander::expandWithRunningStatistics(BatchNormOp op) {
  OpBuilder builder(op);
  auto normalize = NormalizeOp::create(builder, op.getLoc(), op.getInput(), op.getScale(), op.getOffset(), op.getMean(),
                                       op.getVariance(), op.getFeatureIndexAttr(), op.getEpsilonAttr());
  op.getResult().replaceAllUsesWith(normalize.getResult());
  op.erase();
}

void Expander::assignUpdated() {
  OpBuilder builder(getReturn(graph));
  for (auto &[variable, update] : updated)
    AssignOp::create(builder, update.second, FlatSymbolRefAttr::get(variable), update.first);
}

namespace {
struct ExpandBatchNormPass : bnc::impl::ExpandBatchNormPassBase<ExpandBatchNormPass> {
  using ExpandBatchNormPassBase::ExpandBatchNormPassBase;

  void runOnOperation() override {
    GraphOp graph = findGraph(getOperation(), phase);
    if (!graph)
      return signalPassFailure();
    SymbolTable symbols(getOperation());
    Expander expander(graph, symbols);
    bool failed = false;
    for (auto op : llvm::make_early_inc_range(graph.getBody().front().getOps<BatchNormOp>()))
      failed |= mlir::failed(phase == GraphKind::Training ? expander.expandForTraining(op) : expander.expandForInference(op));
    if (failed)
      return signalPassFailure();
    expander.assignUpdated();
  }
};
} // namespace
