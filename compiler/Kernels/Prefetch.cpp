//===- Prefetch.cpp - weights fetched before they are read ------------------===//

#include "compiler/Kernels/Prefetch.h"

#include <algorithm>

using namespace bnc;
using namespace Halide::Internal;
using Halide::Expr;

namespace {
constexpr int kStreamAhead = 128;           // elements: measured with dense layers of one image
constexpr int64_t kPanelBytes = 256 << 10; // what is fetched ahead has to stay in the cache until it is read

/// Of a loop's body; whether there are loops inside.
class Reads : public VectorReads {
public:
  using VectorReads::VectorReads;
  bool hasLoops = false;

private:
  using VectorReads::visit;
  void visit(const For *loop) override {
    hasLoops = true;
    IRVisitor::visit(loop);
  }
};

Expr variable(const For *loop) { return Variable::make(Halide::Int(32), loop->name); }
} // namespace

void VectorReads::visit(const Load *load) {
  const Ramp *ramp = load->index.as<Ramp>();
  if (ramp && is_const_one(ramp->stride) && names.count(load->name)) {
    Expr address = ramp->base;
    for (auto let = lets.rbegin(); let != lets.rend(); ++let)
      address = substitute(let->first, let->second, address);
    addresses[load->name].push_back(address);
  }
  IRVisitor::visit(load);
}

template <typename T> void VectorReads::visitLet(const T *let) {
  let->value.accept(this);
  lets.emplace_back(let->name, let->value);
  let->body.accept(this);
  lets.pop_back();
}

void VectorReads::visit(const Let *let) { visitLet(let); }
void VectorReads::visit(const LetStmt *let) { visitLet(let); }

Stmt PrefetchPanels::visit(const LetStmt *let) {
  lets.emplace_back(let->name, let->value);
  Stmt result = IRMutator::visit(let);
  lets.pop_back();
  return result;
}

Stmt PrefetchPanels::visit(const For *loop) {
  loops.push_back(loop);
  Stmt body = mutate(loop->body);
  Reads reads(names, lets);
  body.accept(&reads);
  if (!reads.hasLoops)
    for (const auto &[name, addresses] : reads.addresses)
      for (const Stmt &fetch : prefetches(name, addresses))
        body = Block::make(fetch, body);
  loops.pop_back();
  return For::make(loop->name, loop->min, loop->extent, loop->for_type, loop->partition_policy, loop->device_api, body);
}

std::vector<Stmt> PrefetchPanels::prefetches(const std::string &name, const std::vector<Expr> &addresses) const {
  // From the inside: the loops over the panel, those that read it again, and those that lead to the next one.
  auto moves = [&](const For *loop) { return expr_uses_var(addresses.front(), loop->name); };
  auto at = loops.rbegin();
  int64_t iterations = 1;
  for (; at != loops.rend() && moves(*at); ++at)
    iterations *= as_const_int((*at)->extent).value_or(1);
  Expr pass = 0;
  int64_t passes = 1;
  Expr scale = 1;
  for (; at != loops.rend() && !moves(*at); ++at) {
    pass = pass + (variable(*at) - (*at)->min) * scale;
    scale = scale * (*at)->extent;
    // Rows begin where the task does: Halide counts them from there.
    bool isRows = ends_with((*at)->name, ".y") || ends_with((*at)->name, ".y.rebased");
    passes *= as_const_int((*at)->extent).value_or(isRows ? rows : 1);
  }
  if (!isStream && at == loops.rend())
    return {};
  const For *next = isStream ? nullptr : *at, *outer = nullptr;
  for (; next && at != loops.rend() && !outer; ++at)
    if (*at != next && moves(*at))
      outer = *at;
  auto following = [&](const Expr &address) {
    if (isStream)
      return address + kStreamAhead;
    Expr step = substitute(next->name, variable(next) + 1, address);
    if (!outer)
      return step;
    Expr carried = substitute(outer->name, variable(outer) + 1, substitute(next->name, next->min, address));
    return Halide::select(variable(next) + 1 < next->min + next->extent, step, carried);
  };

  // Runs of vectors that lie side by side.
  std::vector<int64_t> offsets;
  for (const Expr &address : addresses) {
    // The same in every iteration, though the expressions may not show it: that of the first.
    Expr difference = address - addresses.front();
    for (const For *loop : loops)
      difference = substitute(loop->name, 0, difference);
    auto offset = as_const_int(simplify(difference));
    if (!offset)
      return {};
    offsets.push_back(*offset);
  }
  std::sort(offsets.begin(), offsets.end());
  offsets.erase(std::unique(offsets.begin(), offsets.end()), offsets.end());
  if (!isStream && iterations * int64_t(offsets.size()) * kLine * 4 > kPanelBytes)
    return {};
  std::vector<std::pair<int64_t, int64_t>> runs;
  for (int64_t offset : offsets)
    if (!runs.empty() && offset <= runs.back().second + kLine)
      runs.back().second = offset;
    else
      runs.emplace_back(offset, offset);

  // Runs of equal length at equal distances: line `i` of all of them.
  int length = int((runs.front().second - runs.front().first) / kLine + 1), count = int(runs.size());
  int64_t distance = count > 1 ? runs[1].first - runs[0].first : 0;
  for (int k = 0; k < count; ++k)
    if (runs[k] != std::pair(runs[0].first + k * distance, runs[0].second + k * distance))
      return {};
  if (isStream) {
    pass = 0; // everything is fetched in every one
    passes = 1;
  }
  int lines = length * count, each = int((lines + passes - 1) / passes);
  std::vector<Stmt> result;
  Expr base = Variable::make(Halide::Handle(), name), start = following(addresses.front()) + int(runs.front().first);
  for (int k = 0; k < each; ++k) {
    Expr i = Halide::min(pass * each + k, lines - 1);
    Expr offset = start + (i / length) * int(distance) + (i % length) * int(kLine);
    result.push_back(Evaluate::make(Call::make(Halide::Float(32), Call::prefetch, {base, simplify(offset), 1, 16}, Call::Intrinsic)));
  }
  return result;
}
