//===- Target.h - what code is generated for ---------------------*- C++ -*-===//
//
// The facts about a processor that choices depend on. They follow from --target alone, never from the machine that
// compiles, except for `host`, which is resolved to one of the others first.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SUPPORT_TARGET_H
#define COMPILER_SUPPORT_TARGET_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>

namespace bnc {

struct Target {
  std::string name;    // as the user writes it: x86-64-v3, ...
  int64_t lanes;       // floats in a vector register
  int64_t registers;   // vector registers
  int64_t cacheBytes;  // second-level cache of one core that a task may count on
  std::string halide;  // Halide's target string
  std::string triple;  // LLVM's
  std::string cpu;     // LLVM's
  llvm::SmallVector<const char *> requiredFeatures; // flags of /proc/cpuinfo that must be there

  /// Floats in the vectors that hold `channels`: the narrowest that holds them all, at most `lanes`.
  int64_t vectorFor(int64_t channels) const;

  /// Channels in memory for `channels` of a tensor: whole vectors, as wide as costs less than a seventh more.
  int64_t storedChannels(int64_t channels) const;
};

/// Names that --target takes, for help and errors.
llvm::ArrayRef<llvm::StringLiteral> targetNames();

/// The target called `name`, nullopt if there is none. `host` is what this machine can run.
std::optional<Target> lookupTarget(llvm::StringRef name);

} // namespace bnc

#endif // COMPILER_SUPPORT_TARGET_H
