//===- StepObserver.h - every step of a program as it runs ---------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_STEPOBSERVER_H
#define COMPILER_DRIVER_STEPOBSERVER_H

#include "compiler/Driver/JitModel.h"

namespace bnc {

/// Functions that take the place of the runtime's steps: they call them and tell the thread's observer.
llvm::ArrayRef<RuntimeSymbol> observedSteps();

/// While one lives, it sees the steps of the programs that its thread runs; one at a time.
class StepObserver {
public:
  StepObserver();
  virtual ~StepObserver();
  StepObserver(const StepObserver &) = delete;

  /// After a call of `function` (bnc_rt_*) that took `seconds`: memory is as the step left it.
  virtual void after(const char *function, const bnc_exec &exec, double seconds) = 0;
};

} // namespace bnc

#endif // COMPILER_DRIVER_STEPOBSERVER_H
