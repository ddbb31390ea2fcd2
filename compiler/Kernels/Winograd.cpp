//===- Winograd.cpp - 3x3 convolutions over transformed tiles --------------------===//
//
// Three Funcs, each stored once per task: transformed tiles, their products with the transformed weights (a matrix product
// for each plane), and the image. Transforms run in registers, a vector of channels of one tile at a time, first down and
// then across. Stored planes have the dimensions (channel, tile in x, plane, tile in y, image).
//
//===----------------------------------------------------------------------===//

#include "compiler/Kernels/Winograd.h"

#include "compiler/Kernels/Pipeline.h"
#include "compiler/Kernels/Schedule.h"

using namespace mlir;
using namespace bnc;
using Halide::Expr;
using Halide::Func;
using Halide::TailStrategy;
using Halide::Var;

std::vector<std::array<double, 3>> bnc::winogradWeightTransform(int64_t tile) {
  auto [a, b] = WinogradPoints::of(tile);
  std::vector<std::array<double, 3>> rows;
  // Row of point p: {1, p, p^2} over the product of p's distances to the other points.
  auto add = [&](double p, double distances) { rows.push_back({1 / distances, p / distances, p * p / distances}); };
  if (tile == 2) {
    add(0, -a * a);
    add(a, 2 * a * a);
    add(-a, 2 * a * a);
  } else {
    add(0, a * a * b * b);
    add(a, 2 * a * a * (a * a - b * b));
    add(-a, 2 * a * a * (a * a - b * b));
    add(b, 2 * b * b * (b * b - a * a));
    add(-b, 2 * b * b * (b * b - a * a));
  }
  rows.push_back({0, 0, 1});
  return rows;
}

namespace {
using Line = std::vector<Expr>;

/// tile + 2 neighbours of an image as the coefficients of a polynomial, times the polynomial of the other points.
Line transformInput(int64_t tile, const Line &d) {
  auto [a, b] = WinogradPoints::of(tile);
  auto number = [](double value) { return Expr(float(value)); };
  if (tile == 2) {
    Expr odd = a == 1 ? d[1] : number(a) * d[1];
    return {d[2] - number(a * a) * d[0], d[2] + odd, d[2] - odd, d[3] - number(a * a) * d[1]};
  }
  Expr evenA = d[4] - number(b * b) * d[2], oddA = number(a) * (d[3] - number(b * b) * d[1]);
  Expr evenB = d[4] - number(a * a) * d[2], oddB = number(b) * (d[3] - number(a * a) * d[1]);
  Expr first = d[4] - number(a * a + b * b) * d[2] + number(a * a * b * b) * d[0];
  Expr last = d[5] - number(a * a + b * b) * d[3] + number(a * a * b * b) * d[1];
  return {first, evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, last};
}

/// tile neighbours of the result from tile + 2 products.
Line transformOutput(int64_t tile, const Line &m) {
  auto [a, b] = WinogradPoints::of(tile);
  auto number = [](double value) { return Expr(float(value)); };
  Expr sumA = m[1] + m[2], differenceA = m[1] - m[2];
  if (tile == 2)
    return {m[0] + sumA, (a == 1 ? differenceA : number(a) * differenceA) + m[3]};
  Expr sumB = m[3] + m[4], differenceB = m[3] - m[4];
  return {m[0] + sumA + sumB, number(a) * differenceA + number(b) * differenceB, number(a * a) * sumA + number(b * b) * sumB,
          number(a * a * a) * differenceA + number(b * b * b) * differenceB + m[5]};
}

/// `count` elements of a line.
template <typename At> Line line(int64_t count, At at) {
  Line values;
  for (int i = 0; i < count; ++i)
    values.push_back(at(i));
  return values;
}

int lanesOf(PipelineBuilder &builder, int64_t channels) { return channels % builder.target.lanes == 0 ? builder.target.lanes : 8; }
} // namespace

Func bnc::buildWinogradInput(PipelineBuilder &builder, WinogradInputOp op, const BufferLayout &layout) {
  int tile = op.getTile(), size = tile + 2;
  Var &c = builder.c, &x = builder.x, &y = builder.y, &n = builder.n;
  Var plane("plane"), i("i"), j("j"), co("co"), ci("ci");
  Element input = builder.element(op.getInput());
  Func down(builder.name("down")), func(builder.name("tiles"));
  down(c, j, i, x, y, n) =
      Halide::mux(i, transformInput(tile, line(size, [&](int k) { return input(c, x * tile + j, y * tile + k, n); })));
  func(c, x, plane, y, n) =
      Halide::mux(plane % size, transformInput(tile, line(size, [&](int k) { return down(c, k, plane / size, x, y, n); })));

  int lanes = lanesOf(builder, layout.extents[0]);
  func.split(c, co, ci, lanes, TailStrategy::RoundUp).reorder(ci, plane, co, x, y, n).vectorize(ci).unroll(plane).never_partition(y, n);
  down.compute_at(func, co).vectorize(c, lanes).unroll(j).unroll(i);
  return func;
}

Func bnc::buildWinogradProduct(PipelineBuilder &builder, WinogradProductOp op, const BufferLayout &layout) {
  ArrayRef<int64_t> shape = op.getWeight().getType().getShape(); // (block, size, size, input channel, channel in the block)
  int size = shape[1], inputs = shape[3], block = shape[4];
  Var &c = builder.c, &x = builder.x, &y = builder.y, &n = builder.n;
  Var plane("plane"), co("co"), cb("cb"), ci("ci"), po("po"), pi("pi");
  Func tiles = builder.stored(op.getInput()), func(builder.name("product"));
  Halide::ImageParam &weight = builder.input(op.getWeight());
  auto product = [&](Expr i) { return weight(c % block, i, plane % size, plane / size, c / block) * tiles(i, x, plane, y, n); };

  // Long sums in parts, as in other convolutions; of panels, as many terms as stay in the first-level cache.
  ConvolutionTile tile = convolutionTile(builder.target, block, layout.extents[1], 16 * inputs); // its result stays in the cache
  constexpr int64_t panelBytes = 32 << 10;
  bool isLarge = inputs * tile.vectors * tile.lanes * 4 > panelBytes;
  int terms = partialSum(op, inputs, 1, 1, /*together=*/isLarge ? 128 : 256).inputs;
  Halide::RDom parts(0, inputs / terms, builder.name("parts")), r(0, terms, builder.name("terms"));
  Var part("part");
  Func sum(builder.name("sum")), partial(builder.name("partial"));
  sum(c, x, plane, y, n) = 0.0f;
  if (terms < inputs) {
    partial(c, x, plane, y, n, part) = 0.0f;
    partial(c, x, plane, y, n, part) += product(part * terms + r);
    sum(c, x, plane, y, n) += partial(c, x, plane, y, n, parts);
  } else {
    sum(c, x, plane, y, n) += product(r);
  }
  func(c, x, plane, y, n) = sum(c, x, plane, y, n);

  // Tiles that would leave the cache: those of a plane stay there for all channels. Else weights are read as they lie.
  bool planesFirst = builder.rows() * layout.extents[1] * size * size * inputs * 4 > builder.target.cacheBytes;
  func.split(c, co, ci, block, TailStrategy::RoundUp);
  std::optional<PanelTile> panel;
  if (terms < inputs && isLarge)
    panel = productTile(builder.target, block, layout.extents[1]);
  if (panel) {
    // Some terms of a block stay there for the tiles of some rows; their sums wait beside them.
    Var yo("yo"), yi("yi"), xo("xo"), xi("xi");
    func.split(y, yo, yi, panel->rows, TailStrategy::GuardWithIf);
    if (planesFirst)
      func.reorder(ci, x, yi, yo, co, plane, n);
    else
      func.reorder(ci, x, yi, yo, plane, co, n);
    func.vectorize(ci, panel->lanes).unroll(ci);
    sum.compute_at(func, yo).vectorize(c, panel->lanes).unroll(c).bound_storage(y, panel->rows);
    sum.update().split(c, cb, ci, panel->lanes * panel->vectors).split(x, xo, xi, panel->pixels);
    sum.update().reorder({ci, xi, cb, xo, y, parts.x}).vectorize(ci, panel->lanes).unroll(ci).unroll(xi);
    partial.compute_at(sum, cb).vectorize(c, panel->lanes).unroll(c).unroll(x);
    partial.update().reorder({c, x, r.x}).vectorize(c, panel->lanes).unroll(c).unroll(x);
    partial.update().unroll(r.x, panel->termsAtOnce(builder.target, terms));
    return func;
  }

  func.split(ci, cb, ci, tile.lanes * tile.vectors);
  func.split(x, po, pi, tile.pixels, TailStrategy::ShiftInwards);
  if (planesFirst)
    func.reorder(ci, pi, po, y, cb, co, plane, n);
  else
    func.reorder(ci, pi, po, y, cb, plane, co, n);
  func.vectorize(ci, tile.lanes).unroll(ci).unroll(pi);
  auto inRegisters = [&](Halide::Stage stage) { stage.vectorize(c, tile.lanes).unroll(c).unroll(x); };
  sum.compute_at(func, po);
  inRegisters(sum);
  if (terms < inputs) {
    sum.update().reorder({c, x, parts.x});
    inRegisters(sum.update());
    partial.compute_at(sum, parts.x);
    inRegisters(partial);
  }
  Halide::Stage products = terms < inputs ? partial.update() : sum.update();
  products.reorder({c, x, r.x});
  inRegisters(products);
  products.unroll(r.x, tile.termsAtOnce(builder.target, terms));
  return func;
}

Func bnc::buildWinogradOutput(PipelineBuilder &builder, WinogradOutputOp op, Value stored, const BufferLayout &layout) {
  int tile = op.getTile(), size = tile + 2;
  Var &c = builder.c, &x = builder.x, &y = builder.y, &n = builder.n;
  Var i("i"), j("j"), co("co"), ci("ci"), xo("xo"), xi("xi"), yo("yo"), yi("yi");
  Func planes = builder.stored(op.getProduct()), across(builder.name("across")), func(builder.name("image"));
  across(c, j, i, x, y, n) =
      Halide::mux(j, transformOutput(tile, line(size, [&](int k) { return planes(c, x, i * size + k, y, n); })));
  Element image = [=, &builder, bias = op.getBias()](Expr c, Expr x, Expr y, Expr n) {
    Expr value = Halide::mux(y % tile, transformOutput(tile, line(size, [&](int k) { return across(c, x % tile, k, x / tile, y / tile, n); })));
    return bias ? value + builder.channel(bias, c) : value;
  };
  Value stage = *op->user_begin()->result_begin();
  func(c, x, y, n) = (stored == stage ? image : builder.elementWith(stored, stage, image))(c, x, y, n);

  // A tile of the image may become a smaller one of a pool.
  int lanes = lanesOf(builder, layout.extents[0]), pooled = int(ImageShape::of(stage).height / ImageShape::of(stored).height);
  func.align_bounds(y, tile / pooled)
      .split(c, co, ci, lanes, TailStrategy::RoundUp)
      .split(x, xo, xi, tile / pooled, TailStrategy::RoundUp)
      .split(y, yo, yi, tile / pooled, TailStrategy::RoundUp)
      .reorder(ci, xi, yi, co, xo, yo, n)
      .vectorize(ci)
      .unroll(xi)
      .unroll(yi);
  across.compute_at(func, co).vectorize(c, lanes).unroll(j).unroll(i);
  return func;
}
