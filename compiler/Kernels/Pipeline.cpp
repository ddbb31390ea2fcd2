//===- Pipeline.cpp - a kernel as a Halide pipeline ---------------------------===//

#include "compiler/Kernels/Pipeline.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace bnc;
using Halide::Expr;
using Halide::Func;

PipelineBuilder::PipelineBuilder(KernelOp kernel, const Target &target)
    : target(target), kernel(kernel), interface(describeKernel(kernel, target)) {}

static Halide::Type halideType(const BufferLayout &layout) {
  return Halide::Type(static_cast<halide_type_code_t>(layout.typeCode), layout.typeBits, 1);
}

void PipelineBuilder::addInputs() {
  for (const KernelArgument &argument : interface.arguments) {
    if (argument.role != KernelArgument::Input && argument.role != KernelArgument::Scalars)
      continue;
    const BufferLayout &layout = argument.layout;
    Halide::ImageParam param(halideType(layout), layout.extents.size(), name("in"));
    for (size_t i = 0; i < layout.extents.size(); ++i) {
      bool varies = int64_t(i) == layout.rowDimension || int64_t(i) == layout.imageDimension;
      if (!varies)
        param.dim(i).set_bounds(0, int(layout.extents[i]));
      param.dim(i).set_stride(int(layout.strides[i]));
    }
    param.set_host_alignment(layout.typeBits / 8);
    inputArguments.push_back(param);
    if (argument.role == KernelArgument::Scalars)
      scalarsParam = param;
    else
      params.emplace(argument.value.getAsOpaquePointer(), param);
  }
}

std::set<std::string> PipelineBuilder::weights() {
  std::set<std::string> names;
  kernel.getBody().walk([&](Operation *op) {
    if (isa<PackedConvOp, WinogradProductOp>(op))
      if (auto found = params.find(op->getOperand(1).getAsOpaquePointer()); found != params.end())
        names.insert(found->second.name());
  });
  return names;
}

std::set<std::string> PipelineBuilder::activations() {
  std::set<std::string> names;
  for (const KernelArgument &argument : interface.arguments)
    if (argument.layout.extents.size() == 4 && argument.layout.imageDimension == 3)
      names.insert(argument.role == KernelArgument::Input ? input(argument.value).name() : stored(argument.value).name());
  return names;
}

int64_t PipelineBuilder::rows() {
  int64_t most = 0;
  kernel.getBody().walk([&](Operation *op) {
    if (isa<PackedConvOp, WinogradProductOp>(op))
      for (RowRange range : interface.ranges.lookup(op->getResult(0)))
        most = std::max(most, range.size());
  });
  return most > 0 ? most : kernel.getRows();
}

std::vector<NextTask> PipelineBuilder::nextTask() {
  Block &body = kernel.getBody().front();
  bool isTraining = llvm::any_of(body, [](Operation &op) { return isa<PartialMomentsOp, PartialSumsOp, WeightGradientOp>(op); });
  if (!isTraining || kernel.getGrid() != Grid::Rows || interface.strips > 1 || kernel.getBlocks() > 1)
    return {};
  std::vector<NextTask> result;
  int64_t bytes = 0;
  for (const KernelArgument &argument : interface.arguments) {
    const BufferLayout &layout = argument.layout;
    bool isInput = argument.role == KernelArgument::Input;
    bool isPart = layout.strides[0] == 1 && layout.strides.size() > 1 && layout.strides[1] > layout.extents[0]; // of joined channels
    if ((!isInput && argument.role != KernelArgument::Result) || layout.imageDimension != 3 || isPart)
      continue;
    result.push_back({isInput ? input(argument.value).name() : stored(argument.value).name(), halideType(layout), layout.strides[3]});
    bytes += layout.strides[3] * layout.typeBits / 8;
  }
  return bytes <= target.cacheBytes / 2 ? result : std::vector<NextTask>();
}

Halide::ImageParam &PipelineBuilder::input(Value value) { return params.at(value.getAsOpaquePointer()); }

const KernelArgument *PipelineBuilder::argumentOf(Value value, std::optional<KernelArgument::Role> role) const {
  for (const KernelArgument &argument : interface.arguments)
    if (argument.value == value && (!role || argument.role == *role))
      return &argument;
  return nullptr;
}

int PipelineBuilder::pixelsPerVector(Value input, int64_t block, int64_t stride, int64_t width) const {
  const KernelArgument *argument = argumentOf(input);
  int64_t pixels = target.lanes / block;
  bool areNeighbours = argument && ImageShape::of(input).channels == 1 && argument->layout.strides[1] == 1 && stride == 1;
  return areNeighbours && pixels > 1 && width % pixels == 0 ? pixels : 1;
}

Element PipelineBuilder::elementWith(Value value, Value known, Element itsElement) {
  elements[known.getAsOpaquePointer()] = std::move(itsElement);
  return element(value);
}

Element PipelineBuilder::element(Value value) {
  const void *key = value.getAsOpaquePointer();
  if (auto found = funcs.find(key); found != funcs.end()) {
    Func func = found->second;
    if (auto stage = value.getDefiningOp<StageOp>(); stage && isFlat(stage)) {
      // Stored as the features of a dense layer, in the order (y, x, channel).
      ImageShape shape = ImageShape::of(stage);
      int stored = stagedChannels(target, stage), width = shape.width;
      return [=](Expr c, Expr x, Expr y, Expr n) { return func((y * width + x) * stored + c, 0, 0, n); };
    }
    return [=](Expr c, Expr x, Expr y, Expr n) { return func(c, x, y, n); };
  }
  if (auto found = elements.find(key); found != elements.end())
    return found->second;
  if (isa<BlockArgument>(value)) {
    Halide::ImageParam param = input(value);
    const BufferLayout &layout = argumentOf(value)->layout;
    if (layout.extents.size() == 1) // one entry per sample
      return [=](Expr, Expr, Expr, Expr n) { return param(n); };
    if (layout.extents.size() == 3) { // a variable or constant that broadcasts
      SmallVector<int, 3> last{int(layout.extents[0]) - 1, int(layout.extents[1]) - 1, int(layout.extents[2]) - 1};
      return [=](Expr c, Expr x, Expr y, Expr) {
        return param(Halide::min(c, last[0]), last[1] ? x : Expr(0), last[2] ? y : Expr(0));
      };
    }
    if (layout.strides[0] == 1)
      return [=](Expr c, Expr x, Expr y, Expr n) { return param(c, x, y, n); };
    // The file's layout has no padded channels.
    int last = layout.extents[0] - 1;
    return [=](Expr c, Expr x, Expr y, Expr n) { return param(Halide::min(c, last), x, y, n); };
  }
  Operation *op = value.getDefiningOp();
  if (auto conv = dyn_cast<PackedConvOp>(op))
    return buildConvolution(*this, conv); // one user; its accumulators belong to the Func being built
  if (auto stage = dyn_cast<StageOp>(op))
    return stageElement(stage, 1);
  Element built;
  if (isa<LossGradientOp, LossOp>(op))
    built = buildLoss(*this, op, cast<OpResult>(value).getResultNumber());
  else if (isa<AvgPoolGradientOp, AvgPoolOp, MaxPoolGradientOp, MaxPoolOp, MaxPoolTapOp, RouteToTapOp, ReduceMaxOp, ReduceMeanOp, ReduceSumOp, SoftmaxOp, LogSoftmaxOp>(op))
    built = buildPooling(*this, op);
  else
    built = buildElementwise(*this, op);
  return built;
}

Expr PipelineBuilder::channel(Value value, Expr index, int row) {
  Halide::ImageParam &param = input(value);
  return param.dimensions() == 1 ? param(index) : param(index, row);
}

PipelineBuilder::Owned PipelineBuilder::owned(Value value) {
  Halide::OutputImageParam buffer = stored(value).output_buffer();
  return {int(ImageShape::of(value).width), buffer.dim(2).min(), buffer.dim(2).extent(), buffer.dim(3).extent()};
}

std::pair<Expr, int> PipelineBuilder::ownRows(WeightGradientOp op) {
  int rows = op.getOutputShape()[0], strips = interface.strips;
  if (strips == 1)
    return {0, rows};
  for (Value value : kernel.getBody().front().getTerminator()->getOperands()) // an activation, cut into as many strips
    if (auto found = interface.ranges.find(value); found != interface.ranges.end())
      return {owned(value).firstRow / int(found->second[0].size()) * (rows / strips), rows / strips};
  // Alone, it is all that reads the gradient.
  Value gradient = op.getGradient();
  int rowDimension = argumentOf(gradient)->layout.rowDimension;
  Expr first = isa<BlockArgument>(gradient) ? input(gradient).dim(rowDimension).min() : stored(gradient).output_buffer().dim(rowDimension).min();
  return {(first - int(op.getGradientPads()[0])) / int(op.getGradientDilations()[0]), rows / strips};
}

void PipelineBuilder::constrain(Halide::OutputImageParam buffer, const BufferLayout &layout) {
  for (size_t i = 0; i < layout.extents.size(); ++i) {
    bool varies = int64_t(i) == layout.rowDimension || int64_t(i) == layout.imageDimension;
    if (i == 0 && layout.raggedExtent > 0)
      buffer.dim(i).set_min(0);
    else if (i != 0 && int64_t(i) == layout.chainDimension)
      buffer.dim(i).set_extent(1);
    else if (!varies)
      buffer.dim(i).set_bounds(0, int(layout.extents[i]));
    else if (int64_t(i) == layout.rowDimension && layout.rows > 0)
      buffer.dim(i).set_extent(int(layout.rows));
    if (i != 0 || layout.strides[i] != 1)
      buffer.dim(i).set_stride(int(layout.strides[i]));
  }
  if (layout.imageDimension >= 0)
    buffer.dim(layout.imageDimension).set_min(0);
}

/// The input of a stage with its border, and zeros between its elements.
Element PipelineBuilder::stageElement(StageOp stage, int64_t imageMultiple) {
  ArrayRef<int64_t> pads = stage.getPads(), dilations = stage.getDilations();
  ImageShape shape = ImageShape::of(stage.getInput());
  Element source = element(stage.getInput());
  // Images past the task's last one fill up a register tile: any image's values will do.
  bool isConv = stage.getInput().getDefiningOp<PackedConvOp>() != nullptr, inPlace = isReadInPlace(stage, interface);
  auto imageOf = [this, imageMultiple](Expr n) { return imageMultiple > 1 ? Halide::min(n, images() - 1) : n; };
  if (llvm::all_of(pads, [](int64_t pad) { return pad == 0; }) && dilations[0] == 1 && dilations[1] == 1)
    return [=](Expr c, Expr x, Expr y, Expr n) { return source(c, x, y, isConv ? n : imageOf(n)); };
  int px = pads[1], py = pads[0], dx = dilations[1], dy = dilations[0], width = shape.width, height = shape.height;
  return [=](Expr c, Expr x, Expr y, Expr n) {
    Expr sx = x - px, sy = y - py, insideX = sx >= 0, insideY = sy >= 0;
    if (dx > 1) {
      insideX = insideX && sx % dx == 0;
      sx = sx / dx;
    }
    if (dy > 1) {
      insideY = insideY && sy % dy == 0;
      sy = sy / dy;
    }
    insideX = insideX && sx < width;
    insideY = insideY && sy < height;
    auto value = [&](Expr sx) { return source(c, Halide::clamp(sx, 0, width - 1), Halide::clamp(sy, 0, height - 1), imageOf(n)); };
    if (inPlace) // loops are cut where the border ends
      return Halide::select(insideX, Halide::likely(Halide::select(insideY, value(Halide::likely(sx)), 0.0f)), 0.0f);
    return Halide::select(insideX && insideY, value(sx), 0.0f);
  };
}

void PipelineBuilder::store(Value value, KernelArgument::Role role) {
  Operation *op = value.getDefiningOp();
  const KernelArgument &argument = *argumentOf(value, role);
  const BufferLayout &layout = argument.layout;
  if (auto gradient = dyn_cast_or_null<WeightGradientOp>(op)) {
    Func func = buildWeightGradient(*this, gradient);
    constrain(func.output_buffer(), layout);
    outputs.push_back(func);
    return;
  }
  if (op && isa<PartialMomentsOp, PartialSumsOp>(op)) {
    for (Func func : buildReduction(*this, op, layout)) {
      constrain(func.output_buffers().front(), layout); // the tuple's other buffers follow
      outputs.push_back(func);
    }
    return;
  }
  Func func(name("f"));
  pending.clear();
  perImage.clear();
  if (layout.extents.size() == 1) { // one entry per sample
    func(n) = element(value)(0, 0, 0, n);
    for (Func number : perImage)
      number.compute_at(func, n);
    constrain(func.output_buffer(), layout);
    funcs.emplace(value.getAsOpaquePointer(), func);
    outputs.push_back(func);
    return;
  }
  auto staged = dyn_cast_or_null<StageOp>(op);
  if (StageOp image = interface.images.lookup(value))
    staged = image;
  if (Operation *producer = staged ? staged.getInput().getDefiningOp() : nullptr) {
    std::optional<Func> made = // by a family that schedules what it stores
        llvm::TypeSwitch<Operation *, std::optional<Func>>(producer)
            .Case<Col2ImOp>([&](Col2ImOp op) { return buildCol2Im(*this, op); })
            .Case<WinogradInputOp>([&](WinogradInputOp op) { return buildWinogradInput(*this, op, layout); })
            .Case<WinogradProductOp>([&](WinogradProductOp op) { return buildWinogradProduct(*this, op, layout); })
            .Case<WinogradOutputOp>([&](WinogradOutputOp op) { return buildWinogradOutput(*this, op, value, layout); })
            .Default([](Operation *) { return std::nullopt; });
    if (made) {
      constrain(made->output_buffer(), layout);
      funcs[value.getAsOpaquePointer()] = *made;
      outputs.push_back(*made);
      return;
    }
  }
  Element stored;
  Value source = value;
  if (auto stage = dyn_cast_or_null<StageOp>(op); stage && role == KernelArgument::Scratch) {
    source = stage.getInput();
    stored = stageElement(stage, argument.imageMultiple);
  } else {
    stored = element(value);
  }
  bool byParts = pending.empty() && perImage.empty() && storeByParts(*this, func, source, stored, layout);
  if (!byParts)
    func(c, x, y, n) = stored(c, x, y, n);
  constrain(func.output_buffer(), layout);
  if (pending.empty() && !byParts)
    scheduleElementwise(*this, func, value, layout);
  else if (!pending.empty())
    scheduleConvolution(*this, func, pending, layout);
  for (Func number : perImage)
    number.compute_at(func, n);
  pending.clear();
  funcs[value.getAsOpaquePointer()] = func; // a staged value that is yielded too: the copy that leaves the task
  outputs.push_back(func);
}

Expr PipelineBuilder::images() {
  for (const KernelArgument &argument : interface.arguments)
    if (argument.role == KernelArgument::Input && argument.layout.imageDimension >= 0)
      return input(argument.value).dim(argument.layout.imageDimension).extent();
  return 1;
}

Halide::Pipeline PipelineBuilder::build() {
  addInputs();
  Block &body = kernel.getBody().front();
  auto yield = cast<YieldOp>(body.getTerminator());
  // Stored values are built in the order of the ops, weight gradients after the results that say which rows are the task's,
  // and listed in the interface's.
  std::map<std::pair<const void *, int>, std::vector<Func>> built;
  auto make = [&](Value value, KernelArgument::Role role) {
    outputs.clear();
    store(value, role);
    built[{value.getAsOpaquePointer(), role}] = outputs;
  };
  for (bool gradients : {false, true})
    for (Operation &op : body.without_terminator())
      for (Value result : op.getResults()) {
        if (isa<StageOp>(op) && !gradients && argumentOf(result, KernelArgument::Scratch))
          make(result, KernelArgument::Scratch);
        if (isa<WeightGradientOp>(op) == gradients && llvm::is_contained(yield.getValues(), result))
          make(result, KernelArgument::Result);
      }
  outputs.clear();
  for (const KernelArgument &argument : interface.arguments)
    if ((argument.role == KernelArgument::Scratch || argument.role == KernelArgument::Result) && argument.term == 0) {
      const std::vector<Func> &made = built.at({argument.value.getAsOpaquePointer(), argument.role});
      outputs.insert(outputs.end(), made.begin(), made.end());
    }
  return Halide::Pipeline(outputs);
}
