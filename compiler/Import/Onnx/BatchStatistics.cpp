//===- BatchStatistics.cpp - BatchNormalization without running ones --------===//

#include "compiler/Import/Onnx/BatchStatistics.h"

#include "compiler/Import/Onnx/HostTensor.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace bnc;
using namespace bnc::onnx;
using namespace llvm;

namespace {
class Finder {
public:
  explicit Finder(const Model &model) : model(model) {
    for (const Node &node : model.nodes)
      for (const std::string &output : node.outputs)
        producers.try_emplace(output, &node);
    for (const Tensor &tensor : model.initializers)
      initializers.try_emplace(tensor.name, &tensor);
  }

  bool usesItsBatch(const Node &norm) const {
    if (norm.opType != "BatchNormalization" || !norm.domain.empty() || norm.inputs.size() < 5)
      return false;
    StringRef input = norm.inputs[0];
    return meanOf(norm.inputs[3]) == input && isVariance(norm.inputs[4], input);
  }

private:
  const Node *producer(StringRef name, StringRef opType) const {
    const Node *node = producers.lookup(name);
    return node && node->opType == opType && node->domain.empty() && !node->inputs.empty() ? node : nullptr;
  }

  /// What only changes the shape of a vector of channels.
  StringRef throughShapes(StringRef name) const {
    while (const Node *node = producers.lookup(name)) {
      if (!is_contained({StringRef("Identity"), StringRef("Reshape"), StringRef("Squeeze"), StringRef("Unsqueeze")}, StringRef(node->opType)) || node->inputs.empty())
        break;
      name = node->inputs[0];
    }
    return name;
  }

  std::vector<int64_t> integers(StringRef name) const {
    const Tensor *tensor = initializers.lookup(name);
    if (const Node *node = producers.lookup(name); node && node->opType == "Constant") {
      if (const Attribute *ints = node->find("value_ints"))
        return {ints->ints.begin(), ints->ints.end()};
      if (const Attribute *value = node->find("value"))
        tensor = &value->tensor;
    }
    std::optional<HostTensor> values = tensor && !isFloat(tensor->type) ? decode(*tensor) : std::nullopt;
    std::vector<int64_t> result;
    if (values)
      for (const Integer &integer : values->integers)
        result.push_back(integer.constant);
    return result;
  }

  /// The tensor whose mean over everything but dimension 1 `name` is; empty if it is none.
  StringRef meanOf(StringRef name) const {
    const Node *mean = producer(throughShapes(name), "ReduceMean");
    if (!mean)
      return {};
    std::vector<int64_t> axes;
    if (const Attribute *attribute = mean->find("axes"))
      axes.assign(attribute->ints.begin(), attribute->ints.end());
    else if (mean->inputs.size() > 1)
      axes = integers(mean->inputs[1]);
    llvm::sort(axes);
    for (auto [i, axis] : enumerate(axes))
      if (axis != (i == 0 ? 0 : static_cast<int64_t>(i) + 1))
        return {};
    return axes.empty() ? StringRef() : StringRef(mean->inputs[0]);
  }

  /// The mean of (input - mean)^2.
  bool isVariance(StringRef name, StringRef input) const {
    StringRef square = meanOf(name), difference;
    if (const Node *product = producer(square, "Mul"); product && product->inputs.size() == 2 && product->inputs[0] == product->inputs[1])
      difference = product->inputs[0];
    else if (const Node *power = producer(square, "Pow"))
      difference = power->inputs[0];
    const Node *minus = producer(difference, "Sub");
    return minus && minus->inputs.size() == 2 && minus->inputs[0] == input && meanOf(minus->inputs[1]) == input;
  }

  const Model &model;
  StringMap<const Node *> producers;
  StringMap<const Tensor *> initializers;
};
} // namespace

void bnc::onnx::dropBatchStatistics(Model &model) {
  Finder finder(model);
  std::vector<Node *> found;
  for (Node &node : model.nodes)
    if (finder.usesItsBatch(node))
      found.push_back(&node);
  for (Node *node : found)
    node->inputs[3].clear(), node->inputs[4].clear();
}
