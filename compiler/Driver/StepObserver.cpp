//===- StepObserver.cpp - every step of a program as it runs -----------------------===//

#include "compiler/Driver/StepObserver.h"

#include <cassert>
#include <chrono>

using namespace bnc;
using Clock = std::chrono::steady_clock;

static thread_local StepObserver *current;

StepObserver::StepObserver() {
  assert(!current && "this thread has an observer");
  current = this;
}

StepObserver::~StepObserver() { current = nullptr; }

namespace {
/// `function`, called *name, with its observer told.
template <auto function, const char *const *name> struct Observed;
template <typename... Arguments, void (*function)(bnc_exec *, Arguments...), const char *const *name>
struct Observed<function, name> {
  static void call(bnc_exec *exec, Arguments... arguments) {
    Clock::time_point start = Clock::now();
    function(exec, arguments...);
    if (current)
      current->after(*name, *exec, std::chrono::duration<double>(Clock::now() - start).count());
  }
};
} // namespace

// The steps that programs call, each with its name.
#define BNC_FOR_EACH_STEP(STEP)                                                                                        \
  STEP(bnc_rt_launch)                                                                                                  \
  STEP(bnc_rt_merge_moments)                                                                                           \
  STEP(bnc_rt_normalize_coefficients)                                                                                  \
  STEP(bnc_rt_update_running)                                                                                          \
  STEP(bnc_rt_merge_sums)                                                                                              \
  STEP(bnc_rt_gradient_coefficients)                                                                                   \
  STEP(bnc_rt_channel_gradient)                                                                                        \
  STEP(bnc_rt_merge_slices)                                                                                            \
  STEP(bnc_rt_pack)                                                                                                    \
  STEP(bnc_rt_winograd_weights)                                                                                        \
  STEP(bnc_rt_copy)                                                                                                    \
  STEP(bnc_rt_fill)                                                                                                    \
  STEP(bnc_rt_constant)                                                                                                \
  STEP(bnc_rt_add)                                                                                                     \
  STEP(bnc_rt_loss)                                                                                                    \
  STEP(bnc_rt_dropout_keys)                                                                                            \
  STEP(bnc_rt_fold_coefficients)                                                                                       \
  STEP(bnc_rt_fold_axis)                                                                                               \
  STEP(bnc_rt_fold_shift)

#define BNC_NAME(step) static const char *const step##_name = #step;
BNC_FOR_EACH_STEP(BNC_NAME)

#define BNC_ROW(step) {#step, llvm::orc::ExecutorAddr::fromPtr(&Observed<step, &step##_name>::call)},
llvm::ArrayRef<RuntimeSymbol> bnc::observedSteps() {
  static const RuntimeSymbol symbols[] = {BNC_FOR_EACH_STEP(BNC_ROW)};
  return symbols;
}
