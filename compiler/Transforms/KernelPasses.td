//===- KernelPasses.td - the passes of phase `kernels` ------------------------===//

include "mlir/Pass/PassBase.td"

//===-- Towards kernels -------------------------------------------------------------===//

def FormKernelsPass : Pass<"bnc-form-kernels", "::mlir::ModuleOp"> {
  let summary = "Group ops into kernels around their anchors";
  let description = [{
    An anchor (convolution, dense, weight gradient, loss) takes along what is applied to its result until a value
    that must be in memory (statistics are taken of it, several kernels read it, it leaves the graph), the
    reductions of that value, and everything cheap its operands need, computed again in each kernel that needs it.
    Gradients with respect to input and weight of one convolution share a kernel, so that the gradient they both
    read is formed once.

    A bnc.concat of channels that are all in memory is no kernel's: its parts are written where it lies.
  }];
  let options = [Option<"target", "target", "std::string", "\"x86-64-v3\"", "what the kernels will run on">];
}

def LowerKernelsPass : Pass<"bnc-lower-kernels", "::mlir::ModuleOp"> {
  let summary = "Choose grids, tiles and layouts: anchors over staged operands and packed weights";
  let description = [{
    In every kernel, convolutions become bnc.packed_conv over bnc.stage'd operands, with bnc.pack'ed weights made
    outside; weight gradients accumulate into slices that bnc.merge_slices sums. What a task covers, how many
    chains there are and how channels are padded follows from the shapes, the target and, in an inference graph, the threads
    that one image alone should keep busy. A remark at every convolution says what it became, at which cost, and what the
    alternatives would have cost.

    `algorithm` overrides the cost model, so that what it chooses can be timed beside what it does not:
    tools/scripts/sweep-convolutions.py does that.
  }];
  let options = [Option<"target", "target", "std::string", "\"x86-64-v3\"", "what the kernels will run on">,
                 Option<"direct", "direct", "bool", "false", "Winograd's algorithm is not taken">,
                 Option<"threads", "threads", "int64_t", "8", "threads that one image of an inference graph should keep busy">,
                 Option<"algorithm", "algorithm", "::bnc::ConvolutionAlgorithm",
                        /*default=*/"::bnc::ConvolutionAlgorithm::Cheapest",
                        "What convolutions are computed by wherever it applies", [{::llvm::cl::values(
                          clEnumValN(::bnc::ConvolutionAlgorithm::Cheapest, "cheapest", "what the cost model chooses"),
                          clEnumValN(::bnc::ConvolutionAlgorithm::Direct, "direct", "a direct convolution"),
                          clEnumValN(::bnc::ConvolutionAlgorithm::Columns, "columns", "a product whose columns are added up"),
                          clEnumValN(::bnc::ConvolutionAlgorithm::Winograd2, "winograd2", "Winograd F(2x2, 3x3)"),
                          clEnumValN(::bnc::ConvolutionAlgorithm::Winograd4, "winograd4", "Winograd F(4x4, 3x3), of inference"))}]>];
}

def LowerNormalizationPass : Pass<"bnc-lower-normalization", "::mlir::ModuleOp"> {
  let summary = "Split normalization into reductions, coefficients and arithmetic on a load";
  let description = [{
    bnc.batch_stats and bnc.gradient_sums become partial reductions and a merge; bnc.normalize and
    bnc.normalize_gradient become per-channel coefficients, formed between kernels, and one multiply-add that any
    kernel can apply on load.
  }];
}

def MergeUpdatesPass : Pass<"bnc-merge-updates", "::mlir::ModuleOp"> {
  let summary = "One bnc.optimize for the updates of all parameters";
  let description = [{
    Parameters that the optimizer moves lie next to each other in memory, so that one kernel can move them all.
  }];
}

def PlanMemoryPass : Pass<"bnc-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Give every value of the graphs its place in memory";
  let description = [{
    Offsets are chosen by first fit over lifetimes, in one arena that scales with the batch and one that does not: their
    sizes are `bnc.scaled_bytes` and `bnc.fixed_bytes` of the graph, the most bytes alive at once `bnc.scaled_live_bytes`
    and `bnc.fixed_live_bytes`.
    Variables get places in their own block, trainable parameters first (attribute `bnc.offset`, in floats), those whose
    gradients are known last in front. The gradients lie in the same order and end where the first arena does; pairs in
    `bnc.gradient_rooms` say how many bytes of them have to find room behind how many of the activations of a sample, and
    in `bnc.gradient_live_rooms`, behind how many that are alive.
    Before that, ops are ordered into what fold or the forward pass, the backward pass and the update run.
  }];
  let options = [Option<"target", "target", "std::string", "\"x86-64-v3\"", "what the kernels will run on">];
}

def RecomputePass : Pass<"bnc-recompute", "::mlir::ModuleOp"> {
  let summary = "Form values of the forward pass again where backward reads them, instead of keeping them";
  let description = [{
    Of kernels that bnc-form-kernels made, in training graphs: a result that a kernel forms element by element, or by
    pooling, of other values in memory is formed again in the kernels of backward that read it, if each of those can do it
    with what is in memory then anyway, and with values that are formed again themselves. Its memory is free after the
    forward pass. First those are taken for which no more is read than before, then those for which a kernel reads at most
    one more value of that size.
  }];
}
