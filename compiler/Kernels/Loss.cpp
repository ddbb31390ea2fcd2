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
  bool probabilities; // the labels of softmax_cross_entropy
  double smoothing;
};

/// log(sum over classes of exp(output - largest)) and the largest, of one sample: computed once for all its classes.
std::pair<Expr, Expr> logSumExp(PipelineBuilder &b, const Outputs &o, Expr n) {
  RDom r(0, o.classes, b.name("r")), s(0, o.classes, b.name("s"));
  Halide::Func largest(b.name("largest")), logarithm(b.name("logarithm"));
  largest(b.n) = Halide::maximum(r, o.output(r.x, 0, 0, b.n), b.name("maximum"));
  logarithm(b.n) =
      Halide::log(Halide::sum(s, Halide::exp(o.output(s.x, 0, 0, b.n) - largest(b.n)), b.name("sum")));
  b.perImage.insert(b.perImage.end(), {largest, logarithm});
  return {logarithm(n), largest(n)};
}

Expr mean(PipelineBuilder &b, const Outputs &o, Expr n, llvm::function_ref<Expr(Expr out, Expr label)> term) {
  RDom r(0, o.classes, 0, o.width, 0, o.height, b.name("r"));
  Expr sum = Halide::sum(r, term(o.output(r.x, r.y, r.z, n), o.labels(r.x, r.y, r.z, n)), b.name("sum"));
  return sum * (1.0f / (float(o.classes) * o.width * o.height));
}

/// The class of the label: its id, or the first of the largest probabilities.
Expr labelOf(PipelineBuilder &b, const Outputs &o, Expr n) {
  if (!o.probabilities)
    return Halide::clamp(o.labels(0, 0, 0, n), 0, o.classes - 1);
  RDom r(0, o.classes, b.name("r"));
  return Halide::clamp(Halide::argmax(r, o.labels(r.x, 0, 0, n), b.name("argmax"))[0], 0, o.classes - 1);
}

/// The probability of class c that the output is compared with, smoothed.
Expr target(const Outputs &o, Expr c, Expr n) {
  Expr label = o.probabilities ? o.labels(c, 0, 0, n) : Halide::select(c == o.labels(0, 0, 0, n), 1.0f, 0.0f);
  if (o.smoothing == 0)
    return label;
  return label * float(1 - o.smoothing) + float(o.smoothing / o.classes);
}

Expr crossEntropy(PipelineBuilder &b, const Outputs &o, Expr n) {
  auto [logarithm, largest] = logSumExp(b, o, n);
  if (!o.probabilities && o.smoothing == 0)
    return logarithm + (largest - o.output(labelOf(b, o, n), 0, 0, n));
  RDom r(0, o.classes, b.name("r"));
  return Halide::sum(r, target(o, r.x, n) * (logarithm + (largest - o.output(r.x, 0, 0, n))), b.name("sum"));
}

Expr correct(PipelineBuilder &b, const Outputs &o, Expr n) {
  // The first largest output is the prediction.
  Expr label = labelOf(b, o, n), own = o.output(label, 0, 0, n);
  RDom r(0, o.classes, b.name("r"));
  Expr other = o.output(r.x, 0, 0, n);
  Expr better = Halide::sum(r, Halide::select(other > own || (other == own && r.x < label), 1.0f, 0.0f), b.name("better"));
  return Halide::select(better == 0.0f, 1.0f, 0.0f);
}
} // namespace

Element bnc::buildLoss(PipelineBuilder &builder, Operation *op, unsigned result) {
  ImageShape shape = ImageShape::of(op->getOperand(0));
  Value labels = op->getOperand(1);
  auto loss = dyn_cast<LossOp>(op);
  auto gradient = dyn_cast<LossGradientOp>(op);
  Outputs o{builder.element(op->getOperand(0)),
            builder.element(labels),
            int(shape.channels),
            int(shape.width),
            int(shape.height),
            isa<FloatType>(cast<RankedTensorType>(labels.getType()).getElementType()),
            (loss ? loss.getLabelSmoothing() : gradient.getLabelSmoothing()).convertToDouble()};
  PipelineBuilder *b = &builder;
  LossKind kind = loss ? loss.getKind() : gradient.getKind();
  if (loss)
    return [=](Expr, Expr, Expr, Expr n) -> Expr {
      if (result == 1)
        return kind == LossKind::SoftmaxCrossEntropy ? correct(*b, o, n) : Expr(0.0f);
      switch (kind) {
      case LossKind::SoftmaxCrossEntropy:
        return crossEntropy(*b, o, n);
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
      Expr softmax = Halide::exp(out - largest - logarithm);
      if (o.probabilities) { // which may not sum to 1
        RDom r(0, o.classes, b->name("r"));
        Halide::Func whole(b->name("whole"));
        whole(b->n) = Halide::sum(r, target(o, r.x, b->n), b->name("sum"));
        b->perImage.push_back(whole);
        softmax *= whole(n);
      }
      return (softmax - target(o, c, n)) * scale;
    }
    case LossKind::Mse:
      return (out - o.labels(c, x, y, n)) * (2.0f / elements) * scale;
    case LossKind::BceWithLogits:
      return (1.0f / (1.0f + Halide::exp(-out)) - o.labels(c, x, y, n)) * (1.0f / elements) * scale;
    }
    llvm_unreachable("every loss has a case");
  };
}
