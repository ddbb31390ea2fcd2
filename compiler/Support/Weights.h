//===- Weights.h - the values of a model's variables ------------*- C++ -*-===//

#ifndef COMPILER_SUPPORT_WEIGHTS_H
#define COMPILER_SUPPORT_WEIGHTS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

#include <deque>
#include <string>
#include <vector>

namespace bnc {

/// A dense f32 tensor in row-major order; data.size() is the product of `shape`.
struct NamedTensor {
  std::string name;
  llvm::SmallVector<int64_t> shape;
  std::vector<float> data;
};

/// Tensors by name, in the order in which they were added. Owns them; references stay valid while it lives.
class Weights {
public:
  /// False, and nothing is changed, if there already is a tensor of that name.
  bool add(NamedTensor tensor);

  /// The tensor of that name, or null.
  const NamedTensor *find(llvm::StringRef name) const;
  NamedTensor *find(llvm::StringRef name);

  size_t size() const { return tensors.size(); }
  bool empty() const { return tensors.empty(); }
  std::deque<NamedTensor>::const_iterator begin() const { return tensors.begin(); }
  std::deque<NamedTensor>::const_iterator end() const { return tensors.end(); }
  std::deque<NamedTensor>::iterator begin() { return tensors.begin(); }
  std::deque<NamedTensor>::iterator end() { return tensors.end(); }

private:
  std::deque<NamedTensor> tensors;
  llvm::StringMap<size_t> indices;
};

} // namespace bnc

#endif // COMPILER_SUPPORT_WEIGHTS_H
