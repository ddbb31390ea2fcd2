//===- Weights.cpp - the values of a model's variables --------------------===//

#include "compiler/Support/Weights.h"

using namespace bnc;

bool Weights::add(NamedTensor tensor) {
  if (!indices.try_emplace(tensor.name, tensors.size()).second)
    return false;
  tensors.push_back(std::move(tensor));
  return true;
}

const NamedTensor *Weights::find(llvm::StringRef name) const {
  auto found = indices.find(name);
  return found == indices.end() ? nullptr : &tensors[found->second];
}

NamedTensor *Weights::find(llvm::StringRef name) {
  auto found = indices.find(name);
  return found == indices.end() ? nullptr : &tensors[found->second];
}
