//===- FormKernels.cpp - the group former ------------------------------------===//
//
// Decides which values live in memory and puts everything else into the kernels that need it.
//
// A value is in memory if statistics or sums are taken of it, if it leaves the graph, if it is an anchor's result that
// several ops use, or if recomputing it in several kernels would read more than storing it once. Every such value is a
// root, computed by one kernel; roots that read the same gradient share one.
//
// Values in memory that are joined along the channels lie next to each other from the start: the bnc.concat is then a
// larger value in memory, and stays outside the kernels.
//
//===----------------------------------------------------------------------===//

#include "compiler/Support/Target.h"
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace bnc;

namespace bnc {
#define GEN_PASS_DEF_FORMKERNELSPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

bool bnc::isAnchor(Operation *op) {
  return isa<ConvOp, ConvInputGradientOp, ConvWeightGradientOp, DenseOp, DenseWeightGradientOp, LossGradientOp, LossOp>(op);
}

namespace {
bool isReduction(Operation *op) { return isa<PartialMomentsOp, PartialSumsOp>(op); }

/// May be computed wherever its result is read.
bool isInline(Operation *op) {
  if (auto cast = dyn_cast<CastOp>(op))
    return cast.getType().getElementType().isF32();
  if (auto transpose = dyn_cast<TransposeOp>(op)) // a sample stays one
    return transpose.getPermutation()[0] == 0;
  return isa<ElementwiseOpInterface>(op) ||
         isa<AvgPoolGradientOp, AvgPoolOp, BroadcastOp, ConcatOp, ConstantOp, LogSoftmaxOp, MaxPoolGradientOp, MaxPoolOp,
             UpdateAverageGradientOp, PadOp, ReduceMaxOp, ReduceMeanOp, ReduceSumOp, ReshapeOp, SliceOp, SoftmaxOp>(op);
}

/// One number: written into the kernels that use it. Other constants are inputs.
bool isSplat(Operation *op) {
  auto constant = dyn_cast<ConstantOp>(op);
  return constant && isa<SplatElementsAttr>(constant.getValue());
}

/// Reads more than it writes, by a factor that makes reading it again in every kernel a bad bargain.
bool isReducing(Operation *op) { return isa<ReduceMaxOp, ReduceMeanOp, ReduceSumOp, SoftmaxOp, LogSoftmaxOp>(op); }

class Grouping {
public:
  Grouping(GraphOp graph, const Target &target) : graph(graph), block(graph.getBody().front()), target(target) {}

  LogicalResult run() {
    copyReducedInputs();
    findBatchValues();
    if (failed(checkSupported()))
      return failure();
    findRoots();
    joinRoots();
    findJoined();
    formKernels();
    return success();
  }

private:
  /// Reductions are taken of what a kernel writes: an input of the graph that has one is copied (and brought into the
  /// kernels' layout) first.
  void copyReducedInputs() {
    for (BlockArgument argument : block.getArguments()) {
      if (!llvm::any_of(argument.getUses(), [](OpOperand &use) { return isReduction(use.getOwner()) && use.getOperandNumber() == 0; }))
        continue;
      auto type = cast<RankedTensorType>(argument.getType());
      SmallVector<int64_t> shape(type.getShape());
      shape[0] = -1;
      OpBuilder builder = OpBuilder::atBlockBegin(&block);
      Value copy = ReshapeOp::create(builder, graph.getLoc(), type, argument, shape);
      argument.replaceAllUsesExcept(copy, copy.getDefiningOp());
    }
  }

  /// Values with one entry per sample: what kernels work on. The rest are variables and what is made of them.
  void findBatchValues() {
    for (BlockArgument argument : block.getArguments())
      batch.insert(argument);
    for (Operation &op : block)
      if (!isReduction(&op) && !isa<ConvWeightGradientOp, DenseWeightGradientOp>(op) &&
          llvm::any_of(op.getOperands(), [&](Value operand) { return batch.contains(operand); }))
        for (Value result : op.getResults())
          batch.insert(result);
  }

  bool isInGroup(Operation *op) {
    if (isReduction(op) || isa<ConvWeightGradientOp, DenseWeightGradientOp>(op))
      return true;
    return op->getNumResults() != 0 && batch.contains(op->getResult(0));
  }

  LogicalResult checkSupported() {
    for (Operation &op : block)
      if (isInGroup(&op) && !isAnchor(&op) && !isInline(&op) && !isReduction(&op))
        return op.emitOpError("has no kernel for this target");
      else if (isInGroup(&op) && !joinsPlanes(&op))
        return op.emitOpError("has more than two spatial dimensions; kernels for that exist where they are treated alike "
                              "(elementwise, over channels, over all of them)");
    return success();
  }

  /// Kernels see the planes of (N, C, D, H, W) as one image, D * H rows high.
  bool joinsPlanes(Operation *op) {
    int64_t rank = 0;
    for (Value value : llvm::concat<Value>(llvm::to_vector(op->getOperands()), llvm::to_vector(op->getResults())))
      if (batch.contains(value))
        rank = std::max(rank, cast<RankedTensorType>(value.getType()).getRank());
    if (rank <= 4 || isReduction(op) || isa<UpdateAverageGradientOp, CastOp, ReshapeOp, TransposeOp>(op))
      return true;
    if (isa<BroadcastOp, ReduceMaxOp, ReduceMeanOp, ReduceSumOp>(op)) {
      ArrayRef<int64_t> axes = op->getAttrOfType<DenseI64ArrayAttr>("axes");
      int64_t inner = llvm::count_if(axes, [&](int64_t axis) { return axis > 1 && axis < rank - 1; });
      return inner == 0 || inner == rank - 3;
    }
    if (!isa<ElementwiseOpInterface>(op))
      return false;
    ArrayRef<int64_t> result = cast<RankedTensorType>(op->getResult(0).getType()).getShape();
    return llvm::all_of(op->getOperands(), [&](Value operand) {
      ArrayRef<int64_t> shape = cast<RankedTensorType>(operand.getType()).getShape();
      if (shape.size() + 2 < result.size() || isa<ApplyNormalizeGradientOp, ApplyNormalizeOp>(op))
        return true; // along x at most; coefficients
      int64_t added = result.size() - shape.size(), equal = 0, ones = 0;
      for (int64_t dim = 2; dim + 1 < int64_t(result.size()); ++dim) {
        int64_t size = dim < added ? 1 : shape[dim - added];
        equal += size == result[dim];
        ones += size == 1;
      }
      return equal == rank - 3 || ones == rank - 3;
    });
  }

  /// True if two operands are full tensors: reading it again costs two reads.
  bool joinsTensors(Operation *op) {
    if (!isa<AddOp, SubOp, MulOp, DivOp, MaxOp, MinOp>(op) || op->getNumOperands() != 2)
      return false;
    return llvm::all_of(op->getOperands(), [&](Value operand) {
      return batch.contains(operand) && operand.getType() == op->getResult(0).getType();
    });
  }

  bool mustBeStored(Value value) {
    Operation *op = value.getDefiningOp();
    for (Operation *user : value.getUsers())
      if (isReduction(user) ? user->getOperand(0) == value : isa<ReturnOp, AssignOp>(user))
        return true;
    return !value.hasOneUse() && (isAnchor(op) || joinsTensors(op) || isReducing(op) || hasOverlappingWindows(op));
  }

  /// A pool that reads every element for several of its own.
  static bool hasOverlappingWindows(Operation *op) {
    return isa<AvgPoolOp, MaxPoolOp>(op) && op->getAttr("kernel") != op->getAttr("strides");
  }

  void findRoots() {
    for (Operation &op : block) {
      if (!isInGroup(&op) || isReduction(&op))
        continue;
      for (Value result : op.getResults()) {
        if (result.use_empty() || !batch.contains(result)) {
          if (isa<ConvWeightGradientOp, DenseWeightGradientOp>(op))
            roots.insert(result);
          continue;
        }
        if (mustBeStored(result))
          roots.insert(result);
        else if (isAnchor(&op))
          carried.insert(result);
      }
    }
    // An anchor's result that is not stored itself goes on to the next value that is. Along the way every value has one
    // user; where that user is an anchor again, or something that would sum up many of them, it is stored before.
    for (Value value : carried) {
      Value last = value;
      while (!roots.contains(last)) {
        Operation *user = *last.getUsers().begin();
        if (!last.hasOneUse() || !isInline(user) || isReducing(user) || !absorbs(last, user)) {
          roots.insert(last);
          break;
        }
        last = user->getResult(0);
      }
    }
  }

  /// Whether `user` may be computed by the kernel that computes its operand `value`.
  bool absorbs(Value value, Operation *user) {
    // A pool whose windows overlap would compute the rows between strips twice; its consumer applies it on load.
    auto separate = [](ArrayRef<int64_t> kernel, ArrayRef<int64_t> strides, ArrayRef<int64_t> pads) {
      return llvm::equal(kernel, strides) && llvm::all_of(pads, [](int64_t pad) { return pad == 0; });
    };
    if (auto pool = dyn_cast<AvgPoolOp>(user))
      return separate(pool.getKernel(), pool.getStrides(), pool.getPads());
    if (auto pool = dyn_cast<MaxPoolOp>(user))
      return separate(pool.getKernel(), pool.getStrides(), pool.getPads());
    // Max pooling's gradient reads the pool's input besides; only the gradient comes from the anchor.
    if (auto pool = dyn_cast<MaxPoolGradientOp>(user))
      return pool.getGradient() == value && pool.getInput() != value;
    // Channels that are flattened lie apart; a dense layer reads the image as it is.
    if (auto reshape = dyn_cast<ReshapeOp>(user); reshape && reshape->hasOneUse() && isa<DenseOp>(*reshape->user_begin()))
      return false;
    return isa<AvgPoolGradientOp>(user) || isa<ElementwiseOpInterface>(user) || isa<ReshapeOp>(user);
  }

  /// The gradient that an anchor of the backward pass reads, null for other ops.
  static Value gradientOf(Operation *op) {
    if (isa<ConvInputGradientOp, ConvWeightGradientOp, DenseWeightGradientOp>(op))
      return op->getOperand(0);
    return nullptr;
  }

  void joinRoots() {
    DenseMap<Value, Operation *> byGradient;
    for (Value root : roots)
      groups.insert(root.getDefiningOp());
    auto owner = [&](Value value) { // the root that `value` is carried to
      while (!roots.contains(value))
        value = (*value.getUsers().begin())->getResult(0);
      return value.getDefiningOp();
    };
    auto join = [&](Value key, Operation *root) {
      auto [found, inserted] = byGradient.try_emplace(key, root);
      if (!inserted)
        groups.unionSets(found->second, root);
    };
    for (Operation &op : block)
      if (Value gradient = gradientOf(&op))
        join(gradient, owner(op.getResult(0)));
    // A dense layer applied to a gradient whose weight gradient is taken too is that layer's backward.
    for (Operation &op : block)
      if (auto dense = dyn_cast<DenseOp>(op); dense && byGradient.count(dense.getInput()) &&
                                              (roots.contains(dense) || carried.contains(dense)))
        join(dense.getInput(), owner(dense.getResult()));
    // Loss and gradient of the loss read the same outputs.
    for (Operation &op : block)
      if (isa<LossOp, LossGradientOp>(op))
        for (Value result : op.getResults())
          if (roots.contains(result) || carried.contains(result))
            join(op.getOperand(0), owner(result));
  }

  /// Concatenations of channels that are all in memory, and have no other place there.
  void findJoined() {
    llvm::DenseSet<Value> parts;
    for (auto concat : block.getOps<ConcatOp>()) {
      if (concat.getAxis() != 1 || !batch.contains(concat) || roots.contains(concat))
        continue;
      bool fits = true;
      int64_t begin = 0, end = cast<RankedTensorType>(concat.getType()).getDimSize(1);
      llvm::SmallDenseSet<Value> own;
      for (Value part : concat.getInputs()) {
        // What is stored of a part must not reach into the next one, nor leave a gap before it.
        int64_t channels = cast<RankedTensorType>(part.getType()).getDimSize(1);
        bool isLast = begin + channels == end;
        fits &= begin + target.storedChannels(channels) == (isLast ? target.storedChannels(end) : begin + channels);
        fits &= begin % target.lanes == 0; // kernels take whole vectors of a buffer to be aligned
        begin += channels;
        bool isStored = roots.contains(part) && llvm::none_of(part.getUsers(), llvm::IsaPred<ReturnOp>);
        fits &= (isStored || joined.contains(part)) && !parts.contains(part) && own.insert(part).second;
      }
      if (!fits || isReadByItsKernels(concat))
        continue;
      joined.insert(concat);
      parts.insert(own.begin(), own.end());
    }
  }

  /// True if a kernel that computes a part of `concat` reads it, too.
  bool isReadByItsKernels(ConcatOp concat) {
    llvm::SmallDenseSet<Operation *> writers;
    SmallVector<Value> worklist(concat.getInputs());
    while (!worklist.empty()) {
      Value part = worklist.pop_back_val();
      if (roots.contains(part))
        writers.insert(groups.getLeaderValue(part.getDefiningOp()));
      else
        llvm::append_range(worklist, part.getDefiningOp<ConcatOp>().getInputs());
    }
    llvm::DenseSet<Value> seen;
    worklist.push_back(concat);
    while (!worklist.empty())
      for (Operation *user : worklist.pop_back_val().getUsers()) {
        if (isReduction(user)) { // of a root, in its kernel
          Operation *reduced = user->getOperand(0).getDefiningOp();
          if (reduced && writers.contains(groups.getLeaderValue(reduced)))
            return true;
          continue;
        }
        for (Value result : user->getResults()) {
          bool isRoot = roots.contains(result);
          if (isRoot && writers.contains(groups.getLeaderValue(user)))
            return true;
          if (!isRoot && seen.insert(result).second)
            worklist.push_back(result);
        }
      }
    return false;
  }

  void formKernels() {
    llvm::MapVector<Operation *, SmallVector<Operation *>> members; // leader -> root ops in block order
    for (Operation &op : block)
      if (llvm::any_of(op.getResults(), [&](Value result) { return roots.contains(result); }))
        members[groups.getLeaderValue(&op)].push_back(&op);
    SmallVector<SmallVector<Operation *>> all;
    for (auto &[leader, ops] : members)
      all.push_back(ops);
    for (ArrayRef<Operation *> ops : all)
      formKernel(ops);
    // Kernels were cloned from the original ops, which keep their operands until all are formed.
    for (auto [value, result] : replacements)
      value.replaceUsesWithIf(result, [&](OpOperand &use) { return !grouped.contains(use.getOwner()); });
    sortTopologically(&block);
    bool changed = true;
    while (changed) {
      changed = false;
      for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
        if (isOpTriviallyDead(&op)) {
          op.erase();
          changed = true;
        }
    }
  }

  void formKernel(ArrayRef<Operation *> rootOps) {
    // What the kernel stores: roots, and the reductions of each.
    SmallVector<Value> stored;
    llvm::SmallSetVector<Operation *, 16> inside;
    SmallVector<Operation *> worklist;
    auto take = [&](Operation *op) {
      if (inside.insert(op))
        worklist.push_back(op);
    };
    for (Operation *op : rootOps) {
      take(op);
      for (Value result : op->getResults()) {
        if (!roots.contains(result))
          continue;
        stored.push_back(result);
        for (Operation *user : result.getUsers())
          if (isReduction(user) && user->getOperand(0) == result && inside.insert(user)) {
            stored.push_back(user->getResult(0));
            worklist.push_back(user);
          }
      }
    }
    while (!worklist.empty())
      for (Value operand : worklist.pop_back_val()->getOperands()) {
        Operation *producer = operand.getDefiningOp();
        if (producer && (isSplat(producer) || (batch.contains(operand) && !roots.contains(operand) && !joined.contains(operand))))
          take(producer);
      }

    SmallVector<Operation *> ordered(inside.begin(), inside.end());
    llvm::sort(ordered, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    llvm::SmallSetVector<Value, 8> inputs;
    for (Operation *op : ordered)
      for (Value operand : op->getOperands())
        if (!operand.getDefiningOp() || !inside.contains(operand.getDefiningOp()))
          inputs.insert(operand);

    SmallVector<Location> locations;
    for (Operation *op : ordered)
      if (isAnchor(op))
        locations.push_back(op->getLoc());
    if (locations.empty())
      locations.push_back(rootOps.front()->getLoc());

    OpBuilder builder(rootOps.back());
    builder.setInsertionPointAfter(rootOps.back());
    auto kernel = KernelOp::create(builder, builder.getFusedLoc(locations), TypeRange(ValueRange(stored)), inputs.getArrayRef(),
                                   Grid::Images, 1, 0, 1, nullptr, nullptr, nullptr);
    Block *body = builder.createBlock(&kernel.getBody(), {}, ValueRange(inputs.getArrayRef()).getTypes(),
                                      SmallVector<Location>(inputs.size(), kernel.getLoc()));
    IRMapping mapping;
    mapping.map(inputs.getArrayRef(), body->getArguments());
    builder.setInsertionPointToEnd(body);
    for (Operation *op : ordered)
      builder.clone(*op, mapping);
    SmallVector<Value> yielded;
    for (Value value : stored)
      yielded.push_back(mapping.lookup(value));
    YieldOp::create(builder, kernel.getLoc(), yielded);

    grouped.insert(ordered.begin(), ordered.end());
    for (auto [value, result] : llvm::zip(stored, kernel.getResults()))
      replacements.push_back({value, result});
  }

  GraphOp graph;
  Block &block;
  const Target &target;
  llvm::DenseSet<Value> batch;
  llvm::SetVector<Value> roots;
  llvm::SetVector<Value> carried;
  llvm::DenseSet<Value> joined; // concatenations whose parts are written where they lie
  llvm::EquivalenceClasses<Operation *> groups;
  llvm::DenseSet<Operation *> grouped; // ops that kernels hold copies of
  SmallVector<std::pair<Value, Value>> replacements;
};

struct FormKernelsPass : bnc::impl::FormKernelsPassBase<FormKernelsPass> {
  using FormKernelsPassBase::FormKernelsPassBase;
  void runOnOperation() override {
    std::optional<Target> found = lookupTarget(target);
    if (!found) {
      getOperation().emitError("no target '") << target << "'";
      return signalPassFailure();
    }
    for (GraphOp graph : getOperation().getOps<GraphOp>())
      if (graph.getKind() != GraphKind::Model && failed(Grouping(graph, *found).run()))
        return signalPassFailure();
  }
};
} // namespace
