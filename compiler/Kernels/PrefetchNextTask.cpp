//===- PrefetchNextTask.cpp - activations fetched a task ahead ---------------===//

#include "compiler/Kernels/PrefetchNextTask.h"

#include "llvm/ADT/STLExtras.h"

using namespace bnc;
using namespace Halide::Internal;
using Halide::Expr;

namespace {
constexpr int64_t kLineBytes = 64;

/// Loops inside a statement: how deep they are nested, and whether the innermost ones all belong to some Funcs.
class Nest : public IRVisitor {
public:
  explicit Nest(const std::set<std::string> &anchors) : anchors(anchors) {}
  int depth = 0;
  bool ofAnchors = true;

private:
  using IRVisitor::visit;
  void visit(const For *loop) override {
    Nest inside(anchors);
    loop->body.accept(&inside);
    depth = std::max(depth, inside.depth + 1);
    ofAnchors &= inside.depth > 0 ? inside.ofAnchors : anchors.count(loop->name.substr(0, loop->name.find('.'))) > 0;
  }

  const std::set<std::string> &anchors;
};

/// True for the body of a loop around innermost ones, which keep their registers to themselves.
bool isPlace(const Stmt &body, const std::set<std::string> &anchors) {
  Nest nest(anchors);
  body.accept(&nest);
  return nest.depth == 1 && nest.ofAnchors;
}

/// How often the places are reached, and the buffers that are accessed at all: others have no address.
class Survey : public IRVisitor {
public:
  explicit Survey(const std::set<std::string> &anchors) : anchors(anchors) {}
  int64_t places = 0;
  std::set<std::string> accessed;

private:
  using IRVisitor::visit;
  void visit(const For *loop) override {
    int64_t outside = times;
    times *= as_const_int(loop->extent).value_or(1);
    if (isPlace(loop->body, anchors))
      places += times;
    IRVisitor::visit(loop);
    times = outside;
  }
  void visit(const Load *load) override {
    accessed.insert(load->name);
    IRVisitor::visit(load);
  }
  void visit(const Store *store) override {
    accessed.insert(store->name);
    IRVisitor::visit(store);
  }

  const std::set<std::string> &anchors;
  int64_t times = 1;
};
} // namespace

Stmt PrefetchNextTask::mutate(const Stmt &stmt) {
  if (places < 0) { // the whole pipeline comes first
    Survey survey(anchors);
    stmt.accept(&survey);
    places = survey.places;
    llvm::erase_if(buffers, [&](const NextTask &buffer) { return !survey.accessed.count(buffer.name); });
  }
  return IRMutator::mutate(stmt);
}

Stmt PrefetchNextTask::visit(const For *loop) {
  loops.push_back(loop);
  Stmt body = loop->body;
  if (isPlace(body, anchors)) {
    Expr index = 0;
    int64_t times = 1;
    for (const For *each : loops)
      if (auto extent = as_const_int(each->extent)) { // others go over the one image
        index = index * int(*extent) + (Variable::make(Halide::Int(32), each->name) - each->min);
        times *= *extent;
      }
    index = simplify(index + int(passed));
    passed += times;
    for (const NextTask &buffer : buffers)
      body = Block::make(fetch(buffer, index), body);
  } else {
    body = IRMutator::mutate(body);
  }
  loops.pop_back();
  return For::make(loop->name, loop->min, loop->extent, loop->for_type, loop->partition_policy, loop->device_api, body);
}

Stmt PrefetchNextTask::fetch(const NextTask &buffer, const Expr &index) const {
  int64_t line = kLineBytes / buffer.type.bytes(), lines = (buffer.elements + line - 1) / line;
  // As many lines every time or, where there are more times than lines, one for several times.
  int64_t each = (lines + places - 1) / places, turns = std::max<int64_t>(1, places / lines);
  Expr first = Halide::min(index / int(turns) * int(each), int(lines - each));
  Expr base = Variable::make(Halide::Handle(), buffer.name);
  std::vector<Stmt> fetches;
  for (int64_t k = 0; k < each; ++k) {
    Expr offset = simplify((first + int(k)) * int(line) + int(buffer.elements));
    fetches.push_back(Evaluate::make(Call::make(buffer.type, Call::prefetch, {base, offset, 1, int(line)}, Call::Intrinsic)));
  }
  return Block::make(fetches);
}
