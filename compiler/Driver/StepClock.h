//===- StepClock.h - how long each step of a program takes ---------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_STEPCLOCK_H
#define COMPILER_DRIVER_STEPCLOCK_H

#include "compiler/Driver/JitModel.h"

#include <vector>

namespace bnc {

/// One call of a runtime step by a program.
struct TimedStep {
  const char *function; // bnc_rt_*
  double seconds;
};

/// Functions that take the place of the runtime's steps: they call them and take the time.
llvm::ArrayRef<RuntimeSymbol> timedSteps();

/// Forgets what was recorded on this thread, and returns it.
std::vector<TimedStep> takeTimedSteps();

} // namespace bnc

#endif // COMPILER_DRIVER_STEPCLOCK_H
