//===- BncTrainingOps.td - what phases `training` and `inference` add -----===//
//
// Gradients, loss, optimizer, running statistics, and the arithmetic of folding.
//
//===----------------------------------------------------------------------===//

#ifndef BNC_TRAINING_OPS_TD
#define BNC_TRAINING_OPS_TD

include "ir/BncBase.td"

// No rule for differentiation: these come after it.
class Bnc_DerivedOp<string mnemonic, list<Trait> traits = []>
    : Bnc_Op<mnemonic, !listconcat([Pure, InferTypeOpAdaptor], traits)>;

//===-- Batch normalization in training -----------------------------------------===//

def Bnc_BatchStatsOp : Bnc_DerivedOp<"batch_stats"> {
  let summary = "Mean, biased variance and number of elements of each channel over the batch";
  let description = [{Not differentiated through on its own: the rule of `bnc.normalize` covers the pair.}];
  let arguments = (ins Bnc_FloatTensor:$input, DefaultValuedAttr<I64Attr, "1">:$feature_index);
  let results = (outs Bnc_Channels:$mean, Bnc_Channels:$variance, Bnc_Count:$count);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def Bnc_NormalizeOp : Bnc_NetworkOp<"normalize", [AttrSizedOperandSegments, DeclareOpInterfaceMethods<Bnc_ElementwiseOpInterface>]> {
  let summary = "scale * (input - mean) / sqrt(variance + epsilon) + offset, per channel";
  let arguments = (ins Bnc_FloatTensor:$input, Optional<Bnc_Channels>:$scale, Optional<Bnc_Channels>:$offset,
                       Bnc_Channels:$mean, Bnc_Channels:$variance,
                       DefaultValuedAttr<I64Attr, "1">:$feature_index, F64Attr:$epsilon);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = [{
    $input (`scale` `(` $scale^ `:` type($scale) `)`)? (`offset` `(` $offset^ `:` type($offset) `)`)?
    `mean` `(` $mean `:` type($mean) `)` `variance` `(` $variance `:` type($variance) `)` attr-dict `:` type($input)
  }];
  let extraClassDeclaration = [{
    /// The bnc.batch_stats of the same input that mean and variance come from; null with running statistics.
    ::bnc::BatchStatsOp getBatchStats();
  }];
}

def Bnc_GradientSumsOp : Bnc_DerivedOp<"gradient_sums"> {
  let summary = "sum of gradient, and sum of gradient * (input - mean), of each channel over the batch";
  let description = [{The two reductions of batch normalization's backward, the second one centred.}];
  let arguments = (ins Bnc_FloatTensor:$gradient, Bnc_FloatTensor:$input, Bnc_Channels:$mean,
                       DefaultValuedAttr<I64Attr, "1">:$feature_index);
  let results = (outs Bnc_Channels:$sum, Bnc_Channels:$centred);
  let assemblyFormat = "$gradient `,` $input `,` $mean attr-dict `:` functional-type(operands, results)";
}

def Bnc_NormalizeGradientOp : Bnc_DerivedOp<"normalize_gradient", [AttrSizedOperandSegments, DeclareOpInterfaceMethods<Bnc_ElementwiseOpInterface>]> {
  let summary = "Gradient of normalize with respect to its input";
  let description = [{
    With `inv` = 1/sqrt(variance + epsilon): scale * inv * gradient when mean and variance are running
    statistics (no `sum`, `centred`, `count`); else, statistics of the batch being functions of the input too,
    scale * inv * (gradient - sum/count - (input - mean) * inv^2 * centred/count).
  }];
  let arguments = (ins Bnc_FloatTensor:$gradient, Bnc_FloatTensor:$input, Optional<Bnc_Channels>:$scale,
                       Bnc_Channels:$mean, Bnc_Channels:$variance, Optional<Bnc_Channels>:$sum,
                       Optional<Bnc_Channels>:$centred, Optional<Bnc_Count>:$count,
                       DefaultValuedAttr<I64Attr, "1">:$feature_index, F64Attr:$epsilon);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = [{
    $gradient `,` $input (`scale` `(` $scale^ `)`)? `mean` `(` $mean `)` `variance` `(` $variance `)`
    (`sums` `(` $sum^ `,` $centred `,` $count `)`)? attr-dict `:` functional-type(operands, results)
  }];
}

def Bnc_ScaleGradientOp : Bnc_DerivedOp<"scale_gradient"> {
  let summary = "centred / sqrt(variance + epsilon): the gradient of normalize's scale";
  let arguments = (ins Bnc_Channels:$centred, Bnc_Channels:$variance, F64Attr:$epsilon);
  let results = (outs Bnc_Channels:$result);
  let assemblyFormat = "$centred `,` $variance attr-dict `:` functional-type(operands, results)";
}

def Bnc_UpdateRunningOp : Bnc_DerivedOp<"update_running"> {
  let summary = "Running statistics after the step";
  let description = [{
    decay * old + (1 - decay) * batch; the batch variance times count/(count - 1) when `running_variance` is
    `sample`. With `cumulative`, decay is steps/(steps + 1) and steps + 1 is returned too.
  }];
  let arguments = (ins Bnc_Channels:$mean, Bnc_Channels:$variance, Optional<Bnc_FloatTensor>:$steps,
                       Bnc_Channels:$batch_mean, Bnc_Channels:$batch_variance, Bnc_Count:$count,
                       F64Attr:$decay, Bnc_RunningVarianceAttr:$running_variance, UnitAttr:$cumulative);
  let results = (outs Bnc_Channels:$new_mean, Bnc_Channels:$new_variance, Optional<Bnc_FloatTensor>:$new_steps);
  let assemblyFormat = [{
    $mean `,` $variance (`steps` `(` $steps^ `)`)? `batch` `(` $batch_mean `,` $batch_variance `,` $count `)`
    attr-dict `:` functional-type(operands, results)
  }];
}

def Bnc_UpdateAverageOp : Bnc_NetworkOp<"update_average"> {
  let summary = "decay * average + (1 - decay) * mean of input over the batch: a bnc.running_average after the step";
  let arguments = (ins Bnc_FloatTensor:$input, Bnc_FloatTensor:$average, F64Attr:$decay);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input `,` $average attr-dict `:` functional-type(operands, results)";
}

//===-- Gradients of the network's ops --------------------------------------------===//

def Bnc_AvgPoolGradientOp : Bnc_DerivedOp<"avg_pool_gradient"> {
  let summary = "Gradient of avg_pool with respect to its input";
  let description = [{`input_shape` is the input's spatial shape, which strides leave open.}];
  let arguments = (ins Bnc_FloatTensor:$gradient, DenseI64ArrayAttr:$input_shape, DenseI64ArrayAttr:$kernel,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations,
                       UnitAttr:$count_include_pad);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$gradient attr-dict `:` functional-type(operands, results)";
}

def Bnc_ConvInputGradientOp : Bnc_DerivedOp<"conv_input_gradient"> {
  let summary = "Gradient of conv with respect to its input";
  let description = [{`input_shape` is the input's spatial shape, which strides leave open.}];
  let arguments = (ins Bnc_FloatTensor:$gradient, Bnc_FloatTensor:$weight, DenseI64ArrayAttr:$input_shape,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations,
                       DefaultValuedAttr<I64Attr, "1">:$groups);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$gradient `,` $weight attr-dict `:` functional-type(operands, results)";
}

def Bnc_ConvWeightGradientOp : Bnc_DerivedOp<"conv_weight_gradient"> {
  let summary = "Gradient of conv with respect to its weight";
  let arguments = (ins Bnc_FloatTensor:$gradient, Bnc_FloatTensor:$input, DenseI64ArrayAttr:$kernel,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations,
                       DefaultValuedAttr<I64Attr, "1">:$groups);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$gradient `,` $input attr-dict `:` functional-type(operands, results)";
}

def Bnc_DenseWeightGradientOp : Bnc_DerivedOp<"dense_weight_gradient"> {
  let summary = "Gradient of dense with respect to its weight: (O, I), or (I, O) with `transposed`";
  let arguments = (ins Bnc_FloatTensor:$gradient, Bnc_FloatTensor:$input, UnitAttr:$transposed);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$gradient `,` $input attr-dict `:` functional-type(operands, results)";
}

def Bnc_ActivationGradientOp : Bnc_DerivedOp<"activation_gradient", [DeclareOpInterfaceMethods<Bnc_ElementwiseOpInterface>]> {
  let summary = "gradient * f'(input) for the activation f named by `activation`";
  let description = [{
    `activation` is the mnemonic of an activation op ("relu", "sigmoid", ...), `parameters` its attributes.
  }];
  let arguments = (ins Bnc_FloatTensor:$gradient, Bnc_FloatTensor:$input, StrAttr:$activation, DictionaryAttr:$parameters);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$activation `,` $gradient `,` $input $parameters attr-dict `:` functional-type(operands, results)";
}

def Bnc_UpdateAverageGradientOp : Bnc_DerivedOp<"update_average_gradient"> {
  let summary = "(1 - decay) / batch * gradient for every sample: the gradient of update_average with respect to its input";
  let description = [{`input` gives the shape.}];
  let arguments = (ins Bnc_FloatTensor:$gradient, Bnc_FloatTensor:$input, F64Attr:$decay);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$gradient `,` $input attr-dict `:` functional-type(operands, results)";
}

def Bnc_BroadcastOp : Bnc_DerivedOp<"broadcast"> {
  let summary = "Repeats `input` along `axes` to the shape of `like`: the gradient of reduce_sum";
  let description = [{`axes` index `like`; the input lacks them (no kept dimensions) or has size 1 there.}];
  let arguments = (ins Bnc_FloatTensor:$input, Bnc_FloatTensor:$like, DenseI64ArrayAttr:$axes);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input `,` $like attr-dict `:` functional-type(operands, results)";
}

def Bnc_MaxPoolGradientOp : Bnc_DerivedOp<"max_pool_gradient"> {
  let summary = "Gradient of max_pool: to the first largest element of each window, found again from `input`";
  let arguments = (ins Bnc_FloatTensor:$gradient, Bnc_FloatTensor:$input, DenseI64ArrayAttr:$kernel,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$gradient `,` $input attr-dict `:` functional-type(operands, results)";
}

//===-- Dropout --------------------------------------------------------------------===//

def Bnc_DropoutKeysOp : Bnc_Op<"dropout_keys", [Pure]> {
  let summary = "A random number for every sample, another one in every step and for every layer";
  let description = [{A function of (seed, forward passes so far, `layer`, sample) alone: SplitMix64, the upper half.}];
  let arguments = (ins I64Attr:$layer);
  let results = (outs TensorRankOf<[I32], [1]>:$keys);
  let assemblyFormat = "attr-dict `:` type($keys)";
}

def Bnc_ApplyDropoutOp : Bnc_NetworkOp<"apply_dropout", [DeclareOpInterfaceMethods<Bnc_ElementwiseOpInterface>]> {
  let summary = "Zeroes elements with probability `ratio`, scales the rest by 1/(1 - ratio)";
  let description = [{
    Element i of a sample (row-major) with key k is zeroed where the first word of Philox2x32-10 (Salmon et al. 2011) of
    counter (i, k) and key 0 is less than ratio * 2^32. The gradient takes the same choice again.
  }];
  let arguments = (ins Bnc_FloatTensor:$input, TensorRankOf<[I32], [1]>:$keys, F64Attr:$ratio);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input `,` $keys attr-dict `:` functional-type(operands, results)";
}

//===-- Loss -----------------------------------------------------------------------===//

def Bnc_LossOp : Bnc_DerivedOp<"loss"> {
  let summary = "Loss of every sample, and 1 where its largest output is the label's (0 without classes)";
  let description = [{
    softmax_cross_entropy: labels are i32 class ids, or a probability p of each class (a class id is p = 1 there); with
    e = label_smoothing and C classes, q = (1 - e) * p + e/C; loss = sum of q * (log(sum exp(output)) - output). The
    label's class is the one with the largest p, the first of equal ones.
    mse: mean over the sample's outputs of (output - label)^2.
    bce_with_logits: mean over the outputs of max(x, 0) - x * label + log(1 + exp(-|x|)).
  }];
  let arguments = (ins Bnc_LossKindAttr:$kind, Bnc_FloatTensor:$output, Bnc_Tensor:$labels,
                       DefaultValuedAttr<F64Attr, "0.0">:$label_smoothing);
  let results = (outs Bnc_FloatTensor:$losses, Bnc_FloatTensor:$correct);
  let assemblyFormat = "$kind $output `,` $labels attr-dict `:` functional-type(operands, results)";
}

def Bnc_LossGradientOp : Bnc_DerivedOp<"loss_gradient"> {
  let summary = "Gradient of the loss's mean over the batch with respect to the output";
  let arguments = (ins Bnc_LossKindAttr:$kind, Bnc_FloatTensor:$output, Bnc_Tensor:$labels,
                       DefaultValuedAttr<F64Attr, "0.0">:$label_smoothing);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$kind $output `,` $labels attr-dict `:` functional-type(operands, results)";
}

//===-- Optimizers: the algorithm is compiled in, its numbers are given at run time -===//

def Bnc_OptimizerUpdateOp : Bnc_DerivedOp<"optimizer_update"> {
  let summary = "One step of an optimizer on one parameter";
  let description = [{
    `optimizer` names it as ir/Optimizers.h spells it: "adam", "sgd:momentum,nesterov", "rmsprop:flavor=keras,centered".
    `slots` are its state, in the order of that table; formulas are in ir/OptimizerFormulas.h. With `no_weight_decay` the
    parameter is left out of the weight decay.
  }];
  let arguments = (ins StrAttr:$optimizer, Bnc_FloatTensor:$value, Bnc_FloatTensor:$gradient, Variadic<Bnc_FloatTensor>:$slots,
                       UnitAttr:$no_weight_decay);
  let results = (outs Bnc_FloatTensor:$new_value, Variadic<Bnc_FloatTensor>:$new_slots);
  let assemblyFormat = [{
    $optimizer $value `,` $gradient (`slots` `(` $slots^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
}

//===-- Folding: arithmetic on variables, in double, rounded once by bnc.cast -------===//

def Bnc_FoldCoefficientsOp : Bnc_DerivedOp<"fold_coefficients", [AttrSizedOperandSegments]> {
  let summary = "slope = scale / sqrt(variance + epsilon), intercept = offset - mean * slope, in double";
  let arguments = (ins Optional<Bnc_Channels>:$scale, Optional<Bnc_Channels>:$offset, Bnc_Channels:$mean,
                       Bnc_Channels:$variance, F64Attr:$epsilon);
  let results = (outs Bnc_Channels:$slope, Bnc_Channels:$intercept);
  let assemblyFormat = [{
    (`scale` `(` $scale^ `)`)? (`offset` `(` $offset^ `)`)? `mean` `(` $mean `)` `variance` `(` $variance `)`
    attr-dict `:` functional-type(operands, results)
  }];
}

def Bnc_FoldScaleOp : Bnc_DerivedOp<"fold_scale"> {
  let summary = "value * factor along `axis`, in double";
  let description = [{
    With `groups` G, dimension 0 is G equal parts with factors of their own: an element at index i0 of dimension 0
    and i of `axis` takes factor[i0 / (size0 / G) * size(axis) + i]. So scales the weight of a grouped convolution
    along its inputs, and of a grouped transposed convolution along its outputs.
  }];
  let arguments = (ins Bnc_FloatTensor:$value, Bnc_Channels:$factor, I64Attr:$axis,
                       DefaultValuedAttr<I64Attr, "1">:$groups);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$value `,` $factor attr-dict `:` functional-type(operands, results)";
}

def Bnc_FoldAddOp : Bnc_DerivedOp<"fold_add"> {
  let summary = "value + addend, in double; an absent value counts as 0";
  let arguments = (ins Bnc_Channels:$addend, Optional<Bnc_Channels>:$value);
  let results = (outs Bnc_Channels:$result);
  let assemblyFormat = "$addend (`to` $value^)? attr-dict `:` functional-type(operands, results)";
}

def Bnc_FoldShiftOp : Bnc_DerivedOp<"fold_shift"> {
  let summary = "What adding shift[i] to input channel i adds to each output: sum over i and kernel of weight[o][i][k] * shift[i]";
  let description = [{
    weight (O, I, kernel...), or (I, O) with `transposed`; in double, summed in index order. With `groups` G the
    weight is (O, I/G, kernel...), shift still has I values, and output o sees part o / (O/G) of them.
  }];
  let arguments = (ins Bnc_FloatTensor:$weight, Bnc_Channels:$shift, UnitAttr:$transposed,
                       DefaultValuedAttr<I64Attr, "1">:$groups);
  let results = (outs Bnc_Channels:$result);
  let assemblyFormat = "$weight `,` $shift attr-dict `:` functional-type(operands, results)";
}

def Bnc_FoldBorderShiftOp : Bnc_DerivedOp<"fold_border_shift"> {
  let summary = "bnc.fold_shift for a convolution that pads with zeros, where the shift is missing: at each place";
  let description = [{
    weight (O, I/G, kernel...), shift (I), `image` the sizes of the convolution's input; the rest is the convolution's.
    The result is (O, places...): see `bnc.add_border_bias`. In double; the terms of one tap are summed first.
  }];
  let arguments = (ins Bnc_FloatTensor:$weight, Bnc_Channels:$shift, DenseI64ArrayAttr:$image,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations,
                       DefaultValuedAttr<I64Attr, "1">:$groups);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$weight `,` $shift attr-dict `:` functional-type(operands, results)";
}

//===-- What folding adds to a graph ------------------------------------------------===//

def Bnc_AddBorderBiasOp : Bnc_DerivedOp<"add_border_bias", [DeclareOpInterfaceMethods<Bnc_ElementwiseOpInterface>]> {
  let summary = "Adds a bias per channel and place to the result of a convolution that pads with zeros";
  let description = [{
    Near the border part of a window lies on padding, where a shift of the input is missing. Along each spatial dimension
    the first `low` and the last `high` positions of the result are places of their own; those between are one place, if
    there are any. input (N, K, spatial...), bias (K, places...); in a kernel the bias is packed as a weight with a tap for
    each place: (K/kb, places of y, places of x, 1, kb).
  }];
  let arguments = (ins Bnc_FloatTensor:$input, Bnc_FloatTensor:$bias, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input `,` $bias attr-dict `:` functional-type(operands, results)";
}

#endif // BNC_TRAINING_OPS_TD
