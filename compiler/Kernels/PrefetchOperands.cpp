//===- PrefetchOperands.cpp - what sums meet, fetched meanwhile --------------===//

#include "compiler/Kernels/PrefetchOperands.h"

#include <map>

using namespace bnc;
using namespace Halide::Internal;
using Halide::Expr;

namespace {
constexpr int64_t kLine = 16; // elements of a cache line

/// Addresses of the vectors that the body of a loop reads where it consumes sums, but for those of loops inside.
class Operands : public IRVisitor {
public:
  Operands(const std::set<std::string> &anchors, const std::set<std::string> &names) : anchors(anchors), names(names) {}
  std::map<std::string, std::vector<Expr>> addresses; // of variables of the loops outside

private:
  using IRVisitor::visit;
  void visit(const For *) override {}
  void visit(const ProducerConsumer *op) override {
    bool outside = isConsumer;
    isConsumer |= !op->is_producer && anchors.count(op->name) > 0;
    IRVisitor::visit(op);
    isConsumer = outside;
  }
  void visit(const Load *load) override {
    const Ramp *ramp = load->index.as<Ramp>();
    if (isConsumer && ramp && is_const_one(ramp->stride) && names.count(load->name)) {
      Expr address = ramp->base;
      for (auto let = lets.rbegin(); let != lets.rend(); ++let)
        address = substitute(let->first, let->second, address);
      addresses[load->name].push_back(address);
    }
    IRVisitor::visit(load);
  }
  template <typename T> void visitLet(const T *let) {
    let->value.accept(this);
    lets.emplace_back(let->name, let->value);
    let->body.accept(this);
    lets.pop_back();
  }
  void visit(const Let *let) override { visitLet(let); }
  void visit(const LetStmt *let) override { visitLet(let); }

  const std::set<std::string> &anchors, &names;
  Lets lets;
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
