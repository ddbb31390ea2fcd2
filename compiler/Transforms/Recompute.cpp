//===- Recompute.cpp - what backward computes again instead of keeping it ----===//
//
// A value of the forward pass that backward reads is alive when the most is. If it is made element by element of values
// that backward keeps anyway, the kernels of backward can form it again where they load it: then nobody keeps it.
//
// In a chain of residual sums, s = add(normalize(y), relu(previous s)), that is every second one: backward keeps y for the
// gradient of its normalization, and the kernel that reads s reads y besides, for that gradient's sums.
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/Utils.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace bnc;

namespace bnc {
#define GEN_PASS_DEF_RECOMPUTEPASS
#include "compiler/Transforms/Passes.h.inc"
} // namespace bnc

namespace {
/// How a kernel forms one of its results: ops in order, and the kernel's arguments that they read.
struct Recipe {
  SmallVector<Operation *> ops;
  llvm::SetVector<BlockArgument> arguments;
};

YieldOp yieldOf(KernelOp kernel) { return cast<YieldOp>(kernel.getBody().front().getTerminator()); }

/// Values with an entry for every sample; the others that kernels read are vectors of channels.
bool isOfSamples(Value value) { return isa<BlockArgument>(value) || isa<KernelOp, ConcatOp>(value.getDefiningOp()); }

int64_t elementsOf(Value value) {
  int64_t elements = 1;
  for (int64_t size : cast<RankedTensorType>(value.getType()).getShape().drop_front())
    elements *= size;
  return elements;
}

class Recomputation {
public:
  explicit Recomputation(GraphOp graph) : block(graph.getBody().front()), forward(forwardOps(graph)) {}

  void run() {
    // From the first on: what the next one needs is kept, or not any more.
    for (KernelOp kernel : block.getOps<KernelOp>())
      if (forward.contains(kernel))
        for (OpResult result : kernel->getResults())
          recompute(kernel, result);
  }

private:
  void recompute(KernelOp kernel, OpResult result) {
    llvm::SetVector<Operation *> readers; // in backward
    for (Operation *user : result.getUsers()) {
      if (isa<ConcatOp, ReturnOp>(user)) // it lies where others do, or in the caller's memory
        return;
      if (!forward.contains(user))
        readers.insert(user);
    }
    std::optional<Recipe> recipe = recipeOf(kernel, result);
    if (readers.empty() || !recipe || !llvm::all_of(readers, [&](Operation *reader) { return pays(kernel, *recipe, result, reader); }))
      return;
    for (Operation *reader : readers)
      form(kernel, *recipe, result, cast<KernelOp>(reader));
  }

  /// Null where an element needs more than the same element of others.
  static std::optional<Recipe> recipeOf(KernelOp kernel, OpResult result) {
    Recipe recipe;
    llvm::SetVector<Operation *> ops;
    SmallVector<Value> worklist{yieldOf(kernel).getValues()[result.getResultNumber()]};
    while (!worklist.empty()) {
      Value value = worklist.pop_back_val();
      if (auto argument = dyn_cast<BlockArgument>(value)) {
        recipe.arguments.insert(argument);
      } else if (Operation *op = value.getDefiningOp(); isa<ElementwiseOpInterface, ConstantOp>(op)) {
        if (ops.insert(op))
          llvm::append_range(worklist, op->getOperands());
      } else {
        return std::nullopt;
      }
    }
    recipe.ops = ops.takeVector();
    llvm::sort(recipe.ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    return recipe;
  }

  /// Whether `reader` can form the result from what is in memory then anyway, and reads no more than before.
  bool pays(KernelOp kernel, const Recipe &recipe, OpResult result, Operation *reader) {
    if (!isa<KernelOp>(reader))
      return false;
    int64_t more = 0;
    for (BlockArgument argument : recipe.arguments) {
      Value input = kernel.getInputs()[argument.getArgNumber()];
      if (!isOfSamples(input) || llvm::is_contained(reader->getOperands(), input))
        continue;
      auto isLater = [&](Operation *user) { return reader->isBeforeInBlock(user); };
      if (!isa<BlockArgument>(input) && llvm::none_of(input.getUsers(), isLater))
        return false;
      more += elementsOf(input);
    }
    return more <= elementsOf(result);
  }

  static void form(KernelOp kernel, const Recipe &recipe, OpResult result, KernelOp reader) {
    Block &body = reader.getBody().front();
    IRMapping mapping;
    for (BlockArgument argument : recipe.arguments) {
      Value input = kernel.getInputs()[argument.getArgNumber()];
      auto found = llvm::find(reader.getInputs(), input);
      unsigned index = found - reader.getInputs().begin();
      if (found == reader.getInputs().end()) {
        reader.getInputsMutable().append(input);
        body.addArgument(input.getType(), reader.getLoc());
      }
      mapping.map(argument, body.getArgument(index));
    }
    OpBuilder builder = OpBuilder::atBlockBegin(&body);
    for (Operation *op : recipe.ops)
      builder.clone(*op, mapping);
    unsigned index = llvm::find(reader.getInputs(), result) - reader.getInputs().begin();
    body.getArgument(index).replaceAllUsesWith(mapping.lookup(yieldOf(kernel).getValues()[result.getResultNumber()]));
    body.eraseArgument(index);
    reader.getInputsMutable().erase(index);
  }

  Block &block;
  llvm::SetVector<Operation *> forward;
};

struct RecomputePass : bnc::impl::RecomputePassBase<RecomputePass> {
  void runOnOperation() override {
    for (GraphOp graph : getOperation().getOps<GraphOp>())
      if (graph.getKind() == GraphKind::Training)
        Recomputation(graph).run();
  }
};
} // namespace
