//===- PrefetchNextTask.h - activations fetched a task ahead -----*- C++ -*-===//

#ifndef COMPILER_KERNELS_PREFETCHNEXTTASK_H
#define COMPILER_KERNELS_PREFETCHNEXTTASK_H

#include "Halide.h"

#include <set>
#include <string>

namespace bnc {

/// A buffer of which a task takes `elements` elements, and the next task those behind them.
struct NextTask {
  std::string name;
  Halide::Type type;
  int64_t elements;
};

/// Adds prefetches of what the next task takes to the loops of the Funcs `anchors`, spread over all of them. A task loads
/// first and multiplies then: without this, memory rests while it multiplies, and the processor while it loads.
class PrefetchNextTask : public Halide::Internal::IRMutator {
public:
  PrefetchNextTask(std::set<std::string> anchors, std::vector<NextTask> buffers) : anchors(std::move(anchors)), buffers(std::move(buffers)) {}

  using IRMutator::mutate;
  Halide::Internal::Stmt mutate(const Halide::Internal::Stmt &stmt) override;

private:
  using IRMutator::visit;
  Halide::Internal::Stmt visit(const Halide::Internal::For *loop) override;

  /// The part of `buffer` that is fetched the `index`-th time that the places are reached.
  Halide::Internal::Stmt fetch(const NextTask &buffer, const Halide::Expr &index) const;

  std::set<std::string> anchors;
  std::vector<NextTask> buffers;
  std::vector<const Halide::Internal::For *> loops; // around what is visited, outermost first
  int64_t places = -1, passed = 0;                  // how often places are reached: all, and those before what is visited
};

} // namespace bnc

#endif // COMPILER_KERNELS_PREFETCHNEXTTASK_H
