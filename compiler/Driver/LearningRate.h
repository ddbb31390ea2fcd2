//===- LearningRate.h - the learning rate over a training ----------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_LEARNINGRATE_H
#define COMPILER_DRIVER_LEARNINGRATE_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>
#include <vector>

namespace bnc {

/// A stretch of training: "500" or "500steps", "2epochs".
struct Stretch {
  int64_t count = 0;
  bool epochs = false;

  /// Takes `text`, of at least `minimum`. Returns what was expected instead, or "".
  std::string parse(llvm::StringRef text, int64_t minimum);
  int64_t steps(int64_t stepsPerEpoch) const { return epochs ? count * stepsPerEpoch : count; }
};

/// What --lr-schedule says: the share of the optimizer's learning rate lr that a step takes. With step s counted from 0,
/// T steps in all, W steps of warm-up:
///
///   warm-up, s < W   start + (1 - start) * s / W                            (optax.linear_schedule, PyTorch's LinearLR)
///   constant         1
///   step             factor ^ floor((s - W) / every)                       (PyTorch's StepLR)
///   cosine           final + (1 - final) * (1 + cos(pi * (s - W) / (T - W))) / 2
///                                   (Loshchilov and Hutter 2017; PyTorch's CosineAnnealingLR, optax's and Keras's cosine decay)
///   one-cycle        from start up to 1 at step rise * T - 1, from there down to final at step T - 1, each half a period
///                    of a cosine                                (Smith and Topin 2019; PyTorch's OneCycleLR)
class LearningRateSchedule {
public:
  static std::vector<std::string> names();

  /// Takes "NAME[:SETTING=VALUE,...]". Returns what was expected instead, or "".
  std::string parse(llvm::StringRef text);

  /// Fits the schedule to a training of `steps` steps. Returns what does not fit, or "".
  std::string fit(int64_t steps, int64_t stepsPerEpoch);

  bool isConstant() const { return kind == Kind::Constant && warmUp.count == 0; }

  /// Share of the learning rate that step `step` (from 0) takes.
  double factorAt(int64_t step) const;

private:
  enum class Kind { Constant, Step, Cosine, OneCycle };
  Kind kind = Kind::Constant;
  Stretch warmUp, every;
  double start = 0, factor = 0.1, final = 0, rise = 0.3;
  double steps = 0, warmUpSteps = 0, everySteps = 0; // as fitted
};

} // namespace bnc

#endif // COMPILER_DRIVER_LEARNINGRATE_H
