//===- EmbedWeights.cpp - values as a model's library holds them ---------------------===//
//
// The fold program of the inference graph is run here, step by step, by the runtime itself: what the library holds is
// bit for bit what bnc_infer_create makes of the weights file.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/EmbedWeights.h"

#include "compiler/Codegen/Codegen.h"
#include "compiler/Codegen/Records.h"

#include "bnc/model_abi.h"

#include <cstring>
#include <new>

using namespace mlir;
using namespace bnc;

#define BNC_FOLD_STEP(name)                                                                                            \
  {                                                                                                                    \
#name, [](bnc_exec *exec, const int64_t *record) { bnc_rt_##name(exec, reinterpret_cast<const bnc_##name *>(record)); } \
  }

/// What a fold program is made of.
static const std::pair<llvm::StringLiteral, void (*)(bnc_exec *, const int64_t *)> kSteps[] = {
    BNC_FOLD_STEP(add),       BNC_FOLD_STEP(constant),          BNC_FOLD_STEP(copy),       BNC_FOLD_STEP(fill),
    BNC_FOLD_STEP(fold_axis), BNC_FOLD_STEP(fold_coefficients), BNC_FOLD_STEP(fold_shift), BNC_FOLD_STEP(pack),
    BNC_FOLD_STEP(winograd_weights),
};

static int64_t integerAttr(Operation *op, StringRef name) {
  auto attribute = op->getAttrOfType<IntegerAttr>(name);
  return attribute ? attribute.getInt() : 0;
}

namespace {
/// Zeros, aligned as the runtime aligns its memory.
class Memory {
public:
  explicit Memory(int64_t size) : bytes(size), data(static_cast<uint8_t *>(::operator new(size + 1, kAlignment))) {
    std::memset(data, 0, size);
  }
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;
  ~Memory() { ::operator delete(data, kAlignment); }
  std::string str() const { return std::string(reinterpret_cast<const char *>(data), bytes); }

  static constexpr std::align_val_t kAlignment{BNC_ALIGNMENT};
  const int64_t bytes;
  uint8_t *const data;
};
} // namespace

static LogicalResult runStep(const Step &step, Operation *op, bnc_exec &exec) {
  StringRef name(step.function);
  name.consume_front("bnc_rt_");
  for (auto [known, run] : kSteps)
    if (known == name) {
      run(&exec, step.words.data());
      return success();
    }
  return op->emitError("internal fault: ") << step.function << " does not belong into a fold program";
}

FailureOr<EmbeddedWeights> bnc::embedWeights(ModuleOp module, const Weights &weights, const Target &target) {
  Memory variables(integerAttr(module, "bnc.variables_floats") * sizeof(float));
  for (VariableOp variable : module.getOps<VariableOp>()) {
    if (variable.getCollection() == Collection::Optimizer)
      continue;
    const NamedTensor *tensor = weights.find(variable.getSymName());
    assert(tensor && "the values were checked when they were chosen");
    std::memcpy(variables.data + integerAttr(variable, "bnc.offset") * sizeof(float), tensor->data.data(),
                tensor->data.size() * sizeof(float));
  }
  EmbeddedWeights result;
  if (graphOf(module, GraphKind::Training))
    result.values = variables.str();
  GraphOp inference = graphOf(module, GraphKind::Inference);
  if (!inference)
    return result;

  Memory folded(integerAttr(inference, "bnc.folded_bytes")), fixed(integerAttr(inference, "bnc.fixed_bytes"));
  bnc_exec exec{};
  exec.max_batch = 1;
  exec.base[BNC_SPACE_VARIABLES] = variables.data;
  exec.base[BNC_SPACE_FOLDED] = folded.data;
  exec.base[BNC_SPACE_FIXED] = fixed.data;
  for (Operation &op : inference.getBody().front()) {
    auto program = op.getAttrOfType<IntegerAttr>("program");
    if (!program || program.getInt() != 0)
      continue;
    FailureOr<std::vector<Step>> steps = stepsOf(&op, target);
    if (failed(steps))
      return failure();
    for (const Step &step : *steps)
      if (failed(runStep(step, &op, exec)))
        return failure();
  }
  result.folded = folded.str();
  return result;
}
