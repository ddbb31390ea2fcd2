//===- Reduction.cpp - partial sums of what a task has written -------------------===//
//
// Sums run over the task's own pixels while they are in cache, in strict floating point: reassociation could undo the
// shift that keeps the sum of squares accurate. Each row of pixels is summed by itself first, which shortens the sums
// (and their error) and gives the processor independent ones; rows add up in double, as the tasks' sums do after them.
//
//===----------------------------------------------------------------------===//

#include "compiler/Kernels/Pipeline.h"
#include "compiler/Kernels/Schedule.h"

using namespace mlir;
using namespace bnc;
using Halide::Expr;
using Halide::Func;
using Halide::strict_float;
using Halide::Tuple;
using Halide::Var;

namespace {
/// Sums of `terms` over (width, rows, images) of `owned`, one channel at a time. The pixels of a row are summed by
/// themselves, in `parts` sums that take turns: additions that wait for each other take four times as long.
Func sumOver(PipelineBuilder &builder, PipelineBuilder::Owned owned, int64_t channels, bool hasAllChannels,
             llvm::function_ref<std::vector<Expr>(Expr c, Expr x, Expr y, Expr n)> terms) {
  int lanes = channels % builder.target.lanes == 0 ? builder.target.lanes : 8;
  int vectors = channels / lanes % 4 == 0 ? 4 : channels / lanes % 2 == 0 ? 2 : 1, parts = 4 / vectors;
  while (owned.width % parts != 0)
    parts /= 2;
  // Channels that fill half a register: two of the sums fill it.
  int halves = lanes * 2 == builder.target.lanes && parts % 2 == 0 ? 2 : 1;
  Var c("rc"), part("rp"), half("rh"), y("ry"), n("rn");
  Func row(builder.name("row")), total(builder.name("total")), rounded(builder.name("rounded"));
  Halide::RDom along(0, owned.width / parts, builder.name("along"));
  Halide::RDom across(0, parts / halves, owned.firstRow, owned.rows, 0, owned.images, builder.name("across"));
  std::vector<Expr> values = terms(c, along.x * parts + part, y, n), zeros(values.size(), 0.0f), rowSums;
  std::vector<Expr> wideZeros(values.size(), Expr(0.0)), totals, results;
  auto assign = [](std::vector<Expr> exprs) { return exprs.size() == 1 ? Tuple(exprs[0]) : Tuple(exprs); };
  auto term = [&](Func func, std::vector<Expr> at, size_t i) { return values.size() == 1 ? Expr(func(at)) : Expr(func(at)[i]); };
  row(c, part, y, n) = assign(zeros);
  for (size_t i = 0; i < values.size(); ++i)
    rowSums.push_back(strict_float(term(row, {c, part, y, n}, i) + values[i]));
  row(c, part, y, n) = assign(rowSums);
  total(c, half) = assign(wideZeros);
  for (size_t i = 0; i < values.size(); ++i) {
    Expr ofRow = term(row, {c, across.x * halves + half, across.y, across.z}, i), result = term(total, {c, 0}, i);
    totals.push_back(strict_float(term(total, {c, half}, i) + Halide::cast<double>(ofRow)));
    results.push_back(Halide::cast<float>(halves > 1 ? strict_float(result + term(total, {c, 1}, i)) : result));
  }
  total(c, half) = assign(totals);
  rounded(c) = assign(results);

  Var co("co"), ci("ci");
  rounded.split(c, co, ci, lanes * vectors).vectorize(ci, lanes).unroll(ci);
  auto inRegisters = [&](Halide::Stage stage, const Var &c, const Var &sums) {
    stage.vectorize(c, lanes).unroll(c);
    halves > 1 ? stage.vectorize(sums, halves).unroll(sums) : stage.unroll(sums);
  };
  total.bound(half, 0, halves);
  // Blocks of channels follow each other within a row, so that whole lines and pages are read together.
  bool byRows = hasAllChannels && channels * halves * int64_t(sizeof(double)) <= kStackBytes;
  if (byRows) {
    Var cb("cb"), cv("cv");
    total.compute_root().bound(c, 0, int(channels)).vectorize(c, lanes);
    total.update().split(c, cb, cv, lanes * vectors).reorder({cv, half, across.x, cb, across.y, across.z}).unroll(across.x);
    inRegisters(total.update(), cv, half);
    row.compute_at(total, cb);
  } else {
    total.compute_at(rounded, co);
    inRegisters(total, c, half);
    total.update().reorder({c, half, across.x, across.y, across.z}).unroll(across.x);
    inRegisters(total.update(), c, half);
    row.compute_at(total, across.y);
  }
  row.reorder(c, part, y, n);
  inRegisters(row, c, part);
  row.update().reorder(c, part, along.x, y, n);
  inRegisters(row.update(), c, part);
  return rounded;
}
} // namespace

std::vector<Func> bnc::buildReduction(PipelineBuilder &builder, Operation *op, const BufferLayout &layout) {
  int64_t channels = layout.extents[0];
  if (auto moments = dyn_cast<PartialMomentsOp>(op)) {
    Func value = builder.stored(moments.getInput());
    PipelineBuilder::Owned owned = builder.owned(moments.getInput());
    Func shift(builder.name("shift"));
    Var c("sc");
    shift(c) = value(c, 0, owned.firstRow, 0);
    shift.vectorize(c, 8);
    Func sums = sumOver(builder, owned, channels, layout.raggedExtent == 0, [&](Expr c, Expr x, Expr y, Expr n) -> std::vector<Expr> {
      Expr distance = strict_float(value(c, x, y, n) - value(c, 0, owned.firstRow, 0));
      return {distance, strict_float(distance * distance)};
    });
    return {shift, sums};
  }
  auto partial = cast<PartialSumsOp>(op);
  Func gradient = builder.stored(partial.getGradient());
  PipelineBuilder::Owned owned = builder.owned(partial.getGradient());
  if (partial.getCentre().empty())
    return {sumOver(builder, owned, channels, layout.raggedExtent == 0, [&](Expr c, Expr x, Expr y, Expr n) -> std::vector<Expr> { return {gradient(c, x, y, n)}; })};
  Element input = builder.element(partial.getCentre()[0]);
  Value rows = partial.getCentre()[1];
  return {sumOver(builder, owned, channels, layout.raggedExtent == 0, [&](Expr c, Expr x, Expr y, Expr n) -> std::vector<Expr> {
    Expr g = gradient(c, x, y, n);
    return {g, strict_float(g * strict_float(input(c, x, y, n) - builder.channel(rows, c, 0)))};
  })};
}
