//===- PrefetchOperands.cpp - what sums meet, fetched meanwhile --------------===//

#include "compiler/Kernels/PrefetchOperands.h"

using namespace bnc;
using namespace Halide::Internal;
using Halide::Expr;

namespace {
/// Of the body of a loop where it consumes sums, but for what loops inside read.
class Operands : public VectorReads {
public:
  Operands(const std::set<std::string> &anchors, const std::set<std::string> &names) : VectorReads(names), anchors(anchors) {}

private:
  using VectorReads::visit;
  void visit(const For *) override {}
  void visit(const ProducerConsumer *op) override {
    bool outside = isConsumer;
    isConsumer |= !op->is_producer && anchors.count(op->name) > 0;
    IRVisitor::visit(op);
    isConsumer = outside;
  }
  void visit(const Load *load) override {
    if (isConsumer)
      VectorReads::visit(load);
    else
      IRVisitor::visit(load);
  }

  const std::set<std::string> &anchors;
  bool isConsumer = false;
};
} // namespace

Stmt PrefetchOperands::visit(const For *loop) {
  Stmt body = mutate(loop->body);
  Operands operands(anchors, names);
  loop->body.accept(&operands);
  for (const auto &[name, addresses] : operands.addresses) {
    // One prefetch for a line: vectors at known distances from the first address of their kind.
    std::vector<std::pair<Expr, std::set<int64_t>>> kinds;
    for (const Expr &address : addresses) {
      bool known = false;
      for (auto &[first, lines] : kinds)
        if (auto distance = as_const_int(simplify(address - first))) {
          lines.insert(*distance >= 0 ? *distance / kLine : (*distance - kLine + 1) / kLine);
          known = true;
          break;
        }
      if (!known)
        kinds.push_back({address, {0}});
    }
    Expr base = Variable::make(Halide::Handle(), name);
    for (const auto &[first, lines] : kinds)
      for (int64_t line : lines)
        body = Block::make(Evaluate::make(Call::make(Halide::Float(32), Call::prefetch, {base, simplify(first + int(line * kLine)), 1, int(kLine)}, Call::Intrinsic)), body);
  }
  return For::make(loop->name, loop->min, loop->extent, loop->for_type, loop->partition_policy, loop->device_api, body);
}
