//===- Records.cpp - steps as the records of model_abi.h -----------------------===//
//
// The structures of model_abi.h hold only 64-bit words, so they are filled in as C structs and copied out as words.
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Records.h"
#include "compiler/Codegen/Codegen.h"
#include "compiler/Codegen/RecordWords.h"

#include "compiler/Kernels/Winograd.h"
#include "ir/Optimizers.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace bnc;

namespace {
constexpr int64_t kElementsPerTask = 16384; // of the optimizer: long enough to be worth a task

/// Statistics are double where a step merged them, float where they are variables.
bool isOfBatch(Value statistic) { return typeOf(statistic).getElementType().isF64(); }

/// Partials of a kernel's result, with the pixels of each strip.
std::pair<bnc_partials, SmallVector<int64_t>> partialsOf(Value value, const Target &target) {
  auto result = cast<OpResult>(value);
  auto kernel = cast<KernelOp>(result.getOwner());
  KernelInterface interface = describeKernel(kernel, target);
  Operation *producer = kernel.getBody().front().getTerminator()->getOperand(result.getResultNumber()).getDefiningOp();
  int64_t stored = storageOf(value).getChannels(), terms = typeOf(value).getDimSize(1);
  bnc_partials partials{};
  partials.at = locationOf(value);
  partials.task_stride = llvm::alignTo(terms * stored * 4, BNC_ALIGNMENT);
  partials.stored = stored;
  partials.channels = typeOf(value).getDimSize(2);
  partials.grid = kernel.getGrid() == Grid::Rows ? BNC_GRID_ROWS : BNC_GRID_IMAGES;
  partials.strips = interface.strips;
  partials.block = kernel.getGrid() == Grid::Rows ? 1 : kernel.getRows();
  return {partials, interface.pixelsOfStrip(producer->getOperand(0))};
}

bnc_argument argumentRecord(const KernelArgument &argument, KernelOp kernel) {
  bnc_argument record{};
  const BufferLayout &layout = argument.layout;
  record.type_code = layout.typeCode;
  record.type_bits = layout.typeBits;
  record.dimensions = layout.extents.size();
  record.row_dimension = layout.rowDimension;
  record.image_dimension = layout.imageDimension;
  record.image_multiple = argument.imageMultiple;
  record.block_stride = argument.blockStride;
  record.ragged_extent = layout.raggedExtent;
  for (size_t i = 0; i < layout.extents.size(); ++i) {
    record.extent[i] = layout.extents[i];
    record.stride[i] = layout.strides[i];
  }
  Value outside;
  switch (argument.role) {
  case KernelArgument::Scalars:
    record.space = BNC_SPACE_SCALARS;
    return record;
  case KernelArgument::Scratch:
    record.space = BNC_SPACE_SCRATCH;
    record.offset = argument.scratchOffset;
    return record;
  case KernelArgument::Input:
    outside = kernel.getInputs()[argument.index];
    break;
  case KernelArgument::Result:
    outside = kernel.getResult(argument.index);
    break;
  }
  bnc_location location = locationOf(outside);
  record.space = location.space;
  record.offset = location.offset;
  if (layout.imageDimension >= 0)
    record.image_stride = layout.strides[layout.imageDimension] * layout.typeBits / 8;
  record.displacement = storageOf(outside).getFirst() * layout.typeBits / 8;
  Operation *producer = argument.role == KernelArgument::Result ? argument.value.getDefiningOp() : nullptr;
  if (producer && isa<PartialMomentsOp, PartialSumsOp>(producer)) {
    int64_t stored = storageOf(outside).getChannels();
    record.task_stride = llvm::alignTo(typeOf(argument.value).getDimSize(1) * stored * 4, BNC_ALIGNMENT);
    record.displacement = argument.term * stored * 4;
  } else if (producer && isa<WeightGradientOp>(producer)) {
    record.chain_dimension = layout.chainDimension;
    record.chain_stride = layout.strides[4] * layout.extents[4] * 4; // of (channel of a block, input channel, x, y, block)
  }
  return record;
}

Step launchOf(KernelOp kernel, const Target &target) {
  KernelInterface interface = describeKernel(kernel, target);
  bnc_launch launch{};
  launch.grid = kernel.getGrid() == Grid::Rows ? BNC_GRID_ROWS : BNC_GRID_IMAGES;
  launch.strips = interface.strips;
  launch.block = kernel.getGrid() == Grid::Rows ? 1 : kernel.getRows();
  launch.chains = kernel.getChains();
  launch.blocks = kernel.getBlocks();
  launch.arguments = interface.arguments.size();
  std::vector<int64_t> words = wordsOf(launch);
  for (const KernelArgument &argument : interface.arguments)
    llvm::append_range(words, wordsOf(argumentRecord(argument, kernel)));
  for (int64_t strip = 0; strip < interface.strips; ++strip)
    for (const KernelArgument &argument : interface.arguments) {
      RowRange rows = argument.layout.rowDimension >= 0 ? argument.rows[strip] : RowRange{0, 0};
      words.push_back(rows.begin);
      words.push_back(rows.size());
    }
  return {"bnc_rt_launch", words, kernel.getSymbol()->str()};
}

Step launchOf(OptimizeOp op) {
  // Its parameters lie next to each other (bnc-plan-memory).
  int64_t stride = op->getParentOfType<ModuleOp>()->getAttrOfType<IntegerAttr>("bnc.trainable_floats").getInt(), first = stride, elements = 0;
  for (Attribute parameter : op.getParameters()) {
    auto variable = SymbolTable::lookupNearestSymbolFrom<VariableOp>(op, cast<FlatSymbolRefAttr>(parameter));
    int64_t offset = variable->getAttrOfType<IntegerAttr>("bnc.offset").getInt(), count = cast<RankedTensorType>(variable.getType()).getNumElements();
    first = std::min(first, offset);
    elements += llvm::alignTo(count, BNC_ALIGNMENT / 4);
  }
  size_t slots = OptimizerKind::parse(op.getOptimizer())->slots().size();
  bnc_launch launch{};
  launch.grid = BNC_GRID_ELEMENTS;
  launch.strips = 1;
  launch.block = kElementsPerTask;
  launch.elements = elements;
  launch.blocks = 1;
  std::vector<bnc_argument> arguments;
  auto flat = [&](int64_t space, int64_t offset, bool ranges) {
    bnc_argument record{};
    record.space = space;
    record.offset = offset;
    record.type_code = 2;
    record.type_bits = 32;
    record.dimensions = 1;
    record.image_dimension = -1;
    record.row_dimension = ranges ? 0 : -1;
    record.extent[0] = BNC_SCALAR_COUNT;
    record.stride[0] = 1;
    arguments.push_back(record);
  };
  auto state = [&](bool gradient) {
    flat(BNC_SPACE_VARIABLES, first * 4, true);
    if (gradient)
      flat(BNC_SPACE_GRADIENTS, first * 4, true);
    for (size_t slot = 0; slot < slots; ++slot)
      flat(BNC_SPACE_SLOTS, (slot * stride + first) * 4, true);
  };
  state(/*gradient=*/true);
  flat(BNC_SPACE_SCALARS, 0, false);
  state(/*gradient=*/false);
  launch.arguments = arguments.size();
  std::vector<int64_t> words = wordsOf(launch);
  for (const bnc_argument &argument : arguments)
    llvm::append_range(words, wordsOf(argument));
  return {"bnc_rt_launch", words, op.getSymbol()->str()};
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

} // namespace

bnc_pack bnc::packRecord(bnc_location source, int64_t sourceBits, bnc_location result, int64_t resultCount, ArrayRef<CopyDim> dims) {
  bnc_pack record{};
  record.source = source;
  record.result = result;
  record.source_bits = sourceBits;
  record.result_bits = 32;
  record.result_count = resultCount;
  for (int64_t i = 0; i < BNC_MAX_DIMS; ++i) {
    bool used = i < int64_t(dims.size());
    record.extent[i] = used ? dims[i].extent : 1;
    record.source_stride[i] = used ? dims[i].source : 0;
    record.result_stride[i] = used ? dims[i].result : 0;
  }
  return record;
}

namespace {
bnc_winograd_weights winogradRecord(PackOp op) {
  ArrayRef<int64_t> shape = op.getShape(), strides = op.getStrides(), packed = op.getType().getShape();
  bnc_winograd_weights record{};
  record.source = locationOf(op.getSource());
  record.result = locationOf(op.getResult());
  record.source_bits = bitsOf(op.getSource());
  bool backward = op.getBackward();
  record.outputs = shape[backward ? 1 : 0];
  record.inputs = shape[backward ? 0 : 1];
  record.block = packed[4];
  record.blocks = packed[0];
  record.size = packed[1];
  record.output_stride = strides[backward ? 1 : 0];
  record.input_stride = strides[backward ? 0 : 1];
  int64_t sign = backward ? -1 : 1; // the window mirrored
  record.y_stride = sign * strides[2];
  record.x_stride = sign * strides[3];
  if (backward)
    record.source.offset += 2 * (strides[2] + strides[3]) * record.source_bits / 8;
  int64_t *transform = record.transform;
  for (const std::array<double, 3> &row : winogradWeightTransform(record.size - 2))
    for (double value : row)
      *transform++ = bits(llvm::APFloat(value));
  return record;
}

/// Packs `outputs` output channels, block by block; a last block that is not full needs a copy of its own.
std::vector<Step> packSteps(PackOp op) {
  std::vector<Step> steps;
  bnc_location source = locationOf(op.getSource()), result = locationOf(op.getResult());
  int64_t sourceBits = bitsOf(op.getSource()), elementBytes = sourceBits / 8, count = op.getType().getNumElements();
  auto add = [&](int64_t sourceOffset, int64_t resultOffset, ArrayRef<CopyDim> dims) {
    bnc_location from{source.space, source.offset + sourceOffset * elementBytes}, to{result.space, result.offset + resultOffset * 4};
    int64_t copied = 1;
    for (const CopyDim &dim : dims)
      copied *= dim.extent;
    // The first copy clears the padding, if there is any.
    int64_t cleared = steps.empty() && copied != count ? count : 0;
    steps.push_back({"bnc_rt_pack", wordsOf(packRecord(from, sourceBits, to, cleared, dims)), ""});
  };
  if (op.getShape().empty()) {
    add(0, 0, {{count, 1, 1}});
    return steps;
  }
  ArrayRef<int64_t> shape = op.getShape(), strides = op.getStrides(), packed = op.getType().getShape();
  int64_t height = shape[2], width = shape[3], inputs = packed[3], block = packed[4], groups = op.getGroups();
  // Result strides of (block, KH, KW, input, channel).
  int64_t sInput = block, sX = inputs * sInput, sY = width * sX, sBlock = height * sY;
  CopyDim y{height, strides[2], sY}, x{width, strides[3], sX};
  int64_t origin = 0; // of the source
  if (op.getWinograd() > 0)
    return {{"bnc_rt_winograd_weights", wordsOf(winogradRecord(op)), ""}};
  if (op.getBackward()) {
    // Output channel c of group g takes input r from W[g * inputs + r][c], the window mirrored.
    origin = (height - 1) * strides[2] + (width - 1) * strides[3];
    y.source = -y.source;
    x.source = -x.source;
    CopyDim input{inputs, strides[0], sInput};
    if (groups > 1) {
      add(origin, 0, {{groups, inputs * strides[0], shape[1]}, y, x, input, {shape[1], strides[1], 1}});
      return steps;
    }
    int64_t full = shape[1] / block, rest = shape[1] % block;
    if (full)
      add(origin, 0, {{full, block * strides[1], sBlock}, y, x, input, {block, strides[1], 1}});
    if (rest)
      add(origin + full * block * strides[1], full * sBlock, {y, x, input, {rest, strides[1], 1}});
    return steps;
  }
  if (op.getColumns()) {
    int64_t channels = op.getChannels(), full = shape[1] / channels, rest = shape[1] % channels;
    CopyDim ky{height, strides[2], shape[3] * channels}, kx{shape[3], strides[3], channels}, input{inputs, strides[0], sInput};
    if (full)
      add(0, 0, {{full, channels * strides[1], inputs * sInput}, ky, kx, input, {channels, strides[1], 1}});
    if (rest)
      add(full * channels * strides[1], full * inputs * sInput, {ky, kx, input, {rest, strides[1], 1}});
    return steps;
  }
  CopyDim input{inputs, strides[1], sInput};
  if (op.getUnflatten()) {
    // Output feature (c, h, w) goes to ((h * W + w) * channels + c); the anchor's own window is one tap.
    ArrayRef<int64_t> image = *op.getUnflatten();
    int64_t channels = op.getChannels(), full = image[0] / block, rest = image[0] % block, plane = image[1] * image[2];
    CopyDim h{image[1], image[2] * strides[0], image[2] * channels / block * sBlock}, w{image[2], strides[0], channels / block * sBlock};
    if (full)
      add(0, 0, {h, w, {full, block * plane * strides[0], sBlock}, input, {block, plane * strides[0], 1}});
    if (rest)
      add(full * block * plane * strides[0], full * sBlock, {h, w, input, {rest, plane * strides[0], 1}});
    return steps;
  }
  int64_t full = shape[0] / block, rest = shape[0] % block;
  if (full)
    add(0, 0, {{full, block * strides[0], sBlock}, y, x, input, {block, strides[0], 1}});
  if (rest)
    add(full * block * strides[0], full * sBlock, {y, x, input, {rest, strides[0], 1}});
  return steps;
}

/// The gradient from its slices, block by block as packSteps.
std::vector<Step> mergeSlicesSteps(MergeSlicesOp op, const Target &target) {
  auto result = cast<OpResult>(op.getSlices());
  auto kernel = cast<KernelOp>(result.getOwner());
  ArrayRef<int64_t> shape = op.getShape(), strides = op.getStrides(), slice = typeOf(op.getSlices()).getShape();
  int64_t height = slice[2], width = slice[3], inputs = slice[4], block = slice[5];
  int64_t sInput = block, sX = inputs * sInput, sY = width * sX, sBlock = height * sY;
  bnc_location slices = locationOf(op.getSlices()), to = locationOf(op.getResult());
  std::vector<Step> steps;
  auto add = [&](int64_t sliceOffset, int64_t resultOffset, ArrayRef<CopyDim> dims) {
    bnc_merge_slices record{};
    record.slices = {slices.space, slices.offset + sliceOffset * 4};
    record.result = {to.space, to.offset + resultOffset * 4};
    record.chain_stride = slice[1] * sBlock * 4;
    record.grid = kernel.getGrid() == Grid::Rows ? BNC_GRID_ROWS : BNC_GRID_IMAGES;
    record.strips = kernel.strips();
    record.block = kernel.getGrid() == Grid::Rows ? 1 : kernel.getRows();
    record.chains = kernel.getChains();
    for (int64_t i = 0; i < BNC_MAX_DIMS; ++i) {
      bool used = i < int64_t(dims.size());
      record.extent[i] = used ? dims[i].extent : 1;
      record.slice_stride[i] = used ? dims[i].source : 0;
      record.result_stride[i] = used ? dims[i].result : 0;
    }
    steps.push_back({"bnc_rt_merge_slices", wordsOf(record), ""});
  };
  CopyDim input{inputs, sInput, strides[1]}, y{height, sY, strides[2]}, x{width, sX, strides[3]};
  int64_t full = shape[0] / block, rest = shape[0] % block;
  if (full)
    add(0, 0, {{full, sBlock, block * strides[0]}, {block, 1, strides[0]}, input, y, x});
  if (rest)
    add(full * sBlock, full * block * strides[0], {{rest, 1, strides[0]}, input, y, x});
  (void)target;
  return steps;
}

/// The optimizer moves parameters with the gaps between them: there gradients are zero, as the parameters are.
std::optional<Step> clearPadding(Value gradient) {
  if (storageOf(gradient).getSpace() != Space::Gradients)
    return std::nullopt;
  bnc_location location = locationOf(gradient);
  int64_t count = typeOf(gradient).getNumElements(), padding = llvm::alignTo(count, BNC_ALIGNMENT / 4) - count;
  if (padding == 0)
    return std::nullopt;
  return Step{"bnc_rt_fill", wordsOf(bnc_fill{{location.space, location.offset + count * 4}, 32, padding, 0}), ""};
}
} // namespace

FailureOr<std::vector<std::pair<Operation *, Step>>> bnc::callsOf(GraphOp graph, int64_t program, const Target &target) {
  std::vector<std::pair<Operation *, Step>> calls;
  for (Operation &op : graph.getBody().front()) {
    auto number = op.getAttrOfType<IntegerAttr>("program");
    if (!number || number.getInt() != program)
      continue;
    FailureOr<std::vector<Step>> steps = stepsOf(&op, target);
    if (failed(steps))
      return failure();
    for (Step &step : *steps)
      calls.push_back({&op, std::move(step)});
    if (op.hasAttr("storage"))
      for (Value result : op.getResults())
        if (std::optional<Step> step = clearPadding(result))
          calls.push_back({&op, std::move(*step)});
  }
  if (graph.getKind() == GraphKind::Training && program == 0 && !outputGradientsOf(graph)) {
    Operation *terminator = graph.getBody().front().getTerminator();
    bnc_location losses = locationOf(terminator->getOperand(0)), correct = locationOf(terminator->getOperand(1));
    calls.push_back({terminator, {"bnc_rt_loss", {losses.space, losses.offset, correct.space, correct.offset}, ""}});
  }
  return calls;
}

int64_t bnc::scratchOf(Operation *op, const Target &target) {
  auto kernel = dyn_cast<KernelOp>(op);
  return kernel ? describeKernel(kernel, target).scratchBytes : 0;
}

FailureOr<std::vector<Step>> bnc::stepsOf(Operation *op, const Target &target) {
  using Steps = std::vector<Step>;
  auto step = [](const char *function, auto record) { return Steps{{function, wordsOf(record), ""}}; };
  if (auto kernel = dyn_cast<KernelOp>(op))
    return Steps{launchOf(kernel, target)};
  if (auto optimize = dyn_cast<OptimizeOp>(op))
    return Steps{launchOf(optimize)};
  if (auto pack = dyn_cast<PackOp>(op))
    return packSteps(pack);
  if (auto merge = dyn_cast<MergeSlicesOp>(op))
    return mergeSlicesSteps(merge, target);
  if (auto merge = dyn_cast<MergeMomentsOp>(op)) {
    auto [partials, pixels] = partialsOf(merge.getPartials(), target);
    std::vector<int64_t> words = wordsOf(bnc_merge_moments{partials, locationOf(merge.getMean()), locationOf(merge.getVariance()), locationOf(merge.getCount())});
    llvm::append_range(words, pixels);
    return Steps{{"bnc_rt_merge_moments", words, ""}};
  }
  if (auto merge = dyn_cast<MergeSumsOp>(op)) {
    auto [partials, pixels] = partialsOf(merge.getPartials(), target);
    return step("bnc_rt_merge_sums", bnc_merge_sums{partials, typeOf(merge.getPartials()).getDimSize(1), locationOf(merge.getSums())});
  }
  if (auto coefficients = dyn_cast<NormalizeCoefficientsOp>(op))
    return step("bnc_rt_normalize_coefficients",
                bnc_normalize_coefficients{locationOf(coefficients.getScale()), locationOf(coefficients.getOffset()), locationOf(coefficients.getMean()),
                                           locationOf(coefficients.getVariance()), locationOf(coefficients.getResult()), isOfBatch(coefficients.getMean()),
                                           coefficients.getType().getDimSize(1), storageOf(coefficients.getResult()).getChannels(), bits(coefficients.getEpsilon())});
  if (auto coefficients = dyn_cast<GradientCoefficientsOp>(op))
    return step("bnc_rt_gradient_coefficients",
                bnc_gradient_coefficients{locationOf(coefficients.getScale()), locationOf(coefficients.getMean()), locationOf(coefficients.getVariance()),
                                          locationOf(coefficients.getCount()), locationOf(coefficients.getSums()), locationOf(coefficients.getResult()),
                                          isOfBatch(coefficients.getMean()), coefficients.getType().getDimSize(1),
                                          storageOf(coefficients.getResult()).getChannels(), bits(coefficients.getEpsilon())});
  if (auto gradient = dyn_cast<ChannelGradientOp>(op))
    return step("bnc_rt_channel_gradient",
                bnc_channel_gradient{locationOf(gradient.getSums()), locationOf(gradient.getVariance()), locationOf(gradient.getResult()),
                                     int64_t(gradient.getTerm()), gradient.getVariance() && isOfBatch(gradient.getVariance()),
                                     typeOf(gradient.getResult()).getNumElements(), bits(gradient.getEpsilon()), gradient.getVariance() != nullptr, 0});
  if (auto move = dyn_cast<MoveRunningOp>(op)) {
    bnc_update_running record{};
    record.mean = locationOf(move.getMean());
    record.variance = locationOf(move.getVariance());
    record.counter = locationOf(move.getSteps());
    record.batch_mean = locationOf(move.getBatchMean());
    record.batch_variance = locationOf(move.getBatchVariance());
    record.count = locationOf(move.getCount());
    record.staged_mean = locationOf(move.getNewMean());
    record.staged_variance = locationOf(move.getNewVariance());
    record.staged_counter = locationOf(move.getNewSteps());
    record.channels = typeOf(move.getMean()).getDimSize(0);
    record.decay = bits(move.getDecay());
    record.sample = move.getRunningVariance() == RunningVariance::Sample;
    record.cumulative = move.getCumulative();
    return step("bnc_rt_update_running", record);
  }
  if (auto move = dyn_cast<MoveAverageOp>(op)) {
    bnc_update_running record{};
    record.mean = locationOf(move.getAverage());
    record.batch_mean = locationOf(move.getBatchMean());
    record.count = locationOf(move.getCount());
    record.staged_mean = locationOf(move.getResult());
    record.variance = record.counter = record.batch_variance = record.staged_variance = record.staged_counter = locationOf(Value());
    record.channels = typeOf(move.getAverage()).getNumElements();
    record.decay = bits(move.getDecay());
    return step("bnc_rt_update_running", record);
  }
  if (auto keys = dyn_cast<DropoutKeysOp>(op))
    return step("bnc_rt_dropout_keys", bnc_dropout_keys{locationOf(keys.getKeys()), int64_t(keys.getLayer())});
  if (auto assign = dyn_cast<AssignOp>(op)) {
    auto variable = SymbolTable::lookupNearestSymbolFrom<VariableOp>(op, assign.getVariableAttr());
    bnc_location to{BNC_SPACE_VARIABLES, variable->getAttrOfType<IntegerAttr>("bnc.offset").getInt() * 4};
    return step("bnc_rt_copy", bnc_copy{locationOf(assign.getValue()), to, typeOf(assign.getValue()).getNumElements() * 4});
  }
  if (std::optional<Steps> steps = foldStepsOf(op))
    return *steps;
  if (auto constant = dyn_cast<ConstantOp>(op)) {
    if (!constant->hasAttr("storage"))
      return Steps{};
    auto splat = dyn_cast<SplatElementsAttr>(constant.getValue());
    if (!splat) {
      if (!typeOf(constant.getResult()).getElementType().isF32())
        return op->emitOpError("between kernels has to hold floats, or one value everywhere");
      std::vector<float> values;
      for (APFloat value : cast<DenseElementsAttr>(constant.getValue()).getValues<APFloat>())
        values.push_back(value.convertToFloat());
      std::vector<int64_t> words = wordsOf(bnc_constant{locationOf(constant.getResult()), int64_t(values.size())});
      values.resize(llvm::alignTo(values.size(), 2));
      size_t header = words.size();
      words.resize(header + values.size() / 2);
      std::memcpy(words.data() + header, values.data(), values.size() * sizeof(float));
      return Steps{{"bnc_rt_constant", words, ""}};
    }
    return step("bnc_rt_fill", bnc_fill{locationOf(constant.getResult()), bitsOf(constant.getResult()), typeOf(constant.getResult()).getNumElements(),
                                        bits(splat.getSplatValue<APFloat>())});
  }
  if (auto add = dyn_cast<AddOp>(op)) {
    if (add.getLhs().getType() != add.getRhs().getType() || bitsOf(add.getLhs()) != 32)
      return op->emitOpError("cannot be executed between kernels");
    return step("bnc_rt_add", bnc_add{locationOf(add.getLhs()), locationOf(add.getRhs()), locationOf(add.getResult()), typeOf(add.getResult()).getNumElements()});
  }
  if (isa<ReadOp, ReshapeOp, ReturnOp>(op))
    return Steps{};
  return op->emitOpError("cannot be executed between kernels");
}
