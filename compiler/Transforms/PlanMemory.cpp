//===- PlanMemory.cpp - a place for every value ------------------------------===//
//
// Values of a graph live from the op that makes them to the last op that reads them. They are placed one after the other,
// each at the lowest offset that no value alive at the same time occupies; of several orders the one that needs least is
// taken. What grows with the batch and what does not are planned apart: an offset of the first kind is multiplied by the
// largest batch at run time.
//
// Gradients of parameters stay until the update, since a step that fails must not have moved a parameter. They are written
// one after the other while backward is done with one activation after the other, so they lie at the end of the same
// memory, the first ones last: what grows from there needs to meet the activations nowhere.
//
//===----------------------------------------------------------------------===//

#include "compiler/Support/Target.h"
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace bnc;

namespace bnc {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

namespace {
constexpr int64_t kAlignment = 64;
constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
constexpr int kAttempts = 40; // to improve an order
constexpr int64_t kUsualBatch = 8; // what an order is judged for where the batch is left open

struct Lifetime {
  Value value;
  Space space;
  int64_t bytes, channels, begin, end;
  int64_t offset = 0;
};

/// Channels `first` and following of a concatenation.
struct Part {
  Value whole;
  int64_t first, channels;
};

int64_t elementBytes(RankedTensorType type) { return type.getElementTypeBitWidth() / 8; }

class Planner {
public:
  Planner(GraphOp graph, const Target &target, const llvm::StringMap<int64_t> &offsets)
      : graph(graph), target(target), offsets(offsets), builder(graph.getContext()) {}

  LogicalResult run() {
    removeDead();
    separateGradients();
    order();
    if (failed(collect()))
      return failure();
    place(Space::Scaled, "bnc.scaled");
    place(Space::Fixed, "bnc.fixed");
    place(Space::Folded, "bnc.folded");
    for (Lifetime &lifetime : lifetimes)
      storage[lifetime.value] = StorageAttr::get(graph.getContext(), lifetime.space, lifetime.offset, lifetime.channels);
    for (auto &[value, part] : parts) {
      StorageAttr whole = storage.lookup(part.whole);
      storage[value] = StorageAttr::get(graph.getContext(), whole.getSpace(), whole.getOffset(), part.channels, whole.getChannels(), part.first);
    }
    return attach();
  }

private:
  Block &block() { return graph.getBody().front(); }

  /// What is left has every result computed, used or not: each needs a place.
  void removeDead() {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block())))
      if (isOpTriviallyDead(&op))
        op.erase();
  }

  /// What a value is under another shape.
  static OpResult withoutReshape(Value value) {
    while (auto reshape = value.getDefiningOp<ReshapeOp>())
      value = reshape.getInput();
    return cast<OpResult>(value);
  }

  /// Parameters with one gradient between them, such as biases that are added to the same value, get one each: the
  /// optimizer looks for it at the parameter's place.
  void separateGradients() {
    llvm::DenseSet<Value> seen;
    for (auto optimize : block().getOps<OptimizeOp>())
      for (OpOperand &gradient : optimize.getGradientsMutable()) {
        OpResult result = withoutReshape(gradient.get());
        if (seen.insert(result).second)
          continue;
        builder.setInsertionPointAfter(result.getOwner());
        Value copy = builder.clone(*result.getOwner())->getResult(result.getResultNumber());
        if (result != gradient.get())
          copy = ReshapeOp::create(builder, result.getLoc(), gradient.get().getType(), copy,
                                   cast<RankedTensorType>(gradient.get().getType()).getShape());
        gradient.set(copy);
      }
  }

  /// Training: what the loss and the statistics need, then the rest, then the update. Inference: what depends on
  /// variables alone, then the rest. The attribute `program` says which; running statistics and the optimizer are
  /// programs of their own.
  void order() {
    llvm::SetVector<Operation *> first;
    if (graph.getKind() == GraphKind::Training) {
      first = forwardOps(graph);
    } else {
      llvm::DenseSet<Value> run(block().args_begin(), block().args_end());
      for (Operation &op : block()) {
        bool depends = isa<KernelOp, ReturnOp>(op) || llvm::any_of(op.getOperands(), [&](Value v) { return run.contains(v); });
        if (depends)
          run.insert(op.result_begin(), op.result_end());
        else
          first.insert(&op);
      }
    }
    auto rank = [&](Operation *op) { return first.contains(op) ? 0 : isa<AssignOp>(op) ? 2 : isa<OptimizeOp>(op) ? 3 : isa<ReturnOp>(op) ? 4 : 1; };
    SmallVector<Operation *> ops;
    for (Operation &op : block())
      ops.push_back(&op);
    // Gradients that are known are written last, when there is most room.
    auto key = [&](Operation *op) { return std::pair(rank(op), isZeroGradient(op)); };
    llvm::stable_sort(ops, [&](Operation *a, Operation *b) { return key(a) < key(b); });
    for (Operation *op : ops) {
      op->moveBefore(&block(), block().end());
      if (!isa<ReadOp, ReturnOp>(op))
        op->setAttr("program", builder.getI64IntegerAttr(rank(op)));
    }
  }

  /// A constant that is a gradient is zero (bnc-zero-gradients).
  static bool isZeroGradient(Operation *op) {
    return isa<ConstantOp>(op) && llvm::all_of(op->getUsers(), [](Operation *user) { return isa<OptimizeOp>(user); });
  }

  int64_t programOf(Operation *op) { return op->getAttrOfType<IntegerAttr>("program").getInt(); }

  /// Space and size of a result, by the op that makes it.
  LogicalResult collect() {
    DenseMap<Operation *, int64_t> index;
    for (auto [position, op] : llvm::enumerate(block()))
      index[&op] = position;
    for (Operation &op : block()) {
      if (isa<ReadOp, ReturnOp, AssignOp, OptimizeOp, ReshapeOp>(op))
        continue;
      for (OpResult result : op.getResults()) {
        auto type = cast<RankedTensorType>(result.getType());
        Lifetime lifetime{result, Space::Fixed, 0, 0, index[&op], index[&op]};
        bool persists = false;
        SmallVector<Operation *> users(result.getUsers());
        while (!users.empty()) {
          Operation *user = users.pop_back_val();
          lifetime.end = std::max(lifetime.end, index[user]);
          if (isa<ReshapeOp>(user)) // the same memory under another shape
            llvm::append_range(users, user->getUsers());
          else
            persists |= graph.getKind() == GraphKind::Inference && programOf(&op) == 0 && !isa<ReturnOp>(user) && programOf(user) != 0;
        }
        if (auto kernel = dyn_cast<KernelOp>(op)) {
          if (failed(sizeOfResult(kernel, result, lifetime)))
            return failure();
        } else if (isa<ConcatOp>(op) && type.getRank() > 1) {
          sizeOfActivation(type, lifetime);
        } else {
          lifetime.bytes = isa<DropoutKeysOp>(op) ? elementBytes(type) : type.getNumElements() * elementBytes(type);
          if (isa<DropoutKeysOp>(op))
            lifetime.space = Space::Scaled;
          if (isa<NormalizeCoefficientsOp, GradientCoefficientsOp>(op)) {
            lifetime.channels = target.storedChannels(type.getDimSize(1));
            lifetime.bytes = type.getDimSize(0) * lifetime.channels * 4;
          }
          // Vectors are read in whole registers.
          lifetime.bytes = llvm::alignTo(lifetime.bytes, kAlignment) + (type.getRank() == 1 ? kAlignment : 0);
        }
        if (isa<MergeMomentsOp, MoveAverageOp, MoveRunningOp>(op) || (isa<ConcatOp>(op) && type.getRank() == 1))
          lifetime.end = kForever; // read by the runtime after the program
        if (persists) {
          lifetime.space = Space::Folded;
          lifetime.end = kForever;
          lifetime.begin = 0;
        }
        lifetimes.push_back(lifetime);
      }
    }
    joinParts();
    // Gradients of parameters lie where the optimizer looks for them; results of the graph in the caller's memory.
    for (Operation &op : block())
      if (auto optimize = dyn_cast<OptimizeOp>(op))
        for (auto [gradient, parameter] : llvm::zip(optimize.getGradients(), optimize.getParameters()))
          fixPlace(withoutReshape(gradient), Space::Gradients, offsets.lookup(cast<FlatSymbolRefAttr>(parameter).getValue()) * 4);
    findGradientBytes();
    bool returnsLosses = graph.getKind() == GraphKind::Training && graph.getArgumentTypes().size() > 0 &&
                         !graph.getArgAttr(graph.getNumArguments() - 1, "bnc.output_gradient");
    if (!returnsLosses)
      for (OpOperand &operand : block().getTerminator()->getOpOperands()) {
        auto result = dyn_cast<OpResult>(operand.get());
        if (!result || !isa<KernelOp>(result.getOwner()))
          return graph.emitError("returns a value that it does not compute; every output has to come from an op");
        fixPlace(operand.get(), Space::Output, operand.getOperandNumber());
      }
    return success();
  }

  /// At each position, what of the gradients' block is written already, from its end on.
  void findGradientBytes() {
    int64_t all = graph->getParentOfType<ModuleOp>()->getAttrOfType<IntegerAttr>("bnc.trainable_floats").getInt() * 4;
    for (Lifetime &gradient : lifetimes)
      if (gradient.space == Space::Gradients) {
        gradientBytes.resize(block().getOperations().size());
        for (size_t position = gradient.begin; position < gradientBytes.size(); ++position)
          gradientBytes[position] = std::max(gradientBytes[position], all - gradient.offset);
      }
  }

  /// The parts of a concatenation are written where it lies: a place for them all, from the first part that is made to the
  /// last one that is read.
  void joinParts() {
    for (Operation &op : llvm::reverse(block())) {
      auto concat = dyn_cast<ConcatOp>(op);
      if (!concat || concat.getType().getRank() < 2)
        continue;
      Part whole = parts.lookup(concat);
      if (!whole.whole)
        whole = {concat, 0, 0};
      for (Value input : concat.getInputs()) {
        parts[input] = {whole.whole, whole.first, 0};
        whole.first += cast<RankedTensorType>(input.getType()).getDimSize(1);
      }
    }
    DenseMap<Value, Lifetime *> byValue;
    for (Lifetime &lifetime : lifetimes)
      byValue[lifetime.value] = &lifetime;
    for (auto &[value, part] : parts) {
      Lifetime *lifetime = byValue.lookup(value), *whole = byValue.lookup(part.whole);
      part.channels = lifetime->channels;
      whole->begin = std::min(whole->begin, lifetime->begin);
      whole->end = std::max(whole->end, lifetime->end);
    }
    llvm::erase_if(lifetimes, [&](const Lifetime &lifetime) { return parts.contains(lifetime.value); });
  }

  void fixPlace(Value value, Space space, int64_t offset) {
    for (Lifetime &lifetime : lifetimes)
      if (lifetime.value == value) {
        lifetime.space = space;
        lifetime.offset = offset;
        if (space == Space::Output)
          lifetime.channels = 0;
      }
  }

  LogicalResult sizeOfResult(KernelOp kernel, OpResult result, Lifetime &lifetime) {
    auto type = cast<RankedTensorType>(result.getType());
    auto yield = cast<YieldOp>(kernel.getBody().front().getTerminator());
    Operation *producer = yield.getValues()[result.getResultNumber()].getDefiningOp();
    if (isa<WeightGradientOp>(producer)) {
      lifetime.bytes = type.getNumElements() * 4;
      return success();
    }
    lifetime.space = Space::Scaled;
    if (isa<PartialMomentsOp, PartialSumsOp>(producer)) {
      // One record a task: strips of every image, or one block of images (no more than images).
      lifetime.channels = target.storedChannels(type.getDimSize(2));
      lifetime.bytes = kernel.strips() * llvm::alignTo(type.getDimSize(1) * lifetime.channels * 4, kAlignment);
      return success();
    }
    sizeOfActivation(type, lifetime);
    return success();
  }

  void sizeOfActivation(RankedTensorType type, Lifetime &lifetime) {
    lifetime.space = Space::Scaled;
    lifetime.bytes = elementBytes(type);
    for (int64_t dim = 1; dim < type.getRank(); ++dim) {
      int64_t size = type.getDimSize(dim);
      lifetime.bytes *= dim == 1 ? (lifetime.channels = target.storedChannels(size)) : size;
    }
  }

  /// The samples that a plan is made for.
  int64_t batchOf() {
    int64_t batch = cast<RankedTensorType>(graph.getArgumentTypes().front()).getDimSize(0);
    return ShapedType::isDynamic(batch) ? kUsualBatch : batch;
  }

  /// How far into their memory the values reach that are alive at each position, if they lie where they are placed, or
  /// (`packed`) without gaps.
  std::vector<int64_t> heights(ArrayRef<Lifetime *> values, bool packed) {
    std::vector<int64_t> result(block().getOperations().size(), 0);
    for (Lifetime *value : values)
      for (int64_t position = value->begin, last = std::min<int64_t>(value->end, result.size() - 1); position <= last; ++position)
        result[position] = packed ? result[position] + value->bytes : std::max(result[position], value->offset + value->bytes);
    return result;
  }

  /// Pairs of bytes: where activations reach so far (per sample), so much is needed for gradients behind them. A pair for
  /// every time that needs more of one than all later ones.
  SmallVector<int64_t> roomsOf(const std::vector<int64_t> &heights) {
    SmallVector<int64_t> rooms;
    int64_t highest = -1;
    for (size_t position = heights.size(); position-- > 0 && gradientBytes[position] > 0;)
      if (heights[position] > highest) {
        highest = heights[position];
        if (!rooms.empty() && rooms.back() == gradientBytes[position])
          rooms.pop_back_n(2);
        rooms.append({highest, gradientBytes[position]});
      }
    return rooms;
  }

  /// What values need that reach so far: `bytes` for `batch` samples, at `position`, where that is most, and `total` for one.
  struct Need {
    int64_t bytes = 0, total = 0, position = 0;
    bool operator<(const Need &other) const { return std::pair(bytes, total) < std::pair(other.bytes, other.total); }
  };

  /// With the gradients behind them, if there are any.
  static Need needOf(const std::vector<int64_t> &heights, int64_t batch, const std::vector<int64_t> &gradientBytes) {
    Need need;
    for (auto [position, height] : llvm::enumerate(heights)) {
      int64_t bytes = height * batch + (gradientBytes.empty() ? 0 : gradientBytes[position]);
      if (bytes > need.bytes)
        need = {bytes, need.total, int64_t(position)};
      need.total = std::max(need.total, height);
    }
    return need;
  }

  /// Places the values in this order.
  static void placeInOrder(ArrayRef<Lifetime *> order) {
    for (auto [index, value] : llvm::enumerate(order)) {
      SmallVector<std::pair<int64_t, int64_t>> taken;
      for (Lifetime *other : order.take_front(index))
        if (other->begin <= value->end && value->begin <= other->end)
          taken.push_back({other->offset, other->offset + other->bytes});
      llvm::sort(taken);
      value->offset = 0;
      for (auto [begin, end] : taken) {
        if (value->offset + value->bytes <= begin)
          break;
        value->offset = std::max(value->offset, end);
      }
    }
  }

  void place(Space space, const Twine &name) {
    SmallVector<Lifetime *> values;
    int64_t last = block().getOperations().size();
    for (Lifetime &lifetime : lifetimes)
      if (lifetime.space == space) {
        lifetime.bytes = llvm::alignTo(lifetime.bytes, kAlignment);
        values.push_back(&lifetime);
      }
    auto length = [&](Lifetime *value) { return std::min(value->end, last) - value->begin + 1; };
    // Of plans that need the same with gradients, the one that needs less without: another batch may be larger.
    bool meetsGradients = space == Space::Scaled && !gradientBytes.empty();
    auto needOfValues = [&](bool packed) {
      return needOf(heights(values, packed), meetsGradients ? batchOf() : 1, meetsGradients ? gradientBytes : std::vector<int64_t>());
    };
    Need least = needOfValues(/*packed=*/true), best{kForever, kForever, 0};
    SmallVector<int64_t> offsets(values.size(), 0);
    for (int weighed : {0, 1, 2}) { // the largest first, the largest and longest, the longest
      SmallVector<Lifetime *> order(values);
      auto weight = [&](Lifetime *value) {
        return (weighed < 2 ? double(value->bytes) : 1.0) * (weighed > 0 ? double(length(value)) : 1.0);
      };
      llvm::stable_sort(order, [&](Lifetime *a, Lifetime *b) { return weight(a) > weight(b); });
      for (int attempt = 0; attempt < kAttempts && least < best; ++attempt) {
        placeInOrder(order);
        Need need = needOfValues(/*packed=*/false);
        if (need < best) {
          best = need;
          for (auto [offset, value] : llvm::zip(offsets, values))
            offset = value->offset;
        }
        // What reaches furthest there comes first the next time.
        auto reach = [&](Lifetime *value) {
          return value->begin <= need.position && need.position <= value->end ? value->offset + value->bytes : 0;
        };
        auto top = std::max_element(order.begin(), order.end(), [&](Lifetime *a, Lifetime *b) { return reach(a) < reach(b); });
        if (top == order.begin() || top == order.end())
          break;
        std::rotate(order.begin(), top, top + 1);
      }
    }
    for (auto [offset, value] : llvm::zip(offsets, values))
      value->offset = offset;
    graph->setAttr((name + "_bytes").str(), builder.getI64IntegerAttr(values.empty() ? 0 : best.total));
    if (space != Space::Folded) // where everything stays
      graph->setAttr((name + "_live_bytes").str(), builder.getI64IntegerAttr(least.total));
    if (meetsGradients) {
      graph->setAttr("bnc.gradient_rooms", builder.getDenseI64ArrayAttr(roomsOf(heights(values, /*packed=*/false))));
      graph->setAttr("bnc.gradient_live_rooms", builder.getDenseI64ArrayAttr(roomsOf(heights(values, /*packed=*/true))));
    }
  }

  LogicalResult attach() {
    for (Operation &op : block()) {
      if (isa<ReadOp, ReturnOp, AssignOp, OptimizeOp, ReshapeOp>(op) || op.getNumResults() == 0)
        continue;
      SmallVector<Attribute> places;
      for (Value result : op.getResults())
        places.push_back(storage.lookup(result));
      op.setAttr("storage", builder.getArrayAttr(places));
    }
    return success();
  }

  GraphOp graph;
  const Target &target;
  const llvm::StringMap<int64_t> &offsets;
  OpBuilder builder;
  SmallVector<Lifetime> lifetimes;
  std::vector<int64_t> gradientBytes; // by position; empty without gradients
  llvm::MapVector<Value, Part> parts;
  DenseMap<Value, StorageAttr> storage;
};

struct PlanMemoryPass : bnc::impl::PlanMemoryPassBase<PlanMemoryPass> {
  using PlanMemoryPassBase::PlanMemoryPassBase;
  void runOnOperation() override {
    std::optional<Target> found = lookupTarget(target);
    if (!found) {
      getOperation().emitError("no target '") << target << "'";
      return signalPassFailure();
    }
    llvm::StringMap<int64_t> offsets = placeVariables();
    for (GraphOp graph : getOperation().getOps<GraphOp>())
      if (graph.getKind() != GraphKind::Model && failed(Planner(graph, *found, offsets).run()))
        return signalPassFailure();
    getOperation()->setAttr(kPhaseAttr, StringAttr::get(&getContext(), "kernels"));
  }

  llvm::StringMap<int64_t> placeVariables() {
    llvm::StringMap<int64_t> offsets;
    Builder builder(&getContext());
    int64_t next = 0, trainable = 0;
    auto place = [&](VariableOp variable) {
      if (variable.getCollection() == Collection::Optimizer || !offsets.try_emplace(variable.getSymName(), next).second)
        return;
      variable->setAttr("bnc.offset", builder.getI64IntegerAttr(next));
      next += llvm::alignTo(cast<RankedTensorType>(variable.getType()).getNumElements(), kAlignment / 4);
    };
    // What one bnc.optimize moves lies together, the later its gradient is known the further in front; without a training
    // graph, what it would move.
    bool trains = false;
    getOperation().walk([&](OptimizeOp optimize) {
      trains = true;
      SmallVector<std::pair<Operation *, Attribute>> moved; // by what makes the gradient
      for (auto [gradient, parameter] : llvm::zip(optimize.getGradients(), optimize.getParameters()))
        moved.push_back({gradient.getDefiningOp(), parameter});
      llvm::stable_sort(moved, [](auto a, auto b) {
        auto [front, back] = std::pair(a.first, b.first);
        if (isa<ConstantOp>(front) || isa<ConstantOp>(back)) // zeros are written last
          return isa<ConstantOp>(front) && !isa<ConstantOp>(back);
        return front != back && back->isBeforeInBlock(front);
      });
      for (auto [gradient, parameter] : moved)
        place(SymbolTable::lookupNearestSymbolFrom<VariableOp>(optimize, cast<FlatSymbolRefAttr>(parameter)));
    });
    for (VariableOp variable : getOperation().getOps<VariableOp>())
      if (!trains && variable.getCollection() == Collection::Params && variable.getTrainable())
        place(variable);
    trainable = next;
    for (VariableOp variable : getOperation().getOps<VariableOp>())
      place(variable);
    getOperation()->setAttr("bnc.trainable_floats", builder.getI64IntegerAttr(trainable));
    getOperation()->setAttr("bnc.variables_floats", builder.getI64IntegerAttr(next));
    return offsets;
  }
};
} // namespace
