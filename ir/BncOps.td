//===- BncOps.td - graphs, variables, and the ops of a network ------------===//
//
// The ops of phase `import`; every later phase keeps most of them. Groups under banners, alphabetical
// inside a group. What training and the kernels add is in BncTrainingOps.td and BncKernelOps.td.
//
//===----------------------------------------------------------------------===//

#ifndef BNC_OPS_TD
#define BNC_OPS_TD

include "ir/BncBase.td"
include "ir/BncInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"

class Bnc_Op<string mnemonic, list<Trait> traits = []> : Op<Bnc_Dialect, mnemonic, traits>;

// An op of the network: no side effects, result types follow from operands and attributes (checked against
// the printed ones; an unknown dimension fits any).
class Bnc_NetworkOp<string mnemonic, list<Trait> traits = []>
    : Bnc_Op<mnemonic, !listconcat([Pure, InferTypeOpAdaptor,
                                    DeclareOpInterfaceMethods<Bnc_DifferentiableOpInterface>], traits)>;

//===-- Graphs and variables ------------------------------------------------===//

def Bnc_AssignOp : Bnc_Op<"assign", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Gives a variable the value it has after the step";
  let description = [{
    Takes effect when the whole graph has succeeded: `bnc.read` in the same graph still sees the old value.
    At most one `bnc.assign` per variable and graph.

    ```mlir
    bnc.assign @bn1.running_mean, %mean : tensor<6xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$variable, Bnc_Tensor:$value);
  let assemblyFormat = "$variable `,` $value attr-dict `:` type($value)";
}

def Bnc_ConstantOp : Bnc_Op<"constant", [Pure, ConstantLike, AllTypesMatch<["value", "result"]>]> {
  let summary = "A tensor known at compile time";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Bnc_Tensor:$result);
  let assemblyFormat = "$value attr-dict";
  let hasFolder = 1;
}

def Bnc_GraphOp : Bnc_Op<"graph", [FunctionOpInterface, IsolatedFromAbove]> {
  let summary = "A computation over variables and inputs";
  let description = [{
    `kind` says which: `model` is the network as the file has it, neither training nor inference;
    `training` and `inference` are made from it. Argument and result attribute `bnc.name` is the tensor's
    name in the model file. A training graph's last argument holds the labels; its results are the loss and
    a correctness flag of every sample.

    ```mlir
    bnc.graph model @net(%x: tensor<?x1x28x28xf32> {bnc.name = "x"}) -> (tensor<?x10xf32> {bnc.name = "y"}) {
      ...
      bnc.return %y : tensor<?x10xf32>
    }
    ```
  }];
  let arguments = (ins Bnc_GraphKindAttr:$kind, SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<DictArrayAttr>:$arg_attrs, OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::bnc::GraphKind":$kind, "::llvm::StringRef":$name, "::mlir::FunctionType":$type)>];
  let extraClassDeclaration = [{
    //===-- FunctionOpInterface --------------------------------------------===//
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    /// Name of an argument in the model file.
    ::llvm::StringRef getInputName(unsigned index);
    /// Name of a result in the model file.
    ::llvm::StringRef getOutputName(unsigned index);
  }];
  let hasVerifier = 1;
}

def Bnc_ReadOp : Bnc_Op<"read", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The value of a variable before the step";
  let arguments = (ins FlatSymbolRefAttr:$variable);
  let results = (outs Bnc_Tensor:$result);
  let assemblyFormat = "$variable attr-dict `:` type($result)";
}

def Bnc_ReturnOp : Bnc_Op<"return", [Pure, Terminator, HasParent<"GraphOp">]> {
  let summary = "The results of a graph";
  let arguments = (ins Variadic<Bnc_Tensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let hasVerifier = 1;
}

def Bnc_VariableOp : Bnc_Op<"variable", [Symbol]> {
  let summary = "A named tensor that outlives a call";
  let description = [{
    `params` are what the optimizer may move (all but those with `trainable = false`), `batch_stats` are the
    running statistics, `optimizer` is the optimizer's own state. The name is the one in the source file, so
    that weights files of the source framework fit. Values are in the module's weights file
    (attribute `bnc.weights`), never in the text.

    ```mlir
    bnc.variable params @conv1.weight : tensor<6x1x5x5xf32>
    ```
  }];
  let arguments = (ins Bnc_CollectionAttr:$collection, SymbolNameAttr:$sym_name,
                       TypeAttrOf<Bnc_Tensor>:$type, DefaultValuedAttr<BoolAttr, "true">:$trainable);
  let assemblyFormat = "$collection $sym_name `:` $type attr-dict";
  let hasVerifier = 1;
}

//===-- Activations: one row each in the tables of evaluator and kernels -----===//

class Bnc_UnaryOp<string mnemonic, string formula, dag attributes = (ins)>
    : Bnc_NetworkOp<mnemonic, [DeclareOpInterfaceMethods<Bnc_ElementwiseOpInterface>]> {
  let summary = formula;
  let arguments = !con((ins Bnc_FloatTensor:$input), attributes);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *, std::optional<::mlir::Location>, Adaptor adaptor,
        ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      types.push_back(adaptor.getInput().getType());
      return ::mlir::success();
    }
  }];
}

def Bnc_AbsOp         : Bnc_UnaryOp<"abs", "|x|">;
def Bnc_ClipOp        : Bnc_UnaryOp<"clip", "min(max(x, min), max)", (ins F64Attr:$min, F64Attr:$max)>;
def Bnc_EluOp         : Bnc_UnaryOp<"elu", "x for x > 0, else alpha * (exp(x) - 1)", (ins F64Attr:$alpha)>;
def Bnc_ErfOp         : Bnc_UnaryOp<"erf", "2/sqrt(pi) * integral of exp(-t^2) from 0 to x">;
def Bnc_ExpOp         : Bnc_UnaryOp<"exp", "e^x">;
def Bnc_HardSigmoidOp : Bnc_UnaryOp<"hard_sigmoid", "min(max(alpha * x + beta, 0), 1)", (ins F64Attr:$alpha, F64Attr:$beta)>;
def Bnc_HardSwishOp   : Bnc_UnaryOp<"hard_swish", "x * min(max(x/6 + 1/2, 0), 1)">;
def Bnc_LeakyReluOp   : Bnc_UnaryOp<"leaky_relu", "x for x > 0, else alpha * x", (ins F64Attr:$alpha)>;
def Bnc_LogOp         : Bnc_UnaryOp<"log", "natural logarithm">;
def Bnc_NegOp         : Bnc_UnaryOp<"neg", "-x">;
def Bnc_ReluOp        : Bnc_UnaryOp<"relu", "max(x, 0); the gradient at 0 is 0">;
def Bnc_SigmoidOp     : Bnc_UnaryOp<"sigmoid", "1 / (1 + exp(-x))">;
def Bnc_SoftplusOp    : Bnc_UnaryOp<"softplus", "log(1 + exp(x))">;
def Bnc_SqrtOp        : Bnc_UnaryOp<"sqrt", "square root">;
def Bnc_TanhOp        : Bnc_UnaryOp<"tanh", "hyperbolic tangent">;

//===-- Arithmetic -----------------------------------------------------------===//

class Bnc_BinaryOp<string mnemonic, string formula>
    : Bnc_NetworkOp<mnemonic, [DeclareOpInterfaceMethods<Bnc_ElementwiseOpInterface>]> {
  let summary = formula;
  let description = [{Operands broadcast in the NumPy sense: shapes aligned at the last dimension, 1 fits any.}];
  let arguments = (ins Bnc_Tensor:$lhs, Bnc_Tensor:$rhs);
  let results = (outs Bnc_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *, std::optional<::mlir::Location> loc, Adaptor adaptor,
        ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::bnc::inferBroadcast(loc, getOperationName(), adaptor.getLhs(), adaptor.getRhs(), types);
    }
  }];
}

def Bnc_AddOp : Bnc_BinaryOp<"add", "lhs + rhs">;
def Bnc_DivOp : Bnc_BinaryOp<"div", "lhs / rhs">;
def Bnc_MaxOp : Bnc_BinaryOp<"max", "the larger; on a tie the gradient goes to lhs">;
def Bnc_MinOp : Bnc_BinaryOp<"min", "the smaller; on a tie the gradient goes to lhs">;
def Bnc_MulOp : Bnc_BinaryOp<"mul", "lhs * rhs">;
def Bnc_SubOp : Bnc_BinaryOp<"sub", "lhs - rhs">;

//===-- Convolution and dense --------------------------------------------------===//

def Bnc_ConvOp : Bnc_NetworkOp<"conv"> {
  let summary = "Convolution (cross-correlation) of 1, 2 or 3 spatial dimensions";
  let description = [{
    input (N, C, spatial...), weight (K, C/groups, kernel...), bias (K); `pads` holds the zeros before each
    spatial dimension, then those after each (ONNX Conv).

    ```mlir
    %y = bnc.conv %x, %w, %b {strides = [1, 1], pads = [0, 0, 0, 0]} : (tensor<?x1x28x28xf32>,
        tensor<6x1x5x5xf32>, tensor<6xf32>) -> tensor<?x6x24x24xf32>
    ```
  }];
  let arguments = (ins Bnc_FloatTensor:$input, Bnc_FloatTensor:$weight, Optional<Bnc_Channels>:$bias,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations,
                       DefaultValuedAttr<I64Attr, "1">:$groups);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input `,` $weight (`,` $bias^)? attr-dict `:` functional-type(operands, results)";
}

def Bnc_ConvTransposeOp : Bnc_NetworkOp<"conv_transpose"> {
  let summary = "Transposed convolution (the gradient of a convolution with respect to its input)";
  let description = [{
    input (N, C, spatial...), weight (C, K/groups, kernel...), bias (K). Output size is
    (size - 1) * stride - pads + (kernel - 1) * dilation + 1 + output_padding (ONNX ConvTranspose).
  }];
  let arguments = (ins Bnc_FloatTensor:$input, Bnc_FloatTensor:$weight, Optional<Bnc_Channels>:$bias,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$output_padding, DefaultValuedAttr<I64Attr, "1">:$groups);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input `,` $weight (`,` $bias^)? attr-dict `:` functional-type(operands, results)";
}

def Bnc_DenseOp : Bnc_NetworkOp<"dense"> {
  let summary = "Fully connected layer over the last dimension";
  let description = [{
    input (..., I), bias (O), result (..., O). weight is (O, I); with `transposed` it is (I, O), as a MatMul
    has it: variables keep the orientation of their source.
  }];
  let arguments = (ins Bnc_FloatTensor:$input, Bnc_FloatTensor:$weight, Optional<Bnc_Channels>:$bias,
                       UnitAttr:$transposed);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input `,` $weight (`,` $bias^)? attr-dict `:` functional-type(operands, results)";
}

//===-- Normalization ---------------------------------------------------------===//

def Bnc_AffineOp : Bnc_NetworkOp<"affine", [DeclareOpInterfaceMethods<Bnc_ElementwiseOpInterface>]> {
  let summary = "input * slope + intercept, per channel";
  let description = [{What is left of a batch normalization in inference that could not be folded into weights.}];
  let arguments = (ins Bnc_FloatTensor:$input, Bnc_Channels:$slope, Bnc_Channels:$intercept,
                       DefaultValuedAttr<I64Attr, "1">:$feature_index);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input `,` $slope `,` $intercept attr-dict `:` functional-type(operands, results)";
}

def Bnc_BatchNormOp : Bnc_NetworkOp<"batch_norm", [AttrSizedOperandSegments]> {
  let summary = "Batch normalization, neither training nor inference yet";
  let description = [{
    Ioffe and Szegedy 2015, with the whole contract that decides what training and inference do:

    * inference: scale * (input - mean) / sqrt(variance + epsilon) + offset with the running mean and variance;
    * training: the same with mean and biased variance of the batch, per index of dimension `feature_index`;
      then running = decay * running + (1 - decay) * batch. `running_variance` says whether the batch's
      variance enters as sum of squares / m (`population`: ONNX, Keras, Flax) or / (m - 1) (`sample`: PyTorch).
    * `cumulative`: decay is count/(count + 1), the running value is the plain average of all steps; `count`
      is the variable that counts them.
    * `frozen`: running statistics in training too; gradients still flow to scale, offset and input.
    * `statistics_group`: which replicas share statistics. Only "replica" (each its own) exists so far.

    scale and offset may be absent. decay = 1 is not `frozen`: the batch still normalizes itself. Without mean and
    variance (PyTorch's track_running_stats=False) inference normalizes with the statistics of its batch, too.

    ```mlir
    %y = bnc.batch_norm %x scale(%g : tensor<6xf32>) offset(%b : tensor<6xf32>) mean(%m : tensor<6xf32>)
        variance(%v : tensor<6xf32>) {epsilon = 1.0e-5, decay = 0.9, running_variance = #bnc<running_variance sample>}
        : tensor<?x6x24x24xf32>
    ```

    Constraints:
    * (C1) 0 <= feature_index < rank(input).
    * (C2) size of scale, offset, mean, variance = dim(input, feature_index).
    * (C3) epsilon is finite and >= 0.
    * (C4) 0 <= decay <= 1.
    * (C5) mean and variance are read from variables in `batch_stats` (checked by phase `training`).
    * (C6) `cumulative` needs `count`; `frozen` excludes `cumulative`.
    * (C7) mean and variance are both there or both absent; `frozen` and `cumulative` need them.
  }];
  let arguments = (ins Bnc_FloatTensor:$input, Optional<Bnc_Channels>:$scale, Optional<Bnc_Channels>:$offset,
                       Optional<Bnc_Channels>:$mean, Optional<Bnc_Channels>:$variance, Optional<Bnc_FloatTensor>:$count,
                       DefaultValuedAttr<I64Attr, "1">:$feature_index, F64Attr:$epsilon, F64Attr:$decay,
                       Bnc_RunningVarianceAttr:$running_variance, UnitAttr:$cumulative, UnitAttr:$frozen,
                       DefaultValuedAttr<StrAttr, "\"replica\"">:$statistics_group);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = [{
    $input (`scale` `(` $scale^ `:` type($scale) `)`)? (`offset` `(` $offset^ `:` type($offset) `)`)?
    (`mean` `(` $mean^ `:` type($mean) `)`)? (`variance` `(` $variance^ `:` type($variance) `)`)?
    (`count` `(` $count^ `:` type($count) `)`)? attr-dict `:` type($input)
  }];
  let hasVerifier = 1;
}

def Bnc_RunningAverageOp : Bnc_NetworkOp<"running_average"> {
  let summary = "The running average of a tensor, neither training nor inference yet";
  let description = [{
    Inference gives `average` as it is. Training first moves it, once per step:
    decay * average + (1 - decay) * mean of `input` over the batch, and gives that; gradients flow through the mean.
    `average` is read from a variable in `batch_stats`, with the shape of one sample of `input`. Flax's bias adder
    that keeps the mean of its input:

    ```mlir
    %m = bnc.read @mean : tensor<3xf32>
    %a = bnc.running_average %x average(%m) {decay = 0.99} : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<3xf32>
    %d = bnc.sub %x, %a : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
    ```
  }];
  let arguments = (ins Bnc_FloatTensor:$input, Bnc_FloatTensor:$average, F64Attr:$decay);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input `average` `(` $average `)` attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Bnc_DropoutOp : Bnc_NetworkOp<"dropout"> {
  let summary = "Zeroes each element with probability `ratio` in training and scales the rest by 1/(1-ratio)";
  let description = [{The identity in inference.}];
  let arguments = (ins Bnc_FloatTensor:$input, F64Attr:$ratio);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
}

//===-- Pooling and reductions ---------------------------------------------------===//

class Bnc_PoolOp<string mnemonic, dag attributes = (ins)> : Bnc_NetworkOp<mnemonic> {
  let arguments = !con((ins Bnc_FloatTensor:$input, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
                            DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations), attributes);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def Bnc_AvgPoolOp : Bnc_PoolOp<"avg_pool", (ins UnitAttr:$count_include_pad)> {
  let summary = "Mean over windows; padding counts only with `count_include_pad`";
}
def Bnc_MaxPoolOp : Bnc_PoolOp<"max_pool"> {
  let summary = "Maximum over windows; padding never wins; on a tie the first index takes the gradient";
}

class Bnc_ReduceOp<string mnemonic> : Bnc_NetworkOp<mnemonic> {
  let arguments = (ins Bnc_FloatTensor:$input, DenseI64ArrayAttr:$axes, UnitAttr:$keep_dims);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *, std::optional<::mlir::Location> loc, Adaptor adaptor,
        ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::bnc::inferReduction(loc, getOperationName(), adaptor.getInput(), adaptor.getAxes(), adaptor.getKeepDims(), types);
    }
  }];
}
def Bnc_ReduceMaxOp  : Bnc_ReduceOp<"reduce_max">  { let summary = "Maximum over `axes`"; }
def Bnc_ReduceMeanOp : Bnc_ReduceOp<"reduce_mean"> { let summary = "Mean over `axes`"; }
def Bnc_ReduceSumOp  : Bnc_ReduceOp<"reduce_sum">  { let summary = "Sum over `axes`"; }

class Bnc_SoftmaxLikeOp<string mnemonic> : Bnc_NetworkOp<mnemonic> {
  let arguments = (ins Bnc_FloatTensor:$input, I64Attr:$axis);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
}
def Bnc_LogSoftmaxOp : Bnc_SoftmaxLikeOp<"log_softmax"> { let summary = "log(softmax(x)) along `axis`"; }
def Bnc_SoftmaxOp    : Bnc_SoftmaxLikeOp<"softmax">     { let summary = "exp(x) / sum exp(x) along `axis`"; }

//===-- Shape ---------------------------------------------------------------------===//

def Bnc_CastOp : Bnc_Op<"cast", [Pure]> {
  let summary = "Converts the element type; to a narrower float it rounds to nearest";
  let arguments = (ins Bnc_Tensor:$input);
  let results = (outs Bnc_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `to` type($result)";
  let hasVerifier = 1;
}

def Bnc_ConcatOp : Bnc_NetworkOp<"concat"> {
  let summary = "Joins tensors along `axis`";
  let arguments = (ins Variadic<Bnc_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs Bnc_Tensor:$result);
  let assemblyFormat = "$inputs attr-dict `:` functional-type(operands, results)";
}

def Bnc_PadOp : Bnc_NetworkOp<"pad"> {
  let summary = "Adds `low` elements of `value` before and `high` after, per dimension";
  let arguments = (ins Bnc_FloatTensor:$input, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high, F64Attr:$value);
  let results = (outs Bnc_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def Bnc_ReshapeOp : Bnc_NetworkOp<"reshape"> {
  let summary = "The same elements in row-major order under another shape";
  let description = [{`shape` has -1 for the batch. A reshape never moves elements from one sample to another.}];
  let arguments = (ins Bnc_Tensor:$input, DenseI64ArrayAttr:$shape);
  let results = (outs Bnc_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def Bnc_SliceOp : Bnc_NetworkOp<"slice"> {
  let summary = "Elements start, start + step, ... (size of them) of every dimension";
  let description = [{Steps are positive. In the batch dimension start is 0, size -1 and step 1.}];
  let arguments = (ins Bnc_Tensor:$input, DenseI64ArrayAttr:$starts, DenseI64ArrayAttr:$sizes, DenseI64ArrayAttr:$steps);
  let results = (outs Bnc_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def Bnc_TransposeOp : Bnc_NetworkOp<"transpose"> {
  let summary = "Dimension i of the result is dimension permutation[i] of the input";
  let arguments = (ins Bnc_Tensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs Bnc_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

include "ir/BncTrainingOps.td"
include "ir/BncKernelOps.td"

#endif // BNC_OPS_TD
