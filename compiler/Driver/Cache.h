//===- Cache.h - compiled models that are kept -------------------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_CACHE_H
#define COMPILER_DRIVER_CACHE_H

#include "compiler/Codegen/Codegen.h"

#include <optional>
#include <string>

namespace bnc {

/// Objects under a key. Bounded: least recently used entries make room. What cannot be read or written is a miss:
/// a cache never fails.
class ModelCache {
public:
  /// `folder` is made on the first store. Empty: nothing is kept.
  explicit ModelCache(std::string folder) : folder(std::move(folder)) {}

  /// Hash of everything that a compiled model depends on, this program included.
  static std::string keyOf(llvm::StringRef inputs);
  std::optional<CompiledModel> lookup(llvm::StringRef key) const;
  void store(llvm::StringRef key, const CompiledModel &model) const;

private:
  std::string pathOf(llvm::StringRef key) const;
  std::string folder;
};

} // namespace bnc

#endif // COMPILER_DRIVER_CACHE_H
