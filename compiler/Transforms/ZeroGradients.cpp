//===- ZeroGradients.cpp - bnc-zero-gradients -------------------------------===//
//
// normalize_gradient with the batch's own sums returns s * (g - mean(g) - xhat * mean(g * xhat)) per channel; its sum
// over the channel is s * (sum g - sum g - 0), because the sum of xhat is zero (Ioffe and Szegedy 2015, section 3).
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/ChannelAxis.h"
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

#include "llvm/ADT/TypeSwitch.h"

namespace bnc {
#define GEN_PASS_DEF_ZEROGRADIENTSPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

using namespace mlir;
using namespace bnc;

using MaybeAxis = std::optional<ChannelAxis>;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// The gradient subtracts its own sums, with statistics of the input it is the gradient of.
static bool subtractsOwnSums(NormalizeGradientOp op) {
  auto sums = op.getSum() ? op.getSum().getDefiningOp<GradientSumsOp>() : nullptr;
  auto stats = op.getMean().getDefiningOp<BatchStatsOp>();
  return sums && stats && stats.getInput() == op.getInput() && sums.getGradient() == op.getGradient() &&
         sums.getInput() == op.getInput() && sums.getMean() == op.getMean() && op.getCentred() == sums.getCentred() &&
         op.getCount() == stats.getCount();
}

/// The channels over each of which `value` sums to zero.
static MaybeAxis findZeroSums(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return std::nullopt;
  return llvm::TypeSwitch<Operation *, MaybeAxis>(op)
      .Case<NormalizeGradientOp>([](NormalizeGradientOp gradient) -> MaybeAxis {
        if (!subtractsOwnSums(gradient))
          return std::nullopt;
        return getPlainAxis(gradient.getType(), gradient.getFeatureIndex());
      })
      .Case<ReshapeOp>([](ReshapeOp reshape) -> MaybeAxis {
        MaybeAxis axis = findZeroSums(reshape.getInput());
        return axis ? reshapeAxis(*axis, typeOf(reshape.getInput()), reshape.getType()) : std::nullopt;
      })
      .Case<TransposeOp>([](TransposeOp transpose) -> MaybeAxis {
        MaybeAxis axis = findZeroSums(transpose.getInput());
        return axis ? MaybeAxis(transposeAxis(*axis, transpose.getPermutation())) : std::nullopt;
      })
      .Case<AvgPoolGradientOp>([](AvgPoolGradientOp pool) -> MaybeAxis {
        // Each window hands its gradient on in full, unless a part of it goes to padding.
        bool loses = pool.getCountIncludePad() && llvm::any_of(pool.getPads(), [](int64_t pad) { return pad != 0; });
        MaybeAxis axis = loses ? std::nullopt : findZeroSums(pool.getGradient());
        return axis && axis->dim == 1 ? axis : std::nullopt;
      })
      .Default([](Operation *) { return std::nullopt; });
}

/// `op` leaves nothing but the sums over channels.
static bool sumsOverChannels(ReduceSumOp op, const ChannelAxis &axis) {
  for (int64_t dim = 0; dim < typeOf(op.getInput()).getRank(); ++dim) {
    bool summed = llvm::is_contained(op.getAxes(), dim);
    if (dim == axis.dim ? summed : !summed && typeOf(op.getInput()).getDimSize(dim) != 1)
      return false;
  }
  return axis.isPlain();
}

namespace {
struct ZeroGradientsPass : bnc::impl::ZeroGradientsPassBase<ZeroGradientsPass> {
  void runOnOperation() override {
    getOperation().walk([](ReduceSumOp op) {
      MaybeAxis axis = findZeroSums(op.getInput());
      if (!axis || !sumsOverChannels(op, *axis) || !op.getType().hasStaticShape())
        return;
      OpBuilder builder(op);
      auto zeros = DenseElementsAttr::get(op.getType(), builder.getZeroAttr(op.getType().getElementType()));
      op.getResult().replaceAllUsesWith(ConstantOp::create(builder, op.getLoc(), zeros).getResult());
      op.erase();
    });
  }
};
} // namespace
