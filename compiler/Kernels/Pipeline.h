//===- Pipeline.h - a kernel as a Halide pipeline ------------------*- C++ -*-===//
//
// A bnc.kernel's region becomes one serial pipeline. Values that live in memory (staged and yielded ones) are Halide
// Funcs; every other value is an expression of its index, written into the Funcs that use it. Algorithm and schedule of
// each family are in a file of their own; this header is what they share.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_KERNELS_PIPELINE_H
#define COMPILER_KERNELS_PIPELINE_H

#include "compiler/Kernels/Interface.h"
#include "compiler/Kernels/PrefetchNextTask.h"

#include "Halide.h"

#include <functional>
#include <set>

namespace bnc {

/// A value as an expression of (channel, x, y, image).
using Element = std::function<Halide::Expr(Halide::Expr c, Halide::Expr x, Halide::Expr y, Halide::Expr n)>;

/// A convolution whose accumulators wait for the Func that stores its result.
struct PendingConvolution {
  PackedConvOp op;
  Halide::Func accumulator;  // (pixel of a vector, channel, vector in x, y, image)
  int pixels;                // neighbours in x that fill a vector together, pixel by pixel in every channel
  Halide::RDom window = {};  // (input channel or, with partial sums, their number; x, y)
  Halide::Func partial = {}; // sums of `terms`, if the whole sum is long
  Halide::RDom terms = {};   // (input channel, x)
  Halide::Func spread = {};  // the weights of a vector of several pixels
};

class PipelineBuilder {
public:
  PipelineBuilder(KernelOp kernel, const Target &target);

  /// The pipeline with its arguments in the order of the interface.
  Halide::Pipeline build();
  std::vector<Halide::Argument> inputs() const { return inputArguments; }
  /// Names of the buffers that hold weights of convolutions.
  std::set<std::string> weights();
  /// Names of the buffers that hold images: those of the kernel's operands and what it stores.
  std::set<std::string> activations();
  /// Rows of a task, of tiles where there are some: what the loops of its anchors cover unless it is the last.
  int64_t rows();
  /// What the task after a task reads and writes, in training, where images come in batches. Nothing where a task is less
  /// or more than an image, or where images would not stay in the cache until then.
  std::vector<NextTask> nextTask();
  std::set<std::string> anchors; // names of the Funcs whose loops multiply and add

  //===-- For the families ------------------------------------------------------===//

  const Target &target;
  Halide::Var c{"c"}, x{"x"}, y{"y"}, n{"n"}, pixel{"pixel"};

  /// The expression of a value; builds it on first use.
  Element element(mlir::Value value);
  /// The same where `known` is an expression that is at hand.
  Element elementWith(mlir::Value value, mlir::Value known, Element itsElement);
  /// Row `row` of a vector or of coefficients, at a channel.
  Halide::Expr channel(mlir::Value value, Halide::Expr index, int row = 0);
  /// A buffer that is an argument, by the value it holds.
  Halide::ImageParam &input(mlir::Value value);
  Halide::ImageParam &scalars() { return scalarsParam; }
  /// The Func that stores a value.
  Halide::Func stored(mlir::Value value) { return funcs.at(value.getAsOpaquePointer()); }
  /// First owned element and extents of a stored value, from the buffers of this task.
  struct Owned {
    int width;
    Halide::Expr firstRow, rows, images;
  };
  Owned owned(mlir::Value value);
  /// Of the rows that a weight gradient is the sum of, the task's first, and how many it has.
  std::pair<Halide::Expr, int> ownRows(WeightGradientOp op);
  /// Images of this task.
  Halide::Expr images();
  /// A name that no other Func of the pipeline has.
  std::string name(const char *stem) { return std::string(stem) + std::to_string(counter++); }
  /// The first argument that holds a value, null if there is none.
  const KernelArgument *argumentOf(mlir::Value value, std::optional<KernelArgument::Role> role = std::nullopt) const;
  KernelOp kernelOp() const { return kernel; }
  /// Neighbours in x that fill a vector together, pixel by pixel in every channel, where `input` is read with steps of
  /// `stride` for rows of `width` results: more than one where a `block` of channels fills less than a register and the
  /// pixels of the one input channel lie side by side, so that the broadcast of several brings them.
  int pixelsPerVector(mlir::Value input, int64_t block, int64_t stride, int64_t width) const;

  std::vector<PendingConvolution> pending; // convolutions inside the expression being built
  Halide::Internal::Scope<Halide::Internal::Interval> ranges; // of variables that index channels, where they are known
  std::vector<Halide::Func> perImage;      // numbers of a sample (Funcs of n) that it reads, computed once for each

private:
  void addInputs();
  void store(mlir::Value value, KernelArgument::Role role);
  Element stageElement(StageOp stage, int64_t imageMultiple);
  void constrain(Halide::OutputImageParam buffer, const BufferLayout &layout);

  KernelOp kernel;
  KernelInterface interface;
  std::map<const void *, Halide::ImageParam> params;
  std::map<const void *, Halide::Func> funcs;
  std::map<const void *, Element> elements;
  Halide::ImageParam scalarsParam;
  std::vector<Halide::Argument> inputArguments;
  std::vector<Halide::Func> outputs;
  int counter = 0;
};

//===-- Families -------------------------------------------------------------------===//

/// Elementwise ops, data movement, normalization on load (Elementwise.cpp).
Element buildElementwise(PipelineBuilder &builder, mlir::Operation *op);
/// Pools, their gradients and reductions over pixels (Pooling.cpp).
Element buildPooling(PipelineBuilder &builder, mlir::Operation *op);
/// Losses and their gradients (Loss.cpp).
Element buildLoss(PipelineBuilder &builder, mlir::Operation *op, unsigned result);
/// Packed convolution: algorithm, and the schedule of the Func that stores it (Convolution.cpp).
Element buildConvolution(PipelineBuilder &builder, PackedConvOp op);
void scheduleConvolution(PipelineBuilder &builder, Halide::Func func, llvm::ArrayRef<PendingConvolution> convs,
                         const BufferLayout &layout);
/// The image that columns add up to (Col2Im.cpp).
Halide::Func buildCol2Im(PipelineBuilder &builder, Col2ImOp op);
/// Stored values of a Winograd convolution; what is stored of an image is its stage or what elementwise ops make of it
/// (Winograd.cpp).
Halide::Func buildWinogradInput(PipelineBuilder &builder, WinogradInputOp op, const BufferLayout &layout);
Halide::Func buildWinogradProduct(PipelineBuilder &builder, WinogradProductOp op, const BufferLayout &layout);
Halide::Func buildWinogradOutput(PipelineBuilder &builder, WinogradOutputOp op, mlir::Value stored, const BufferLayout &layout);
/// Weight gradient into the chain's slice (WeightGradient.cpp).
Halide::Func buildWeightGradient(PipelineBuilder &builder, WeightGradientOp op);
/// Partial reductions of a stored value, one Func per term or tuple (Reduction.cpp).
std::vector<Halide::Func> buildReduction(PipelineBuilder &builder, mlir::Operation *op, const BufferLayout &layout);
/// Plain loops, one vector of channels (or of x, where that is what lies together) at a time (Elementwise.cpp).
void scheduleElementwise(PipelineBuilder &builder, Halide::Func func, mlir::Value value, const BufferLayout &layout);

/// Defines and schedules `func` as loops over one part of a concatenation after the other, if `value`, the values of which
/// `element` brings to their place, is made of one. False if it is not: nothing is done then (Elementwise.cpp).
bool storeByParts(PipelineBuilder &builder, Halide::Func func, mlir::Value value, const Element &element, const BufferLayout &layout);

/// The optimizer's kernel over flat ranges: {value, gradient, slots..., scalars} in, {value, slots...} out (Optimizer.cpp).
std::pair<Halide::Pipeline, std::vector<Halide::Argument>> buildOptimizer(OptimizeOp op, const Target &target);

} // namespace bnc

#endif // COMPILER_KERNELS_PIPELINE_H
