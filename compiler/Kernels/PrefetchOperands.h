//===- PrefetchOperands.h - what sums meet, fetched meanwhile ----*- C++ -*-===//

#ifndef COMPILER_KERNELS_PREFETCHOPERANDS_H
#define COMPILER_KERNELS_PREFETCHOPERANDS_H

#include "compiler/Kernels/Prefetch.h"

namespace bnc {

/// Adds prefetches to a lowered pipeline: of what the results of register tiles meet when their sums are complete (the other
/// gradient that is added, the value that decides about a ReLU), before the sums are formed. A tile has a few short pieces of
/// it, far apart, which the processor does not guess; its sums take longer than memory does.
///
/// `anchors`: the Funcs that hold the sums. `names`: the buffers to fetch from.
class PrefetchOperands : public Halide::Internal::IRMutator {
public:
  PrefetchOperands(std::set<std::string> anchors, std::set<std::string> names) : anchors(std::move(anchors)), names(std::move(names)) {}

private:
  using IRMutator::visit;
  Halide::Internal::Stmt visit(const Halide::Internal::For *loop) override;

  std::set<std::string> anchors, names;
};

} // namespace bnc

#endif // COMPILER_KERNELS_PREFETCHOPERANDS_H
