//===- Simplify.cpp - bnc-simplify ------------------------------------------===//

#include "compiler/Transforms/Passes.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace bnc {
#define GEN_PASS_DEF_SIMPLIFYPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

static bool allZero(ArrayRef<int64_t> values) {
  return llvm::all_of(values, [](int64_t value) { return value == 0; });
}

/// True if the op returns its first operand as it is.
static bool isIdentity(Operation *op) {
  if (op->getNumOperands() == 0 || op->getOperand(0).getType() != op->getResult(0).getType())
    return false;
  if (isa<CastOp, SliceOp>(op)) // a slice of the input's own size takes all of it
    return true;
  if (auto pad = dyn_cast<PadOp>(op))
    return allZero(pad.getLow()) && allZero(pad.getHigh());
  if (isa<AvgPoolOp, MaxPoolOp>(op)) // of windows of one element each
    return llvm::all_of(op->getAttrOfType<DenseI64ArrayAttr>("kernel").asArrayRef(), [](int64_t size) { return size == 1; });
  if (auto dropout = dyn_cast<DropoutOp>(op))
    return dropout.getRatio().isZero();
  if (auto reduce = dyn_cast<ReduceSumOp>(op))
    return reduce.getAxes().empty();
  if (auto reduce = dyn_cast<ReduceMeanOp>(op))
    return reduce.getAxes().empty();
  if (auto reduce = dyn_cast<ReduceMaxOp>(op))
    return reduce.getAxes().empty();
  return isa<ConcatOp>(op) && op->getNumOperands() == 1;
}

namespace {
template <typename OpTy> struct RemoveIdentity : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    if (!isIdentity(op))
      return rewriter.notifyMatchFailure(op, "op does something");
    rewriter.replaceOp(op, op->getOperand(0));
    return success();
  }
};

struct ComposeReshapes : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<ReshapeOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "input is no reshape");
    Location loc = rewriter.getFusedLoc({inner.getLoc(), op.getLoc()});
    rewriter.replaceOp(op, ReshapeOp::create(rewriter, loc, op.getType(), inner.getInput(), op.getShapeAttr()));
    return success();
  }
};

struct ComposeTransposes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<TransposeOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "input is no transpose");
    SmallVector<int64_t> permutation;
    for (int64_t dim : op.getPermutation())
      permutation.push_back(inner.getPermutation()[dim]);
    Location loc = rewriter.getFusedLoc({inner.getLoc(), op.getLoc()});
    rewriter.replaceOp(op, TransposeOp::create(rewriter, loc, op.getType(), inner.getInput(),
                                               rewriter.getDenseI64ArrayAttr(permutation)));
    return success();
  }
};

/// A concat whose first inputs are those of an earlier one joins that one and the rest: what is known of the earlier one's
/// channels, or computed for them, is then the same for both.
struct NestConcats : OpRewritePattern<ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConcatOp op, PatternRewriter &rewriter) const override {
    ConcatOp longest;
    auto inputs = op.getInputs();
    for (Operation *user : inputs.front().getUsers()) {
      auto other = dyn_cast<ConcatOp>(user);
      if (!other || other->getBlock() != op->getBlock() || !other->isBeforeInBlock(op) || other.getAxis() != op.getAxis())
        continue;
      size_t count = other.getInputs().size();
      if (count < inputs.size() && llvm::equal(other.getInputs(), inputs.take_front(count)) &&
          (!longest || count > longest.getInputs().size()))
        longest = other;
    }
    if (!longest)
      return rewriter.notifyMatchFailure(op, "no earlier concat of its first inputs");
    SmallVector<Value> nested{longest};
    llvm::append_range(nested, inputs.drop_front(longest.getInputs().size()));
    rewriter.modifyOpInPlace(op, [&] { op.getInputsMutable().assign(nested); });
    return success();
  }
};

/// A splat has the same elements under every shape.
template <typename OpTy> struct MoveIntoSplat : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    auto constant = op.getInput().template getDefiningOp<ConstantOp>();
    auto splat = constant ? dyn_cast<SplatElementsAttr>(constant.getValue()) : nullptr;
    if (!splat || !op.getType().hasStaticShape())
      return rewriter.notifyMatchFailure(op, "input is no splat");
    rewriter.replaceOpWithNewOp<ConstantOp>(op, splat.resizeSplat(op.getType()));
    return success();
  }
};

struct SimplifyPass : bnc::impl::SimplifyPassBase<SimplifyPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ComposeReshapes, ComposeTransposes, NestConcats, MoveIntoSplat<ReshapeOp>, MoveIntoSplat<TransposeOp>,
                 RemoveIdentity<AvgPoolOp>, RemoveIdentity<CastOp>, RemoveIdentity<ConcatOp>, RemoveIdentity<DropoutOp>,
                 RemoveIdentity<MaxPoolOp>, RemoveIdentity<PadOp>, RemoveIdentity<ReduceMaxOp>,
                 RemoveIdentity<ReduceMeanOp>, RemoveIdentity<ReduceSumOp>, RemoveIdentity<SliceOp>>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
