//===- StoredValues.cpp - what programs store, by the op that it is the value of ------------===//

#include "compiler/Driver/StoredValues.h"

#include "compiler/Kernels/Interface.h"

#include <cassert>

using namespace mlir;
using namespace bnc;

void bnc::numberOps(ModuleOp module) {
  Builder builder(module.getContext());
  int64_t next = 0;
  for (GraphOp graph : module.getOps<GraphOp>())
    for (Operation &op : graph.getBody().front()) {
      int64_t number = next++;
      auto feature = op.getAttrOfType<IntegerAttr>("feature_index"); // bnc-lower-normalization makes it dimension 1
      if (feature && (feature.getInt() != 1 || cast<RankedTensorType>(op.getOperand(0).getType()).getRank() > 4))
        continue;
      op.setLoc(FusedLoc::get({op.getLoc()}, builder.getI64IntegerAttr(number), module.getContext()));
    }
}

int64_t bnc::numberOf(Location location) {
  auto fused = dyn_cast<FusedLoc>(location);
  auto number = fused ? dyn_cast_or_null<IntegerAttr>(fused.getMetadata()) : nullptr;
  return number ? number.getInt() : -1;
}

FailureOr<std::unique_ptr<StoredValues>> StoredValues::watch(GraphOp graph, int64_t first, int64_t last,
                                                             const Target &target) {
  std::vector<std::pair<Operation *, Step>> all;
  for (int64_t program = first; program <= last; ++program) {
    FailureOr<std::vector<std::pair<Operation *, Step>>> calls = callsOf(graph, program, target);
    if (failed(calls))
      return failure();
    llvm::append_range(all, *calls);
  }
  return std::unique_ptr<StoredValues>(new StoredValues(std::move(all)));
}

void StoredValues::after(const char *function, const bnc_exec &exec, double) {
  assert(next < calls.size() && calls[next].second.function == function && "steps come in another order than the graph says");
  (void)function;
  Operation *op = calls[next++].first;
  if (auto kernel = dyn_cast<KernelOp>(op))
    readResults(kernel, exec);
  else if (auto optimize = dyn_cast<OptimizeOp>(op))
    readGradients(optimize, exec);
}

static const float *addressOf(StorageAttr storage, const bnc_exec &exec) {
  if (storage.getSpace() == Space::Output)
    return static_cast<const float *>(exec.outputs[storage.getOffset()]);
  int64_t scale = storage.getSpace() == Space::Scaled ? exec.max_batch : 1;
  return reinterpret_cast<const float *>(exec.base[int(storage.getSpace())] + storage.getOffset() * scale);
}

void StoredValues::readResults(KernelOp kernel, const bnc_exec &exec) {
  Operation *yield = kernel.getBody().front().getTerminator();
  for (auto [stored, result] : llvm::zip(yield->getOperands(), kernel.getResults())) {
    // What was reduced or is to be summed up over tasks is no value of the graph yet.
    Operation *producer = stored.getDefiningOp();
    if (isa<PartialMomentsOp, PartialSumsOp, WeightGradientOp>(producer) || numberOf(producer->getLoc()) < 0)
      continue;
    ArrayRef<int64_t> shape = cast<RankedTensorType>(stored.getType()).getShape();
    int64_t channels = shape.size() > 1 ? shape[1] : 1, pixels = 1;
    for (int64_t size : shape.drop_front(std::min<size_t>(2, shape.size())))
      pixels *= size;
    StorageAttr storage = storageOf(result);
    const float *source = addressOf(storage, exec);
    std::vector<float> value(exec.batch * channels * pixels);
    if (int64_t width = storage.getChannels()) {
      for (int64_t n = 0; n < exec.batch; ++n)
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t p = 0; p < pixels; ++p)
            value[(n * channels + c) * pixels + p] = source[(n * pixels + p) * width + c];
    } else {
      std::copy_n(source, value.size(), value.begin());
    }
    values[{numberOf(producer->getLoc()), cast<OpResult>(stored).getResultNumber()}] = std::move(value);
  }
}

void StoredValues::readGradients(OptimizeOp optimize, const bnc_exec &exec) {
  for (Attribute parameter : optimize.getParameters()) {
    auto name = cast<FlatSymbolRefAttr>(parameter);
    auto variable = SymbolTable::lookupNearestSymbolFrom<VariableOp>(optimize, name);
    const float *source = reinterpret_cast<const float *>(exec.base[BNC_SPACE_GRADIENTS]) +
                          variable->getAttrOfType<IntegerAttr>("bnc.offset").getInt();
    gradients[name.getValue().str()].assign(source, source + cast<RankedTensorType>(variable.getType()).getNumElements());
  }
}
