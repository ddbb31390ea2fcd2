//===- Loss.cpp - losses per sample and their gradients ---------------------------===//

#include "compiler/Kernels/Pipeline.h"

#include "bnc/model_abi.h"

using namespace mlir;
using namespace bnc;
using Halide::Expr;
using Halide::RDom;

namespace {
struct Outputs {
  Element output, labels;
  int classes, width, height;
};

/// log(sum over classes of exp(output - largest)) and the largest, of one sample.
std::pair<Expr, Expr> logSumExp(PipelineBuilder &b, const Outputs &o, Expr n) {
  RDom r(0, o.classes, b.name("r")), s(0, o.classes, b.name("s"));
  Expr largest = Halide::maximum(r, o.output(r.x, 0, 0, n), b.name("maximum"));
  return {Halide::log(Halide::sum(s, Halide::exp(o.output(s.x, 0, 0, n) - largest), b.name("sum"))), largest};
}

Expr mean(PipelineBuilder &b, const Outputs &o, Expr n, llvm::function_ref<Expr(Expr out, Expr label)> term) {
  RDom r(0, o.classes, 0, o.width, 0, o.height, b.name("r"));
  Expr sum = Halide::sum(r, term(o.output(r.x, r.y, r.z, n), o.labels(r.x, r.y, r.z, n)), b.name("sum"));
  return sum * (1.0f / (float(o.classes) * o.width * o.height));
}

Expr correct(PipelineBuilder &b, const Outputs &o, Expr n) {
  // The first largest output is the prediction.
  Expr label = Halide::clamp(o.labels(0, 0, 0, n), 0, o.classes - 1), own = o.output(label, 0, 0, n);
  RDom r(0, o.classes, b.name("r"));
  Expr other = o.output(r.x, 0, 0, n);
  Expr better = Halide::sum(r, Halide::select(other > own || (other == own && r.x < label), 1.0f, 0.0f), b.name("better"));
  return Halide::select(better == 0.0f, 1.0f, 0.0f);
}
} // namespace

Element bnc::buildLoss(PipelineBuilder &builder, Operation *op, unsigned result) {
  ImageShape shape = ImageShape::of(op->getOperand(0));
  Outputs o{builder.element(op->getOperand(0)), builder.element(op->getOperand(1)), int(shape.channels), int(shape.width), int(shape.height)};
  PipelineBuilder *b = &builder;
  LossKind kind = isa<LossOp>(op) ? cast<LossOp>(op).getKind() : cast<LossGradientOp>(op).getKind();
  if (isa<LossOp>(op))
    return [=](Expr, Expr, Expr, Expr n) -> Expr {
      if (result == 1)
        return kind == LossKind::SoftmaxCrossEntropy ? correct(*b, o, n) : Expr(0.0f);
      switch (kind) {
      case LossKind::SoftmaxCrossEntropy: {
        auto [logarithm, largest] = logSumExp(*b, o, n);
        return logarithm + (largest - o.output(Halide::clamp(o.labels(0, 0, 0, n), 0, o.classes - 1), 0, 0, n));
      }
      case LossKind::Mse:
        return mean(*b, o, n, [](Expr out, Expr label) { return (out - label) * (out - label); });
      case LossKind::BceWithLogits:
        return mean(*b, o, n, [](Expr out, Expr label) {
          return Halide::max(out, 0.0f) - out * label + Halide::log(1.0f + Halide::exp(-Halide::abs(out)));
        });
      }
      llvm_unreachable("every loss has a case");
    };
  Expr scale = builder.scalars()(BNC_SCALAR_INVERSE_BATCH);
  float elements = float(o.classes) * o.width * o.height;
  return [=](Expr c, Expr x, Expr y, Expr n) -> Expr {
    Expr out = o.output(c, x, y, n);
    switch (kind) {
    case LossKind::SoftmaxCrossEntropy: {
      auto [logarithm, largest] = logSumExp(*b, o, n);
      return (Halide::exp(out - largest - logarithm) - Halide::select(c == o.labels(0, 0, 0, n), 1.0f, 0.0f)) * scale;
    }
    case LossKind::Mse:
      return (out - o.labels(c, x, y, n)) * (2.0f / elements) * scale;
    case LossKind::BceWithLogits:
      return (1.0f / (1.0f + Halide::exp(-out)) - o.labels(c, x, y, n)) * (1.0f / elements) * scale;
    }
    llvm_unreachable("every loss has a case");
  };
}
