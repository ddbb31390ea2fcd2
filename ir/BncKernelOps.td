//===- BncKernelOps.td - what phase `kernels` adds --------------------------===//
//
// A graph in phase `kernels` is a sequence of kernels (parallel loops over tasks) and steps between them (run
// by the runtime, one each). Every value that lives in memory has a `storage`; inside a kernel everything has
// the shape (N, C, H, W) or is a vector of channels. Each step op names the runtime function that executes it.
//
//===----------------------------------------------------------------------===//

#ifndef BNC_KERNEL_OPS_TD
#define BNC_KERNEL_OPS_TD

include "ir/BncBase.td"

//===-- Attributes ------------------------------------------------------------===//

def Bnc_SpaceEnum : Bnc_Enum<"Space", "where a value lives (BNC_SPACE_* of model_abi.h)", [
    I32EnumAttrCase<"Scaled", 0, "scaled">,
    I32EnumAttrCase<"Fixed", 1, "fixed">,
    I32EnumAttrCase<"Variables", 2, "variables">,
    I32EnumAttrCase<"Slots", 3, "slots">,
    I32EnumAttrCase<"Gradients", 4, "gradients">,
    I32EnumAttrCase<"Folded", 5, "folded">,
    I32EnumAttrCase<"Scalars", 6, "scalars">,
    I32EnumAttrCase<"Input", 7, "input">,
    I32EnumAttrCase<"Output", 8, "output">,
    I32EnumAttrCase<"Scratch", 9, "scratch">]>;

def Bnc_StorageAttr : AttrDef<Bnc_Dialect, "Storage"> {
  let mnemonic = "storage";
  let summary = "Place and layout of a value";
  let description = [{
    `offset` in bytes (per image in `scaled`; an index in `input` and `output`). `channels` > 0: an activation
    stored (N, H, W, C) with that many channels, the last ones padding; 0: dense in the logical layout.
    `of` W `at` F: they are channels F (0 if not given) and following of W, part of a concatenation.
  }];
  let parameters = (ins EnumParameter<Bnc_SpaceEnum>:$space, "int64_t":$offset, "int64_t":$channels,
                        DefaultValuedParameter<"int64_t", "0">:$whole, DefaultValuedParameter<"int64_t", "0">:$first);
  let assemblyFormat = "`<` $space `,` $offset `,` $channels (`of` $whole^)? (`at` $first^)? `>`";
  let builders = [AttrBuilder<(ins "::bnc::Space":$space, "int64_t":$offset, "int64_t":$channels),
                              "return $_get($_ctxt, space, offset, channels, 0, 0);">];
  let extraClassDeclaration = [{
    /// Channels from one pixel to the next.
    int64_t getPixelStride() const { return getWhole() ? getWhole() : getChannels(); }
  }];
}
def Bnc_StorageArrayAttr : TypedArrayAttrBase<Bnc_StorageAttr, "one storage per result">;

def Bnc_GridEnum : Bnc_Enum<"Grid", "what a task of a kernel covers", [
    I32EnumAttrCase<"Rows", 0, "rows">,     // a strip of rows of one image
    I32EnumAttrCase<"Images", 1, "images">  // a block of images
  ]>;
def Bnc_GridAttr : EnumAttr<Bnc_Dialect, Bnc_GridEnum, "grid">;

//===-- Kernels -----------------------------------------------------------------===//

def Bnc_KernelOp : Bnc_Op<"kernel", [IsolatedFromAbove]> {
  let summary = "A parallel loop over tasks, each a serial Halide pipeline";
  let description = [{
    The region is the group: an anchor (convolution, weight gradient, loss, or none) with what is applied to its
    operands on load and to its result before it is stored, and the reductions of what was stored. It describes
    whole tensors; a task computes its rows (grid `rows`: `rows` rows of one image) or its images (grid
    `images`: `rows` of them) of every result. Results that are partials have one entry per task (leading `?`),
    slices one per chain. A weight gradient is the sum over as many rows of its convolution's result as is the task's
    share of the results. `symbol` is the kernel's function once it is compiled.

    With `blocks` > 1 a task computes one of so many equal blocks of channels besides: the channels that a
    convolution puts out, or those of the input in a weight gradient, and of everything that has them. The tasks of
    a block come one after the other, so that they find its weights in the cache.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, Bnc_GridAttr:$grid, I64Attr:$rows, I64Attr:$chains,
                       DefaultValuedAttr<I64Attr, "1">:$blocks, OptionalAttr<StrAttr>:$symbol, OptionalAttr<Bnc_StorageArrayAttr>:$storage,
                       OptionalAttr<DictionaryAttr>:$schedule);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The values that have the channels which blocks cut: results of convolutions, inputs of weight gradients, and what
    /// is applied to them channel by channel. Null where something needs other channels than its own.
    std::optional<::llvm::DenseSet<::mlir::Value>> cutValues();

    /// The rows that strips cut: those of the largest result with rows, and without one those that weight gradients are sums
    /// over. 1 where there are no rows.
    int64_t height();

    /// Strips of an image: its tasks in grid `rows`, of one block of channels; 1 in grid `images`.
    int64_t strips();
  }];
}

def Bnc_YieldOp : Bnc_Op<"yield", [Pure, Terminator, HasParent<"KernelOp">]> {
  let summary = "What a kernel stores";
  let arguments = (ins Variadic<AnyRankedTensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

// Ops of kernels' regions; bnc-form-kernels moves there what bnc-lower-normalization made outside.
class Bnc_InKernelOp<string mnemonic, list<Trait> traits = []> : Bnc_Op<mnemonic, !listconcat([Pure], traits)>;

def Bnc_ApplyNormalizeOp : Bnc_InKernelOp<"apply_normalize", [AllTypesMatch<["input", "result"]>, DeclareOpInterfaceMethods<Bnc_ElementwiseOpInterface>]> {
  let summary = "(input - center) * slope + intercept with {center, slope, intercept} = the rows of coefficients";
  let arguments = (ins Bnc_FloatTensor:$input, Bnc_FloatTensor:$coefficients);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input `,` $coefficients attr-dict `:` type($input) `,` type($coefficients)";
}

def Bnc_ApplyNormalizeGradientOp : Bnc_InKernelOp<"apply_normalize_gradient", [AllTypesMatch<["gradient", "result"]>, DeclareOpInterfaceMethods<Bnc_ElementwiseOpInterface>]> {
  let summary = "A * gradient + B * (input - center) + C with {center, A, B, C} = the rows of coefficients";
  let arguments = (ins Bnc_FloatTensor:$gradient, Bnc_FloatTensor:$input, Bnc_FloatTensor:$coefficients);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$gradient `,` $input `,` $coefficients attr-dict `:` type($gradient) `,` type($input) `,` type($coefficients)";
}

def Bnc_PackedConvOp : Bnc_InKernelOp<"packed_conv"> {
  let summary = "Convolution of an input that already has its zero border with packed weights";
  let description = [{
    weight is (K/kb, KH, KW, C/groups, kb) from `bnc.pack`. The gradient with respect to the input is this too:
    over the dilated, padded gradient, with the flipped weights of `bnc.pack {backward}`. With `unflatten`, the
    K results of the one pixel are the elements of (C, H, W), the result's shape.
  }];
  let arguments = (ins Bnc_FloatTensor:$input, Bnc_FloatTensor:$weight, Optional<Bnc_Channels>:$bias,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations, I64Attr:$groups, UnitAttr:$unflatten);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input `,` $weight (`,` $bias^)? attr-dict `:` functional-type(operands, results)";
}

def Bnc_Col2ImOp : Bnc_InKernelOp<"col2im"> {
  let summary = "Adds every tap of every window to the pixel it was taken from: the transpose of cutting an image into windows";
  let description = [{
    The input's channels are columns: blocks of `block`, one for every `channels` of the result. In block b, column
    (ky * KW + kx) * channels + c of input pixel (y, x) is added to channel b * channels + c of result pixel
    (y * stride + ky * dilation, x * stride + kx * dilation), with `channels` whole vectors, or all there are.
    `kernel`, `strides`, `dilations` = {y, x}. The result starts at the first window's first tap. `pixels` neighbours
    are multiplied before they are added up: a divisor of the input's width.
  }];
  let arguments = (ins Bnc_FloatTensor:$input, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$dilations, I64Attr:$channels, I64Attr:$block, I64Attr:$pixels);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def Bnc_WinogradInputOp : Bnc_InKernelOp<"winograd_input"> {
  let summary = "Tiles of an image with its zero border, transformed for a 3x3 convolution of step 1 (Lavin and Gray 2016)";
  let description = [{
    Of input (N, C, TH * tile + 2, TW * tile + 2), the (tile + 2)^2 values of every tile: the result has the shape
    (N, C, TH, (tile + 2)^2 * TW), plane by plane along the last dimension.
  }];
  let arguments = (ins Bnc_FloatTensor:$input, I64Attr:$tile);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def Bnc_WinogradProductOp : Bnc_InKernelOp<"winograd_product"> {
  let summary = "Sums over the input channels, a matrix product for each plane of transformed tiles";
  let description = [{
    weight is (K/kb, tile + 2, tile + 2, C, kb) from `bnc.pack {winograd}`; the result (N, K, TH, (tile + 2)^2 * TW).
  }];
  let arguments = (ins Bnc_FloatTensor:$input, Bnc_FloatTensor:$weight);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input `,` $weight attr-dict `:` functional-type(operands, results)";
}

def Bnc_WinogradOutputOp : Bnc_InKernelOp<"winograd_output"> {
  let summary = "The image (N, K, TH * tile, TW * tile) from the planes of bnc.winograd_product, plus the bias";
  let arguments = (ins Bnc_FloatTensor:$product, Optional<Bnc_Channels>:$bias, I64Attr:$tile);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$product (`,` $bias^)? attr-dict `:` functional-type(operands, results)";
}

def Bnc_MaxPoolTapOp : Bnc_InKernelOp<"max_pool_tap"> {
  let summary = "ky * KW + kx of the first largest element of every window of max_pool, as a float";
  let arguments = (ins Bnc_FloatTensor:$input, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def Bnc_RouteToTapOp : Bnc_InKernelOp<"route_to_tap"> {
  let summary = "Every window's gradient to the tap that bnc.max_pool_tap found: max_pool_gradient without a search";
  let arguments = (ins Bnc_FloatTensor:$gradient, Bnc_FloatTensor:$tap, DenseI64ArrayAttr:$kernel,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$gradient `,` $tap attr-dict `:` functional-type(operands, results)";
}

def Bnc_PartialMomentsOp : Bnc_InKernelOp<"partial_moments"> {
  let summary = "{shift, sum(x - shift), sum((x - shift)^2)} of the task's elements, shift being its first pixel";
  let arguments = (ins Bnc_FloatTensor:$input);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def Bnc_PartialSumsOp : Bnc_InKernelOp<"partial_sums"> {
  let summary = "{sum(gradient), sum(gradient * (input - center))} of the task's elements; the first alone without `centre`";
  let description = [{`centre` is nothing, or the input and its coefficients.}];
  let arguments = (ins Bnc_FloatTensor:$gradient, Variadic<Bnc_FloatTensor>:$centre);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$gradient (`,` $centre^)? attr-dict `:` functional-type(operands, results)";
}

def Bnc_StageOp : Bnc_InKernelOp<"stage"> {
  let summary = "Computes its operand once per task into scratch, with a zero border and zeros between elements";
  let description = [{
    `pads` = zeros {before y, before x, after y, after x}; `dilations` = distance of neighbours {y, x} (1: none).
  }];
  let arguments = (ins Bnc_FloatTensor:$input, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def Bnc_WeightGradientOp : Bnc_InKernelOp<"weight_gradient"> {
  let summary = "Adds the task's share of a convolution's weight gradient to its chain's slice";
  let description = [{
    result is (chains, K/kb, KH, KW, C/groups, kb). `gradient` may be staged for another use: its element (y, x)
    is found at gradient_pads + (y, x) * gradient_dilations. `input` already has its zero border.
  }];
  let arguments = (ins Bnc_FloatTensor:$gradient, Bnc_FloatTensor:$input, DenseI64ArrayAttr:$output_shape,
                       DenseI64ArrayAttr:$gradient_pads, DenseI64ArrayAttr:$gradient_dilations,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations, I64Attr:$groups);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$gradient `,` $input attr-dict `:` functional-type(operands, results)";
}

//===-- Steps between kernels (each a bnc_rt_* function of model_abi.h) -----------===//

class Bnc_StepOp<string mnemonic> : Bnc_Op<mnemonic, [Pure]>;

def Bnc_PackOp : Bnc_StepOp<"pack"> {
  let summary = "Weights in the layout of a kernel (K/kb, KH, KW, C/groups, kb), or a converted copy";
  let description = [{
    The source is read as weight (K, C/groups, KH, KW) = `shape` with `strides` in elements. With `backward`, the
    roles of K and C are exchanged and the kernel is flipped: the weights of the gradient with respect to the
    input. With `columns`, weights for `bnc.col2im`: block b's column (ky * KW + kx) * `channels` + c holds weight
    (K, b * channels + c, ky, kx) for input K. With `unflatten` = {C, H, W} the K outputs are the elements of a flattened (C, H, W), and come in the
    order (H, W, C) with C padded to `channels`. With `winograd` = tile > 0, the 3x3 weights are transformed for
    bnc.winograd_product, in double. A f64 source (folded weights) is rounded here, once.
    With an empty `shape`, a plain converted copy.
  }];
  let arguments = (ins Bnc_FloatTensor:$source, DenseI64ArrayAttr:$shape, DenseI64ArrayAttr:$strides, UnitAttr:$backward,
                       UnitAttr:$columns, DefaultValuedAttr<I64Attr, "1">:$groups, OptionalAttr<DenseI64ArrayAttr>:$unflatten,
                       DefaultValuedAttr<I64Attr, "0">:$channels, DefaultValuedAttr<I64Attr, "0">:$winograd,
                       OptionalAttr<Bnc_StorageArrayAttr>:$storage);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
}

def Bnc_MergeMomentsOp : Bnc_StepOp<"merge_moments"> {
  let summary = "Mean, biased variance and count of a batch from partial moments (Chan's merge, in double)";
  let arguments = (ins Bnc_FloatTensor:$partials, OptionalAttr<Bnc_StorageArrayAttr>:$storage);
  let results = (outs Bnc_Channels:$mean, Bnc_Channels:$variance, Bnc_FloatTensor:$count);
  let assemblyFormat = "$partials attr-dict `:` functional-type(operands, results)";
}

def Bnc_MergeSumsOp : Bnc_StepOp<"merge_sums"> {
  let summary = "Sums of partial sums over the tasks, in double";
  let arguments = (ins Bnc_FloatTensor:$partials, OptionalAttr<Bnc_StorageArrayAttr>:$storage);
  let results = (outs Bnc_FloatTensor:$sums);
  let assemblyFormat = "$partials attr-dict `:` functional-type(operands, results)";
}

def Bnc_MergeSlicesOp : Bnc_StepOp<"merge_slices"> {
  let summary = "A weight gradient from the slices of the chains";
  let description = [{The gradient, read as (K, C/groups, KH, KW) = `shape`, has `strides` in elements.}];
  let arguments = (ins Bnc_FloatTensor:$slices, DenseI64ArrayAttr:$shape, DenseI64ArrayAttr:$strides,
                       OptionalAttr<Bnc_StorageArrayAttr>:$storage);
  let results = (outs Bnc_FloatTensor:$gradient);
  let assemblyFormat = "$slices attr-dict `:` functional-type(operands, results)";
}

def Bnc_NormalizeCoefficientsOp : Bnc_Op<"normalize_coefficients", [Pure, AttrSizedOperandSegments]> {
  let summary = "The rows {center, slope, intercept} of bnc.apply_normalize";
  let arguments = (ins Optional<Bnc_Channels>:$scale, Optional<Bnc_Channels>:$offset, Bnc_Channels:$mean,
                       Bnc_Channels:$variance, F64Attr:$epsilon, OptionalAttr<Bnc_StorageArrayAttr>:$storage);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = [{
    (`scale` `(` $scale^ `)`)? (`offset` `(` $offset^ `)`)? `mean` `(` $mean `)` `variance` `(` $variance `)`
    attr-dict `:` functional-type(operands, results)
  }];
}

def Bnc_GradientCoefficientsOp : Bnc_Op<"gradient_coefficients", [Pure, AttrSizedOperandSegments]> {
  let summary = "The rows {center, A, B, C} of bnc.apply_normalize_gradient";
  let description = [{Without sums and count (running statistics), B and C are 0.}];
  let arguments = (ins Optional<Bnc_Channels>:$scale, Bnc_Channels:$mean, Bnc_Channels:$variance,
                       Optional<Bnc_FloatTensor>:$sums, Optional<Bnc_FloatTensor>:$count, F64Attr:$epsilon,
                       OptionalAttr<Bnc_StorageArrayAttr>:$storage);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = [{
    (`scale` `(` $scale^ `)`)? `mean` `(` $mean `)` `variance` `(` $variance `)` (`sums` `(` $sums^ `,` $count `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
}

def Bnc_ChannelGradientOp : Bnc_StepOp<"channel_gradient"> {
  let summary = "Row `term` of sums as a gradient, divided by sqrt(variance + epsilon) when a variance is given";
  let arguments = (ins Bnc_FloatTensor:$sums, Optional<Bnc_Channels>:$variance, I64Attr:$term, F64Attr:$epsilon,
                       OptionalAttr<Bnc_StorageArrayAttr>:$storage);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$sums (`,` $variance^)? attr-dict `:` functional-type(operands, results)";
}

def Bnc_MoveAverageOp : Bnc_StepOp<"move_average"> {
  let summary = "update_average on a mean merged in double, one value per element of the average; the result waits for the commit";
  let arguments = (ins Bnc_FloatTensor:$average, Bnc_Channels:$batch_mean, Bnc_FloatTensor:$count, F64Attr:$decay,
                       OptionalAttr<Bnc_StorageArrayAttr>:$storage);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$average `,` $batch_mean `,` $count attr-dict `:` functional-type(operands, results)";
}

def Bnc_MoveRunningOp : Bnc_Op<"move_running", [Pure]> {
  let summary = "update_running on statistics merged in double; the results wait for the commit";
  let arguments = (ins Bnc_Channels:$mean, Bnc_Channels:$variance, Optional<Bnc_FloatTensor>:$steps,
                       Bnc_Channels:$batch_mean, Bnc_Channels:$batch_variance, Bnc_FloatTensor:$count,
                       F64Attr:$decay, Bnc_RunningVarianceAttr:$running_variance, UnitAttr:$cumulative,
                       OptionalAttr<Bnc_StorageArrayAttr>:$storage);
  let results = (outs Bnc_Channels:$new_mean, Bnc_Channels:$new_variance, Optional<Bnc_FloatTensor>:$new_steps);
  let assemblyFormat = [{
    $mean `,` $variance (`steps` `(` $steps^ `)`)? `batch` `(` $batch_mean `,` $batch_variance `,` $count `)`
    attr-dict `:` functional-type(operands, results)
  }];
}

def Bnc_OptimizeOp : Bnc_Op<"optimize"> {
  let summary = "The optimizer's step on many parameters at once";
  let description = [{
    `gradients` are those of `parameters`, in order; parameters and optimizer state move in place. `optimizer` and
    `no_weight_decay` are those of the bnc.optimizer_update that it stands for.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$gradients, FlatSymbolRefArrayAttr:$parameters, StrAttr:$optimizer,
                       UnitAttr:$no_weight_decay, OptionalAttr<StrAttr>:$symbol);
  let assemblyFormat = "$optimizer $parameters `(` $gradients `)` attr-dict `:` type($gradients)";
  let hasVerifier = 1;
}

#endif // BNC_KERNEL_OPS_TD
