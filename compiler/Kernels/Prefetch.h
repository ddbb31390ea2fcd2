//===- Prefetch.h - weights fetched before they are read ---------*- C++ -*-===//

#ifndef COMPILER_KERNELS_PREFETCH_H
#define COMPILER_KERNELS_PREFETCH_H

#include "Halide.h"

#include <map>
#include <set>
#include <string>

namespace bnc {

constexpr int64_t kLine = 16; // elements of a cache line

using Lets = std::vector<std::pair<std::string, Halide::Expr>>;

/// First elements of the vectors that a statement reads of the buffers `names`, without the variables of `lets` (those
/// around it) and of lets inside.
class VectorReads : public Halide::Internal::IRVisitor {
public:
  explicit VectorReads(const std::set<std::string> &names, Lets lets = {}) : names(names), lets(std::move(lets)) {}
  std::map<std::string, std::vector<Halide::Expr>> addresses;

protected:
  using IRVisitor::visit;
  void visit(const Halide::Internal::Load *load) override;
  void visit(const Halide::Internal::Let *let) override;
  void visit(const Halide::Internal::LetStmt *let) override;

private:
  template <typename T> void visitLet(const T *let);

  const std::set<std::string> &names;
  Lets lets;
};

/// Adds prefetches to a lowered pipeline: of what innermost loops read of the buffers `names`.
///
/// Where the loops around read a panel again and again, each of those passes fetches a part of the panel that is read
/// next, so that the fetches are spread over all the time there is: a panel that is fetched when it is first read makes
/// its first pass as slow as the cache or memory that it comes from. With `isStream` everything is read once, and fetched
/// some way ahead. A loop over rows that are not the same
/// number everywhere has about `rows` of them.
class PrefetchPanels : public Halide::Internal::IRMutator {
public:
  PrefetchPanels(std::set<std::string> names, bool isStream, int64_t rows) : names(std::move(names)), isStream(isStream), rows(rows) {}

private:
  using IRMutator::visit;
  Halide::Internal::Stmt visit(const Halide::Internal::For *loop) override;
  Halide::Internal::Stmt visit(const Halide::Internal::LetStmt *let) override;

  std::vector<Halide::Internal::Stmt> prefetches(const std::string &name, const std::vector<Halide::Expr> &addresses) const;

  std::set<std::string> names;
  bool isStream;
  int64_t rows;
  std::vector<const Halide::Internal::For *> loops; // around what is visited, outermost first
  Lets lets;                                        // likewise
};

} // namespace bnc

#endif // COMPILER_KERNELS_PREFETCH_H
