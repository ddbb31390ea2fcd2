//===- Target.cpp - the table of targets -------------------------------------===//

#include "compiler/Support/Target.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/TargetParser/Host.h"

using namespace bnc;

int64_t Target::vectorFor(int64_t channels) const {
  int64_t width = 8;
  while (width < lanes && width < channels)
    width *= 2;
  // A wider vector must divide what storedChannels() made of them.
  while (width > 8 && storedChannels(channels) % width != 0)
    width /= 2;
  return width;
}

int64_t Target::storedChannels(int64_t channels) const {
  int64_t narrow = llvm::alignTo(channels, 8), wide = llvm::alignTo(channels, lanes);
  return (wide - channels) * 7 <= channels ? wide : narrow;
}

static const llvm::StringLiteral kNames[] = {"host", "x86-64-v3", "x86-64-v4"};

llvm::ArrayRef<llvm::StringLiteral> bnc::targetNames() { return kNames; }

static Target x86v3() {
  return {"x86-64-v3", 8, 16, 256 << 10, "x86-64-linux-sse41-avx-avx2-f16c-fma", "x86_64-unknown-linux-gnu",
          "x86-64-v3", {"avx", "avx2", "fma", "f16c", "bmi1", "bmi2", "movbe"}};
}

static Target x86v4() {
  return {"x86-64-v4", 16, 32, 1024 << 10,
          "x86-64-linux-sse41-avx-avx2-f16c-fma-avx512-avx512_skylake", "x86_64-unknown-linux-gnu", "x86-64-v4",
          {"avx", "avx2", "fma", "f16c", "bmi1", "bmi2", "movbe", "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}};
}

std::optional<Target> bnc::lookupTarget(llvm::StringRef name) {
  if (name == "x86-64-v3")
    return x86v3();
  if (name == "x86-64-v4")
    return x86v4();
  if (name == "host") {
    llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
    auto has = [&](llvm::StringRef feature) { return features.lookup(feature); };
    if (has("avx512f") && has("avx512bw") && has("avx512cd") && has("avx512dq") && has("avx512vl"))
      return x86v4();
    if (has("avx2") && has("fma") && has("f16c"))
      return x86v3();
  }
  return std::nullopt;
}
