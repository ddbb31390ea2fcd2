//===- Recompute.cpp - what backward computes again instead of keeping it ----===//
//
// A value of the forward pass that backward reads is alive when the most is. If it is made element by element of values
// that backward keeps anyway, the kernels of backward can form it again where they load it: then nobody keeps it.
//
// In a chain of residual sums, s = add(normalize(y), relu(previous s)), that is every second one for nothing: backward keeps
// y for the gradient of its normalization, and the kernel that reads s reads y besides, for that gradient's sums. Where a
// sum is left that no other is formed from, it is formed from the one before the previous, for one tensor more to read.
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace bnc;

namespace bnc {
#define GEN_PASS_DEF_RECOMPUTEPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

namespace {
YieldOp yieldOf(KernelOp kernel) { return cast<YieldOp>(kernel.getBody().front().getTerminator()); }

/// Values with an entry for every sample; the others that kernels read are vectors of channels.
bool isOfSamples(Value value) { return isa<BlockArgument>(value) || isa<KernelOp, ConcatOp>(value.getDefiningOp()); }

int64_t elementsOf(Value value) {
  int64_t elements = 1;
  for (int64_t size : cast<RankedTensorType>(value.getType()).getShape().drop_front())
    elements *= size;
  return elements;
}

/// How a kernel forms one of its results: ops in order, and the kernel's arguments that they read.
struct Slice {
  OpResult result;
  SmallVector<Operation *> ops;
  llvm::SetVector<BlockArgument> arguments;

  KernelOp kernel() const { return cast<KernelOp>(result.getOwner()); }
  Value yielded() const { return yieldOf(kernel()).getValues()[result.getResultNumber()]; }
  Value inputOf(BlockArgument argument) const { return kernel().getInputs()[argument.getArgNumber()]; }

  /// Null where an element needs many others.
  static std::optional<Slice> of(OpResult result) {
    Slice slice{result, {}, {}};
    llvm::SetVector<Operation *> ops;
    SmallVector<Value> worklist{slice.yielded()};
    while (!worklist.empty()) {
      Value value = worklist.pop_back_val();
      if (auto argument = dyn_cast<BlockArgument>(value)) {
        slice.arguments.insert(argument);
      } else if (Operation *op = value.getDefiningOp(); isa<ElementwiseOpInterface, AvgPoolOp, ConstantOp, MaxPoolOp>(op)) {
        if (ops.insert(op))
          llvm::append_range(worklist, op->getOperands());
      } else {
        return std::nullopt;
      }
    }
    slice.ops = ops.takeVector();
    llvm::sort(slice.ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    return slice;
  }
};

/// How a kernel of backward forms a value: what it has to form for that, one after the other, from what it reads.
struct Recipe {
  SmallVector<Slice> slices;
  llvm::SetVector<Value> inputs;
};

class Recomputation {
public:
  explicit Recomputation(GraphOp graph) : block(graph.getBody().front()), forward(forwardOps(graph)) {}

  void run() {
    // What costs nothing first. From the first value on: what the next one needs is kept, or not any more.
    for (int64_t readsMore : {0, 1})
      for (KernelOp kernel : block.getOps<KernelOp>())
        if (forward.contains(kernel))
          for (OpResult result : kernel->getResults())
            recompute(result, readsMore);
  }

private:
  /// In all kernels of backward that read the result, if each of them then reads at most so many values of its size more.
  void recompute(OpResult result, int64_t readsMore) {
    llvm::MapVector<Operation *, Recipe> readers;
    for (Operation *user : result.getUsers()) {
      if (isa<ConcatOp, ReturnOp>(user)) // it lies where others do, or in the caller's memory
        return;
      if (forward.contains(user) || readers.contains(user))
        continue;
      if (!isa<KernelOp>(user) || !gather(result, user, readers[user]))
        return;
      int64_t more = -elementsOf(result);
      for (Value input : readers[user].inputs)
        if (isOfSamples(input) && !llvm::is_contained(user->getOperands(), input))
          more += elementsOf(input);
      if (more > readsMore * elementsOf(result))
        return;
    }
    for (auto &[reader, recipe] : readers)
      form(recipe, result, cast<KernelOp>(reader));
    if (!readers.empty())
      again.insert(result);
  }

  /// False where `reader` cannot form the result from what is in memory then anyway.
  bool gather(OpResult result, Operation *reader, Recipe &recipe) {
    std::optional<Slice> slice = Slice::of(result);
    if (!slice)
      return false;
    for (BlockArgument argument : slice->arguments) {
      Value input = slice->inputOf(argument);
      auto isLater = [&](Operation *user) { return reader->isBeforeInBlock(user); };
      if (isa<BlockArgument>(input) || !isOfSamples(input) || llvm::is_contained(reader->getOperands(), input) ||
          llvm::any_of(input.getUsers(), isLater))
        recipe.inputs.insert(input);
      else if (!again.contains(input) || !gather(cast<OpResult>(input), reader, recipe))
        return false;
    }
    recipe.slices.push_back(*slice);
    return true;
  }

  static void form(const Recipe &recipe, OpResult result, KernelOp reader) {
    Block &body = reader.getBody().front();
    DenseMap<Value, Value> inside;
    for (Value input : recipe.inputs) {
      auto found = llvm::find(reader.getInputs(), input);
      unsigned index = found - reader.getInputs().begin();
      if (found == reader.getInputs().end()) {
        reader.getInputsMutable().append(input);
        body.addArgument(input.getType(), reader.getLoc());
      }
      inside[input] = body.getArgument(index);
    }
    Operation *first = &body.front();
    OpBuilder builder(first);
    for (const Slice &slice : recipe.slices) {
      IRMapping mapping;
      for (BlockArgument argument : slice.arguments)
        mapping.map(argument, inside.lookup(slice.inputOf(argument)));
      for (Operation *op : slice.ops)
        builder.clone(*op, mapping);
      inside[slice.result] = mapping.lookup(slice.yielded());
    }
    unsigned index = llvm::find(reader.getInputs(), result) - reader.getInputs().begin();
    body.getArgument(index).replaceAllUsesWith(inside.lookup(result));
    body.eraseArgument(index);
    reader.getInputsMutable().erase(index);
  }

  Block &block;
  llvm::SetVector<Operation *> forward;
  llvm::DenseSet<Value> again; // what is formed again already
};

struct RecomputePass : bnc::impl::RecomputePassBase<RecomputePass> {
  void runOnOperation() override {
    for (GraphOp graph : getOperation().getOps<GraphOp>())
      if (graph.getKind() == GraphKind::Training)
        Recomputation(graph).run();
  }
};
} // namespace
