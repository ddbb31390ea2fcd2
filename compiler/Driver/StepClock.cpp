//===- StepClock.cpp - how long each step of a program takes -----------------------===//

#include "compiler/Driver/StepClock.h"

#include <chrono>
#include <utility>

using namespace bnc;
using Clock = std::chrono::steady_clock;

static thread_local std::vector<TimedStep> recorded;

namespace {
/// `function` with its time recorded under the name at *name.
template <auto function, const char *const *name> struct Timed;
template <typename... Arguments, void (*function)(Arguments...), const char *const *name>
struct Timed<function, name> {
  static void call(Arguments... arguments) {
    Clock::time_point start = Clock::now();
    function(arguments...);
    recorded.push_back({*name, std::chrono::duration<double>(Clock::now() - start).count()});
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

#define BNC_ROW(step) {#step, llvm::orc::ExecutorAddr::fromPtr(&Timed<step, &step##_name>::call)},
llvm::ArrayRef<RuntimeSymbol> bnc::timedSteps() {
  static const RuntimeSymbol symbols[] = {BNC_FOR_EACH_STEP(BNC_ROW)};
  return symbols;
}

std::vector<TimedStep> bnc::takeTimedSteps() { return std::exchange(recorded, {}); }
