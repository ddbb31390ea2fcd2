//===- MachinePeak.h - what this machine can do at most -------------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_MACHINEPEAK_H
#define COMPILER_DRIVER_MACHINEPEAK_H

#include "compiler/Support/Target.h"

namespace bnc {

struct MachinePeak {
  double flops = 0; // a second: fused multiply-adds on registers, two each; 0: not known for this target
  double bytes = 0; // a second, read from memory
};

/// Measures both with `threads` threads at once and the vectors of `target`, in about a quarter of a second.
MachinePeak measurePeak(int threads, const Target &target);

} // namespace bnc

#endif // COMPILER_DRIVER_MACHINEPEAK_H
