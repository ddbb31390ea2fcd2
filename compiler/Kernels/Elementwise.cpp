//===- Elementwise.cpp - activations, arithmetic, data movement ----------------===//

#include "compiler/Kernels/Pipeline.h"

#include "bnc/model_abi.h"

#include <cmath>
#include <set>

using namespace mlir;
using namespace bnc;
using Halide::Expr;
using Halide::Func;

namespace {
using Parameters = llvm::function_ref<Expr(llvm::StringRef)>; // an attribute's value

struct Activation {
  llvm::StringLiteral name;
  Expr (*value)(Expr x, Parameters p);
  Expr (*derivative)(Expr x, Parameters p);
};

/// 2^t for |t| <= 126: t = n + f with n whole and |f| <= 1/2. Adding 1.5 * 2^23 rounds to a whole number, which then
/// stands in the low bits. The polynomial is the minimax one for f, relative error 8e-8.
Expr exp2Of(Expr t) {
  const float shift = 12582912.0f;
  Expr whole = Halide::strict_float(t + shift), f = t - Halide::strict_float(whole - shift);
  Expr power = 1.0000001f + f * (0.69314694f + f * (0.2402212f + f * (0.05550713f + f * (0.009675541f + f * 0.0013276471f))));
  auto bits = [](Expr value) { return Halide::reinterpret<uint32_t>(value); };
  return Halide::reinterpret<float>(bits(power) + (bits(whole) << 23));
}

/// Saturates where exp(-x) does; the plain Halide::exp would also care for overflow, which costs as much again.
Expr sigmoid(Expr x) { return 1.0f / (1.0f + exp2Of(Halide::clamp(x * -1.44269504f, -126.0f, 126.0f))); }

// tanh(x) from exp, whose vector form Halide has. Near 0 the difference would cancel: an odd polynomial there (the minimax
// one of Cephes' tanhf, Moshier 1989).
Expr tanhOf(Expr x) {
  Expr e = Halide::exp(-2.0f * Halide::abs(x)), big = 1.0f - 2.0f * e / (1.0f + e), x2 = x * x;
  Expr small = x + x * x2 * (-0.333332819422f + x2 * (0.133314422036f + x2 * (-0.0537397155531f + x2 * (0.0206390887954f + x2 * -0.00570498872745f))));
  return Halide::select(Halide::abs(x) < 0.625f, small, Halide::select(x < 0.0f, -big, big));
}

Expr softplus(Expr x) { return Halide::max(x, 0.0f) + Halide::log(1.0f + Halide::exp(-Halide::abs(x))); }

// Abramowitz & Stegun 7.1.26 is good to 1.5e-7 absolute; near 0 the Maclaurin series keeps the relative error.
Expr erfOf(Expr x) {
  Expr a = Halide::abs(x), t = 1.0f / (1.0f + 0.3275911f * a), x2 = x * x;
  Expr far = 1.0f - t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f)))) * Halide::exp(-x2);
  Expr near = x * 1.1283791671f * (1.0f + x2 * (-1.0f / 3 + x2 * (0.1f + x2 * (-1.0f / 42 + x2 * (1.0f / 216 - x2 / 1320.0f)))));
  return Halide::select(a < 0.5f, near, Halide::select(x < 0.0f, -far, far));
}

// A row per activation op: the op's mnemonic, f and f'. At a kink the derivative is that of the left side.
const Activation kActivations[] = {
    {"abs", [](Expr x, Parameters) { return Halide::abs(x); },
     [](Expr x, Parameters) { return Halide::select(x > 0.0f, 1.0f, x < 0.0f, -1.0f, 0.0f); }},
    {"clip", [](Expr x, Parameters p) { return Halide::min(Halide::max(x, p("min")), p("max")); },
     [](Expr x, Parameters p) { return Halide::select(x > p("min") && x < p("max"), 1.0f, 0.0f); }},
    {"elu", [](Expr x, Parameters p) { return Halide::select(x > 0.0f, x, p("alpha") * (Halide::exp(Halide::min(x, 0.0f)) - 1.0f)); },
     [](Expr x, Parameters p) { return Halide::select(x > 0.0f, 1.0f, p("alpha") * Halide::exp(Halide::min(x, 0.0f))); }},
    {"erf", [](Expr x, Parameters) { return erfOf(x); },
     [](Expr x, Parameters) { return 1.1283791671f * Halide::exp(-x * x); }},
    {"exp", [](Expr x, Parameters) { return Halide::exp(x); }, [](Expr x, Parameters) { return Halide::exp(x); }},
    {"hard_sigmoid", [](Expr x, Parameters p) { return Halide::clamp(p("alpha") * x + p("beta"), 0.0f, 1.0f); },
     [](Expr x, Parameters p) {
       Expr v = p("alpha") * x + p("beta");
       return Halide::select(v > 0.0f && v < 1.0f, p("alpha"), 0.0f);
     }},
    {"hard_swish", [](Expr x, Parameters) { return x * Halide::clamp(x / 6.0f + 0.5f, 0.0f, 1.0f); },
     [](Expr x, Parameters) { return Halide::select(x <= -3.0f, 0.0f, x >= 3.0f, 1.0f, x / 3.0f + 0.5f); }},
    {"leaky_relu", [](Expr x, Parameters p) { return Halide::select(x > 0.0f, x, p("alpha") * x); },
     [](Expr x, Parameters p) { return Halide::select(x > 0.0f, 1.0f, p("alpha")); }},
    {"log", [](Expr x, Parameters) { return Halide::log(x); }, [](Expr x, Parameters) { return 1.0f / x; }},
    {"neg", [](Expr x, Parameters) { return -x; }, [](Expr, Parameters) { return Expr(-1.0f); }},
    {"relu", [](Expr x, Parameters) { return Halide::max(x, 0.0f); },
     [](Expr x, Parameters) { return Halide::select(x > 0.0f, 1.0f, 0.0f); }},
    {"sigmoid", [](Expr x, Parameters) { return sigmoid(x); },
     [](Expr x, Parameters) {
       Expr s = sigmoid(x);
       return s * (1.0f - s);
     }},
    {"softplus", [](Expr x, Parameters) { return softplus(x); }, [](Expr x, Parameters) { return sigmoid(x); }},
    {"sqrt", [](Expr x, Parameters) { return Halide::sqrt(x); }, [](Expr x, Parameters) { return 0.5f / Halide::sqrt(x); }},
    {"tanh", [](Expr x, Parameters) { return tanhOf(x); },
     [](Expr x, Parameters) {
       Expr t = tanhOf(x);
       return 1.0f - t * t;
     }},
};

const Activation *find(llvm::StringRef name) {
  for (const Activation &activation : kActivations)
    if (activation.name == name)
      return &activation;
  return nullptr;
}

Expr numberOf(Attribute attribute) { return Expr(float(cast<FloatAttr>(attribute).getValueAsDouble())); }

/// The index of an operand that broadcasts to the result's shape: 0 where its size is 1.
Element broadcast(Element element, Value operand, Value result) {
  ImageShape from = ImageShape::of(operand), to = ImageShape::of(result);
  bool oneChannel = from.channels == 1 && to.channels != 1, oneColumn = from.width == 1, oneRow = from.height == 1;
  return [=](Expr c, Expr x, Expr y, Expr n) {
    return element(oneChannel ? Expr(0) : c, oneColumn ? Expr(0) : x, oneRow ? Expr(0) : y, n);
  };
}

Element operandOf(PipelineBuilder &builder, Operation *op, unsigned index) {
  Value operand = op->getOperand(index);
  if (auto constant = operand.getDefiningOp<ConstantOp>())
    if (auto splat = dyn_cast<SplatElementsAttr>(constant.getValue())) {
      float value = splat.getSplatValue<APFloat>().convertToDouble();
      return [=](Expr, Expr, Expr, Expr) { return Expr(value); };
    }
  Element element = builder.element(operand);
  if (const KernelArgument *argument = builder.argumentOf(operand); argument && argument->layout.extents.size() == 3)
    return element; // broadcasts by itself
  if (cast<RankedTensorType>(operand.getType()).getRank() == cast<RankedTensorType>(op->getResult(0).getType()).getRank())
    return broadcast(element, operand, op->getResult(0));
  return element;
}

/// The first word of Philox2x32-10 (Salmon et al. 2011) of a counter of two words, with key 0.
Expr philox(Expr first, Expr second) {
  uint32_t key = 0;
  for (int round = 0; round < 10; ++round, key += 0x9e3779b9u) {
    Expr product = Halide::cast<uint64_t>(first) * Halide::Internal::make_const(Halide::UInt(64), 0xd256d193u);
    first = Halide::cast<uint32_t>(product >> 32) ^ Halide::Internal::make_const(Halide::UInt(32), key) ^ second;
    second = Halide::cast<uint32_t>(product);
  }
  return first;
}

/// True if a channel index is in [begin, end) for certain.
bool liesWithin(const PipelineBuilder &builder, Expr index, int64_t begin, int64_t end) {
  using namespace Halide::Internal;
  Interval bounds = bounds_of_expr_in_scope(index, builder.ranges);
  if (!bounds.is_bounded())
    return false;
  return is_const_one(simplify(bounds.min >= int(begin) && bounds.max < int(end)));
}

/// Channels at which the parts of a concatenation begin whose channels are those of `value`.
void collectParts(Value value, int64_t first, std::set<int64_t> &begins) {
  Operation *op = value.getDefiningOp();
  if (auto concat = dyn_cast_or_null<ConcatOp>(op); concat && concat.getAxis() == 1) {
    for (Value part : concat.getInputs()) {
      begins.insert(first);
      collectParts(part, first, begins);
      first += ImageShape::of(part).channels;
    }
  } else if (isa_and_nonnull<AvgPoolOp, MaxPoolOp>(op)) {
    collectParts(op->getOperand(0), first, begins);
  } else if (isa_and_nonnull<ElementwiseOpInterface>(op)) {
    for (Value operand : op->getOperands())
      if (operand.getType() == value.getType())
        collectParts(operand, first, begins);
  }
}

Expr arithmetic(Operation *op, Expr a, Expr b) {
  if (isa<AddOp>(op))
    return a + b;
  if (isa<SubOp>(op))
    return a - b;
  if (isa<MulOp>(op))
    return a * b;
  if (isa<DivOp>(op)) // by a constant Halide would multiply by its reciprocal, which is rounded
    return b.as<Halide::Internal::FloatImm>() ? Halide::strict_float(a / b) : a / b;
  return isa<MaxOp>(op) ? Halide::max(a, b) : Halide::min(a, b);
}
} // namespace

Element bnc::buildElementwise(PipelineBuilder &builder, Operation *op) {
  PipelineBuilder *b = &builder;
  if (const Activation *activation = find(op->getName().stripDialect())) {
    Element input = builder.element(op->getOperand(0));
    return [=](Expr c, Expr x, Expr y, Expr n) {
      return activation->value(input(c, x, y, n), [&](llvm::StringRef name) { return numberOf(op->getAttr(name)); });
    };
  }
  if (auto gradient = dyn_cast<ActivationGradientOp>(op)) {
    const Activation *activation = find(gradient.getActivation());
    DictionaryAttr parameters = gradient.getParameters();
    Element dy = builder.element(gradient.getGradient()), input = builder.element(gradient.getInput());
    return [=](Expr c, Expr x, Expr y, Expr n) {
      return dy(c, x, y, n) * activation->derivative(input(c, x, y, n), [&](llvm::StringRef name) { return numberOf(parameters.get(name)); });
    };
  }
  if (auto normalize = dyn_cast<ApplyNormalizeOp>(op)) {
    Element input = builder.element(normalize.getInput());
    Value rows = normalize.getCoefficients();
    return [=](Expr c, Expr x, Expr y, Expr n) {
      return (input(c, x, y, n) - b->channel(rows, c, 0)) * b->channel(rows, c, 1) + b->channel(rows, c, 2);
    };
  }
  if (auto gradient = dyn_cast<ApplyNormalizeGradientOp>(op)) {
    Element dy = builder.element(gradient.getGradient()), input = builder.element(gradient.getInput());
    Value rows = gradient.getCoefficients();
    return [=](Expr c, Expr x, Expr y, Expr n) {
      return dy(c, x, y, n) * b->channel(rows, c, 1) +
             ((input(c, x, y, n) - b->channel(rows, c, 0)) * b->channel(rows, c, 2) + b->channel(rows, c, 3));
    };
  }
  if (auto affine = dyn_cast<AffineOp>(op)) {
    Element input = builder.element(affine.getInput());
    Value slope = affine.getSlope(), intercept = affine.getIntercept();
    return [=](Expr c, Expr x, Expr y, Expr n) {
      return input(c, x, y, n) * b->channel(slope, c) + b->channel(intercept, c);
    };
  }
  if (auto add = dyn_cast<AddBorderBiasOp>(op)) {
    Element input = builder.element(add.getInput());
    Halide::ImageParam bias = builder.input(add.getBias()); // packed as a weight with one tap per place
    ImageShape shape = ImageShape::of(add.getInput());
    int block = cast<RankedTensorType>(add.getBias().getType()).getShape().back();
    auto place = [](Expr at, int64_t size, int64_t low, int64_t high) -> Expr {
      return Halide::min(at, int(low)) + Halide::max(at - int(size - high - 1), 0);
    };
    ArrayRef<int64_t> low = add.getLow(), high = add.getHigh();
    int64_t lowY = low.size() > 1 ? low[0] : 0, highY = low.size() > 1 ? high[0] : 0;
    return [=, lowX = low.back(), highX = high.back()](Expr c, Expr x, Expr y, Expr n) {
      return input(c, x, y, n) + bias(c % block, 0, place(x, shape.width, lowX, highX), place(y, shape.height, lowY, highY), c / block);
    };
  }
  if (auto dropout = dyn_cast<ApplyDropoutOp>(op)) {
    Element input = builder.element(dropout.getInput()), keys = builder.element(dropout.getKeys());
    ImageShape shape = ImageShape::of(dropout.getInput());
    double ratio = dropout.getRatio().convertToDouble();
    return [=](Expr c, Expr x, Expr y, Expr n) {
      Expr index = (c * int(shape.height) + y) * int(shape.width) + x;
      Expr word = philox(Halide::cast<uint32_t>(index), Halide::cast<uint32_t>(keys(c, x, y, n)));
      Expr threshold = Halide::cast<uint32_t>(Expr(uint32_t(std::ceil(ratio * 0x1p32))));
      return Halide::select(word < threshold, 0.0f, input(c, x, y, n) * float(1 / (1 - ratio)));
    };
  }
  if (auto stage = dyn_cast<StageOp>(op))
    return builder.element(stage.getInput());
  if (auto reshape = dyn_cast<ReshapeOp>(op)) {
    Element input = builder.element(reshape.getInput());
    ImageShape from = ImageShape::of(reshape.getInput()), to = ImageShape::of(reshape.getResult());
    if (from.channels == to.channels && from.height == to.height && from.width == to.width)
      return input;
    return [=](Expr c, Expr x, Expr y, Expr n) {
      int plane = from.height * from.width, width = from.width;
      Expr flat = (c * int(to.height) + y) * int(to.width) + x;
      // Padded channels lie past the last element.
      flat = Halide::min(flat, int(from.channels * plane) - 1);
      return input(flat / plane, flat % width, (flat % plane) / width, n);
    };
  }
  if (auto concat = dyn_cast<ConcatOp>(op)) {
    SmallVector<std::pair<int64_t, Element>> parts; // first index past the part
    int64_t end = 0, axis = concat.getAxis(), rank = cast<RankedTensorType>(concat.getType()).getRank();
    for (Value input : concat.getInputs()) {
      end += cast<RankedTensorType>(input.getType()).getDimSize(axis);
      parts.push_back({end, builder.element(input)});
    }
    return [=](Expr c, Expr x, Expr y, Expr n) {
      Expr index = axis == 1 ? c : axis == rank - 1 ? x : y, result;
      if (axis == 1)
        for (size_t i = 0; i < parts.size(); ++i)
          if (int begin = i == 0 ? 0 : parts[i - 1].first; liesWithin(*b, c, begin, parts[i].first))
            return parts[i].second(Halide::Internal::simplify(c - begin), x, y, n);
      for (size_t i = parts.size(); i-- > 0;) {
        int begin = i == 0 ? 0 : parts[i - 1].first, last = parts[i].first - 1;
        Expr local = Halide::clamp(index, begin, last) - begin;
        Expr value = parts[i].second(axis == 1 ? local : c, axis == rank - 1 && axis != 1 ? local : x,
                                     axis != 1 && axis != rank - 1 ? local : y, n);
        result = result.defined() ? Halide::select(index <= last, value, result) : value;
      }
      return result;
    };
  }
  if (auto cast = dyn_cast<CastOp>(op)) {
    Element input = builder.element(cast.getInput());
    return [=](Expr c, Expr x, Expr y, Expr n) { return Halide::cast<float>(input(c, x, y, n)); };
  }
  if (auto slice = dyn_cast<SliceOp>(op)) {
    Element input = builder.element(slice.getInput());
    SmallVector<int64_t> starts(slice.getStarts()), steps(slice.getSteps());
    int64_t rank = starts.size(), channels = ImageShape::of(slice.getInput()).channels;
    // Padded channels lie past the slice, and may lie past what is stored of the input.
    int64_t stored = builder.target.storedChannels(ImageShape::of(slice.getResult()).channels);
    bool inside = steps[1] == 1 && starts[1] + stored <= channels;
    return [=](Expr c, Expr x, Expr y, Expr n) {
      auto at = [&](Expr index, int64_t dim) { return index * int(steps[dim]) + int(starts[dim]); };
      return input(inside ? at(c, 1) : Halide::min(at(c, 1), int(channels) - 1), rank > 2 ? at(x, rank - 1) : x, rank > 3 ? at(y, 2) : y, n);
    };
  }
  if (auto pad = dyn_cast<PadOp>(op)) {
    Element input = builder.element(pad.getInput());
    SmallVector<int64_t> low(pad.getLow());
    int64_t rank = low.size();
    ImageShape shape = ImageShape::of(pad.getInput());
    float value = pad.getValue().convertToDouble();
    return [=](Expr c, Expr x, Expr y, Expr n) {
      Expr ic = c - int(low[1]), ix = rank > 2 ? x - int(low[rank - 1]) : x, iy = rank > 3 ? y - int(low[2]) : y;
      Expr inside = ic >= 0 && ic < int(shape.channels) && ix >= 0 && ix < int(shape.width) && iy >= 0 && iy < int(shape.height);
      return Halide::select(inside, input(Halide::clamp(ic, 0, int(shape.channels) - 1), Halide::clamp(ix, 0, int(shape.width) - 1),
                                          Halide::clamp(iy, 0, int(shape.height) - 1), n), value);
    };
  }
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    Element input = builder.element(transpose.getInput());
    SmallVector<int64_t> permutation(transpose.getPermutation());
    ArrayRef<int64_t> from = cast<RankedTensorType>(transpose.getInput().getType()).getShape();
    ArrayRef<int64_t> to = cast<RankedTensorType>(transpose.getType()).getShape();
    return [=, from = SmallVector<int64_t>(from), to = SmallVector<int64_t>(to)](Expr c, Expr x, Expr y, Expr n) {
      // Padded channels repeat the last one.
      SmallVector<Expr> result{n, Halide::min(c, int(to[1]) - 1)}, source(from.size());
      for (size_t dim = 2; dim + 1 < to.size(); ++dim) {
        int below = 1; // rows of one step of this dimension
        for (size_t inner = dim + 1; inner + 1 < to.size(); ++inner)
          below *= to[inner];
        result.push_back(dim == 2 ? y / below : y / below % int(to[dim]));
      }
      result.push_back(x); // of rank 2, nobody asks for it
      for (auto [dim, index] : llvm::enumerate(permutation))
        source[index] = result[dim];
      Expr row = 0;
      for (size_t dim = 2; dim + 1 < from.size(); ++dim)
        row = row * int(from[dim]) + source[dim];
      return input(source[1], from.size() > 2 ? source.back() : Expr(0), row, n);
    };
  }
  if (auto gradient = dyn_cast<UpdateAverageGradientOp>(op)) {
    Element dy = operandOf(builder, op, 0);
    float share = 1 - gradient.getDecay().convertToDouble();
    return [=](Expr c, Expr x, Expr y, Expr n) { return dy(c, x, y, n) * (share * b->scalars()(BNC_SCALAR_INVERSE_BATCH)); };
  }
  if (auto spread = dyn_cast<BroadcastOp>(op)) {
    Element input = builder.element(spread.getInput());
    llvm::SmallDenseSet<int64_t> axes(spread.getAxes().begin(), spread.getAxes().end());
    int64_t rank = cast<RankedTensorType>(spread.getType()).getRank();
    return [=](Expr c, Expr x, Expr y, Expr n) {
      return input(axes.contains(1) ? Expr(0) : c, axes.contains(rank - 1) && rank > 2 ? Expr(0) : x,
                   rank > 3 && axes.contains(2) ? Expr(0) : y, n);
    };
  }
  if (isa<AddOp, DivOp, MaxOp, MinOp, MulOp, SubOp>(op)) {
    Element lhs = operandOf(builder, op, 0), rhs = operandOf(builder, op, 1);
    return [=](Expr c, Expr x, Expr y, Expr n) { return arithmetic(op, lhs(c, x, y, n), rhs(c, x, y, n)); };
  }
  llvm_unreachable("bnc-form-kernels put an op without an expression into a kernel");
}

/// True if neighbours in x of a value read neighbours in x, or the same element: loads of a vector over x stay plain.
static bool readsAlongX(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || isa<ConstantOp>(op))
    return true;
  if (auto stage = dyn_cast<StageOp>(op))
    return llvm::all_of(stage.getPads(), [](int64_t pad) { return pad == 0; }) && stage.getDilations()[1] == 1 && readsAlongX(stage.getInput());
  if (isa<AvgPoolGradientOp, AvgPoolOp, MaxPoolOp>(op)) {
    auto values = [&](StringRef name) { return op->getAttrOfType<DenseI64ArrayAttr>(name).asArrayRef(); };
    if (values("kernel") != values("strides") || llvm::any_of(values("pads"), [](int64_t pad) { return pad != 0; }))
      return false;
  } else if (!isa<ElementwiseOpInterface>(op)) {
    return false;
  }
  return llvm::all_of(op->getOperands(), [](Value operand) {
    return isa_and_nonnull<StageOp>(operand.getDefiningOp()) || readsAlongX(operand); // a staged operand is in memory
  });
}

void bnc::scheduleElementwise(PipelineBuilder &builder, Func func, Value value, const BufferLayout &layout) {
  int64_t channels = layout.extents[0], width = layout.extents[1], lanes = builder.target.lanes;
  if (layout.strides[0] == 1 && channels >= 8) {
    int vector = channels % lanes == 0 ? lanes : 8;
    func.vectorize(builder.c, vector, channels % vector == 0 && layout.raggedExtent == 0 ? Halide::TailStrategy::RoundUp : Halide::TailStrategy::GuardWithIf);
    // Channels that fill half a register: two neighbours in x fill it.
    if (channels == 8 && lanes == 16 && width % 2 == 0 && readsAlongX(value)) {
      Halide::Var xo("xo"), xi("xi");
      func.split(builder.x, xo, xi, 2).reorder(builder.c, xi, xo).vectorize(xi);
    }
  } else if (width >= 8) {
    // Few channels, or channels in planes: neighbours in x.
    func.reorder(builder.x, builder.c, builder.y, builder.n);
    func.vectorize(builder.x, 8, Halide::TailStrategy::GuardWithIf);
  }
}

bool bnc::storeByParts(PipelineBuilder &builder, Func func, Value value, const Element &element, const BufferLayout &layout) {
  std::set<int64_t> begins;
  collectParts(value, 0, begins);
  if (begins.size() < 2 || layout.strides[0] != 1)
    return false;
  Halide::Var &c = builder.c, &x = builder.x, &y = builder.y, &n = builder.n;
  func(c, x, y, n) = Halide::undef<float>();
  int64_t channels = ImageShape::of(value).channels;
  begins.insert(channels);
  auto loop = [&](int64_t first, int64_t count, int64_t vector) {
    Halide::RDom part(0, int(count), builder.name("part"));
    Halide::Internal::ScopedBinding<Halide::Internal::Interval> range(builder.ranges, part.x.name(), {0, int(count - 1)});
    Expr channel = part.x + int(first);
    func(channel, x, y, n) = first < channels ? element(channel, x, y, n) : Expr(0.0f);
    Halide::Stage update = func.update(func.num_update_definitions() - 1);
    update.reorder(part.x, x, y, n);
    if (vector > 1)
      update.vectorize(part.x, int(vector));
  };
  // Whole vectors, then a half, a quarter and so on: no part needs a tail. The padding is a part of its own.
  begins.insert(layout.extents[0]);
  for (auto begin = begins.begin(), end = std::next(begin); end != begins.end(); ++begin, ++end) {
    int64_t first = *begin;
    for (int64_t vector = builder.target.lanes; first < *end; vector /= 2)
      if (int64_t count = (*end - first) / vector * vector) {
        loop(first, count, vector);
        first += count;
      }
  }
  return true;
}
