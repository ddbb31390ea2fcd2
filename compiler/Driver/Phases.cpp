//===- Phases.cpp - the named stops of a compilation ------------------------===//

#include "compiler/Driver/Phases.h"

using namespace llvm;
using namespace bnc;

static constexpr PhaseInfo kPhases[] = {
    {Phase::Import, "import", "the network as the file has it, neither training nor inference; shapes inferred"},
    {Phase::Training, "training", "forward with batch statistics, loss, gradients, optimizer, running averages"},
    {Phase::Inference, "inference", "every batch normalization folded into weights, or left as a per-channel affine"},
    {Phase::Kernels, "kernels", "operations grouped into kernels, layouts chosen, memory planned"},
    {Phase::LLVM, "llvm", "entry points in the LLVM dialect, kernels beside them"},
    {Phase::Objects, "objects", "library, C header and weights"},
};

ArrayRef<PhaseInfo> bnc::allPhases() { return kPhases; }

StringRef bnc::phaseName(Phase phase) { return kPhases[static_cast<int>(phase)].name; }

std::optional<Phase> bnc::phaseByName(StringRef name) {
  for (const PhaseInfo &info : kPhases)
    if (info.name == name)
      return info.phase;
  return std::nullopt;
}

std::vector<std::string> bnc::phaseNames() {
  std::vector<std::string> names;
  for (const PhaseInfo &info : kPhases)
    names.push_back(info.name.str());
  return names;
}

bool bnc::canReach(Phase from, Phase to) {
  if (from == Phase::Training && to == Phase::Inference)
    return false;
  return from <= to;
}
