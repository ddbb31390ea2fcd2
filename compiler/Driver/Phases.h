//===- Phases.h - the named stops of a compilation -----------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_PHASES_H
#define COMPILER_DRIVER_PHASES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>
#include <vector>

namespace bnc {

/// Where a compilation can stop, and where it can start again from the text it printed. `Training` and `Inference`
/// both follow `Import`; everything else follows the one before.
enum class Phase { Import, Training, Inference, Kernels, LLVM, Objects };

struct PhaseInfo {
  Phase phase;
  llvm::StringLiteral name; // in --compile-to= and in the module attribute bnc.phase
  llvm::StringLiteral description;
};

/// Every phase, in order.
llvm::ArrayRef<PhaseInfo> allPhases();
llvm::StringRef phaseName(Phase phase);
std::optional<Phase> phaseByName(llvm::StringRef name);
std::vector<std::string> phaseNames();

/// True if a module in phase `from` can be brought to phase `to` (a phase reaches itself).
bool canReach(Phase from, Phase to);

} // namespace bnc

#endif // COMPILER_DRIVER_PHASES_H
