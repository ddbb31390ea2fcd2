//===- Passes.td - every pass on the bnc dialect -----------------------------===//
//
// Groups under banners, alphabetical inside a group. A pass, its file, its flag and its test share a name:
// FoldBatchNormPass, FoldBatchNorm.cpp, bnc-fold-batch-norm, fold-batch-norm.mlir.
//
//===----------------------------------------------------------------------===//

#ifndef BNC_TRANSFORMS_PASSES_TD
#define BNC_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"
include "compiler/Transforms/KernelPasses.td"

// Every pass sees the module: graphs and the variables they are over change together.
class Bnc_Pass<string argument> : Pass<argument, "::mlir::ModuleOp"> {
  let dependentDialects = ["::bnc::BncDialect"];
}

//===-- Both phases ---------------------------------------------------------------===//

def ConvertInputsPass : Bnc_Pass<"bnc-convert-inputs"> {
  let summary = "Take inputs in the layout and type that an application has";
  let description = [{
    Of training and inference graphs. `layouts` and `types` hold texts such as `nhwc` or `image=nhwc`: one for every
    input that it can be of, or for the one named; a later one wins. With `nhwc` the channels come last; with `u8` the
    elements are bytes, which count from 0 to 1 (x / 255). Then `mean` is subtracted and the result divided by `std`
    (one number, or one per channel). The ops for it stand at the start of the graph; an input whose channels come last
    gets the attribute `bnc.layout`. Labels and outputs stay as they are.
  }];
  let options = [
    ListOption<"layouts", "layouts", "std::string", "nchw or nhwc, perhaps after INPUT=">,
    ListOption<"types", "types", "std::string", "f32 or u8, perhaps after INPUT=">,
    ListOption<"mean", "mean", "double", "Subtracted from every element, per channel">,
    ListOption<"deviation", "std", "double", "What every element is divided by then, per channel">];
}

def SimplifyPass : Bnc_Pass<"bnc-simplify"> {
  let summary = "Small rewrites that are always good, and no dead ops";
  let description = [{
    Composes transposes and reshapes, drops what does nothing (a reshape to the same shape, padding by nothing,
    a slice of everything, a concat of one tensor, a pool of windows of one element, dropout with ratio 0, a cast to
    the same type), joins an earlier concat of the same first tensors instead of those, moves reshapes and transposes of splat constants into the constant, and erases ops whose results
    nobody needs.
    No value changes by a bit.
  }];
}

def SpecializePass : Bnc_Pass<"bnc-specialize"> {
  let summary = "Start a training or inference graph from the model graph";
  let description = [{
    Replaces `bnc.graph model @net` by `bnc.graph training @net_train` or `bnc.graph inference @net_infer` with the
    same body, and sets the module's `bnc.phase`. The passes after it make the body fit the kind.
  }];
  let options = [
    Option<"phase", "phase", "::bnc::GraphKind", /*default=*/"::bnc::GraphKind::Training",
           "What the graph is made into", [{::llvm::cl::values(
             clEnumValN(::bnc::GraphKind::Training, "training", "a training step"),
             clEnumValN(::bnc::GraphKind::Inference, "inference", "inference"))}]>];
}

//===-- Inference -------------------------------------------------------------------===//

def FoldBatchNormPass : Bnc_Pass<"bnc-fold-batch-norm"> {
  let summary = "Fold batch normalization into the weights around it";
  let description = [{
    In inference `bnc.batch_norm` is a * x + c per channel, with a = scale / sqrt(variance + epsilon) and
    c = offset - mean * a. Each is placed where weights absorb it: in the producers of x (backward) or, failing
    that, in the users of the result (forward), through every op that a per-channel affine commutes with. Legality
    is decided from the structure of the graph alone (which dimension holds the channels, who else uses a value,
    groups, padding), never from values: no division by a scale, so that trained values can be folded again at run
    time. What no rule lets in becomes a `bnc.affine` with the rule in `bnc.rule`. A remark says where each went;
    bnc-report-carried does for those that stay.

    | absorbs a and c                         | when                                                             |
    |-----------------------------------------|------------------------------------------------------------------|
    | backward `conv`, `conv_transpose`       | channels are dimension 1                                         |
    | backward `dense`                        | channels are the last dimension                                  |
    | forward `conv`                          | channels are dimension 1; with padding, c becomes a bias per     |
    |                                         | place near the border (`bnc.add_border_bias`)                    |
    | forward `dense`                         | channels lie in the last dimension (a flattened image: repeated) |
    | another `batch_norm`                    | same dimension                                                   |

    | lets them pass                          | when                                                             |
    |-----------------------------------------|------------------------------------------------------------------|
    | `reshape`, `transpose`                  | the channels stay one digit of the element order                 |
    | `avg_pool`                              | padding does not count; a without c: always                      |
    | `reduce_mean`                           | not over the channels                                            |
    | backward `slice`                        | of neighbouring channels, which no other slice takes             |
    | forward `slice`                         | a and c are sliced too                                           |
    | backward `concat`                       | along the channels a and c are split, else copied                |
    | forward `concat`                        | along the channels; the others get a = 1, c = 0                  |
    | backward `add`                          | of equal shapes: a into both sides, c into one; of a bias:       |
    |                                         | a and c into the bias, a into the other side                     |

    Backward every value on the way has one use, or slices without a channel in common; forward every use of the result
    must absorb or pass.

    The coefficients are computed in f64 from variables and rounded once, where they enter a weight, bias or affine:
    ops `bnc.fold_*`, `bnc.slice`, `bnc.concat`, `bnc.reshape`, `bnc.constant` and one `bnc.cast`. These come first in the graph and
    depend on no input.

    ```mlir
    // Before
    %y = bnc.conv %x, %w {...}
    %z = bnc.batch_norm %y scale(%g) offset(%b) mean(%m) variance(%v) {...}
    // After
    %slope, %intercept = bnc.fold_coefficients scale(%g) offset(%b) mean(%m) variance(%v) {epsilon = 1.0e-5}
    %w64 = bnc.fold_scale %w, %slope {axis = 0 : i64}
    %w1 = bnc.cast %w64
    %b1 = bnc.cast %intercept
    %z = bnc.conv %x, %w1, %b1 {...}
    ```
  }];
  let options = [
    Option<"mode", "mode", "::bnc::FoldMode", /*default=*/"::bnc::FoldMode::On", "What to fold",
           [{::llvm::cl::values(
             clEnumValN(::bnc::FoldMode::On, "on", "fold where it is exact, keep the rest as bnc.affine"),
             clEnumValN(::bnc::FoldMode::Off, "off", "keep every batch_norm as bnc.affine"),
             clEnumValN(::bnc::FoldMode::Strict, "strict", "fail if a batch_norm has no running statistics to fold; see bnc-report-carried"))}]>];
  let statistics = [
    Statistic<"numFolded", "num-folded", "Number of batch_norm ops folded into weights">,
    Statistic<"numCarried", "num-carried", "Number of batch_norm ops left as bnc.affine">];
}

def RemoveDropoutPass : Bnc_Pass<"bnc-remove-dropout"> {
  let summary = "Remove dropout from inference graphs, where it is the identity";
}

def ReportCarriedPass : Bnc_Pass<"bnc-report-carried"> {
  let summary = "Say which kernel carries each bnc.affine that did not fold";
  let description = [{
    Forms kernels from a copy of the graph (bnc-lower-normalization, bnc-form-kernels) and finds each affine there: on the
    load or the store of an anchor, or with other arithmetic that needs a kernel anyway, it is free. One that would be a
    kernel of its own is not; with `strict` it is an error. Emits one remark for each `bnc.rule`, and removes it.
  }];
  let options = [Option<"strict", "strict", "bool", /*default=*/"false", "Fail if an affine needs a kernel of its own">];
}

def VerifyInferencePass : Bnc_Pass<"bnc-verify-inference"> {
  let summary = "Check the contract of phase `inference`";
  let description = [{
    One inference graph, no model graph; no batch normalization, dropout, assignment or op of the training step
    left; folding arithmetic (f64) depends on variables only. Reports everything at once, grouped by op.
  }];
}

//===-- Training --------------------------------------------------------------------===//

def AddLossPass : Bnc_Pass<"bnc-add-loss"> {
  let summary = "Give the training graph its labels and its loss";
  let description = [{
    Appends the argument `labels` and makes the loss of every sample and its correctness flag the graph's results.
    Under softmax_cross_entropy the graph's output is (N, classes), reshaped from (N, classes, 1, ...) if need be; a
    softmax or log_softmax it ends in is stripped, with a remark, because the loss holds it; so is a sigmoid under
    bce_with_logits.
  }];
  let options = [
    Option<"kind", "kind", "::bnc::LossKind", /*default=*/"::bnc::LossKind::SoftmaxCrossEntropy",
           "The loss to minimize", [{::llvm::cl::values(
             clEnumValN(::bnc::LossKind::SoftmaxCrossEntropy, "softmax_cross_entropy", "labels are class ids"),
             clEnumValN(::bnc::LossKind::Mse, "mse", "mean squared error"),
             clEnumValN(::bnc::LossKind::BceWithLogits, "bce_with_logits", "binary cross entropy of logits"))}]>,
    Option<"labelSmoothing", "label-smoothing", "double", /*default=*/"0", "Share of every label spread over the classes">,
    Option<"probabilities", "probabilities", "bool", /*default=*/"false",
           "Labels of softmax_cross_entropy are a probability for each class, not a class id">];
}

def AddOptimizerPass : Bnc_Pass<"bnc-add-optimizer"> {
  let summary = "Turn the gradients of the training graph into parameter updates";
  let description = [{
    Consumes the results that bnc-differentiate left (attribute `bnc.gradient`): per parameter one update op, its
    state as variables `bnc.optimizer/<slot>/<parameter>` of collection `optimizer`, and an assignment each.
  }];
  let options = [
    Option<"optimizer", "optimizer", "std::string", /*default=*/"\"sgd\"", "As ir/Optimizers.h spells it: adam, sgd:momentum">,
    Option<"exempt", "no-weight-decay", "std::string", /*default=*/"", "Regular expression: parameters without weight decay">];
}

def AddOutputGradientsPass : Bnc_Pass<"bnc-add-output-gradients"> {
  let summary = "Let the application give the gradients of the outputs, in the place of a loss";
  let description = [{
    Appends an argument of the type of each output, with the attribute `bnc.output_gradient`, and keeps the outputs as
    results. Every output has to be a float tensor with the batch as its first dimension.
  }];
}

def DifferentiatePass : Bnc_Pass<"bnc-differentiate"> {
  let summary = "Append the gradient of the mean loss with respect to every trainable parameter";
  let description = [{
    Of the bnc.loss, or (bnc-add-output-gradients) from the gradients of the outputs that the application gives.
    Reverse mode, one rule per op (DifferentiableOpInterface). Several reads of a parameter become one, so that it has
    one gradient. The gradients become further results of the training graph, each with the result attribute
    `bnc.gradient = @parameter`. A parameter without a path to the loss gets none, and a remark.
  }];
}

def ExpandBatchNormPass : Bnc_Pass<"bnc-expand-batch-norm"> {
  let summary = "Spell out what batch normalization does in a phase";
  let description = [{
    Training: `bnc.batch_stats`, `bnc.normalize` with them, `bnc.update_running`, and one `bnc.assign` per running
    variable. Ops on the same variables (a module called twice) update one after the other, in source order. A frozen
    batch_norm normalizes with its running variables and updates nothing. Where each channel would have a single value
    the statistics do not exist: an error if that is known; if it depends on the batch, the graph gets
    `bnc.minimum_batch = 2` and the node's name as `bnc.minimum_batch_node`.
    Inference: what bnc-fold-batch-norm left, or everything if it did not run: `bnc.normalize` with the running
    variables, or with `bnc.batch_stats` where there are none.
  }];
  let options = [
    Option<"phase", "phase", "::bnc::GraphKind", /*default=*/"::bnc::GraphKind::Training", "Which phase to expand for",
           [{::llvm::cl::values(
             clEnumValN(::bnc::GraphKind::Training, "training", "statistics of the batch"),
             clEnumValN(::bnc::GraphKind::Inference, "inference", "running statistics"))}]>];
}

def ExpandDropoutPass : Bnc_Pass<"bnc-expand-dropout"> {
  let summary = "Spell out dropout in training: random keys for every sample, and their application";
  let description = [{
    Layers are counted in the order of the graph. The keys depend on the seed, the number of forward passes so far, the
    layer and the sample, so that the choice is the same for any number of threads and is taken again in backward.
  }];
}

def ExpandRunningAveragePass : Bnc_Pass<"bnc-expand-running-average"> {
  let summary = "Spell out what a running average does in a phase";
  let description = [{
    Training: `bnc.update_average` and one `bnc.assign` of what it gives; a second op on the same variable continues from
    the first. Inference: the variable as it is.
  }];
  let options = [
    Option<"phase", "phase", "::bnc::GraphKind", /*default=*/"::bnc::GraphKind::Training", "Which phase to expand for",
           [{::llvm::cl::values(
             clEnumValN(::bnc::GraphKind::Training, "training", "moves the average"),
             clEnumValN(::bnc::GraphKind::Inference, "inference", "reads it"))}]>];
}

def FreezePass : Bnc_Pass<"bnc-freeze"> {
  let summary = "Mark the batch normalizations that a regular expression names as `frozen`";
  let description = [{
    The expression (POSIX extended) is searched in the node's name and in the names of the op's variables. One that
    finds no batch_norm is an error.
  }];
  let options = [Option<"regex", "regex", "std::string", /*default=*/"", "Which batch normalizations">];
}

def SetBatchNormPass : Bnc_Pass<"bnc-set-batch-norm"> {
  let summary = "Give every batch normalization another decay, epsilon or estimate of the running variance";
  let description = [{
    What a file says is kept where an option is not given. With `cumulative` the running statistics become plain averages
    of all steps (PyTorch's momentum=None): each batch_norm gets a variable that counts them, named as the running mean
    with the last part of the name replaced by `num_batches_tracked`. Without a batch_norm the pass fails.
  }];
  let options = [
    Option<"decay", "decay", "double", /*default=*/"-1", "Fraction of the old running value that is kept; negative: as it is">,
    Option<"epsilon", "epsilon", "double", /*default=*/"-1", "What is added to the variance; negative: as it is">,
    Option<"cumulative", "cumulative", "bool", /*default=*/"false", "Plain average of all steps">,
    Option<"runningVariance", "running-variance", "std::string", /*default=*/"\"\"",
           "Which variance of a batch moves the running variance: population, sample, or nothing: as it is">];
}

def SetTrainablePass : Bnc_Pass<"bnc-set-trainable"> {
  let summary = "Let training move the parameters that a regular expression names, and no others";
  let description = [{
    The expression (POSIX extended) is searched in the names of the variables in `params`. One that finds none is an
    error.
  }];
  let options = [Option<"regex", "regex", "std::string", /*default=*/"", "Which parameters">];
}

def VerifyTrainingPass : Bnc_Pass<"bnc-verify-training"> {
  let summary = "Check the contract of phase `training`";
  let description = [{
    One training graph, no model graph; it ends in `bnc.return` of losses and correctness flags and its last argument is
    `labels`, or it returns outputs and its last arguments are their gradients; no batch_norm, dropout or folding arithmetic left; only trainable parameters, running statistics and
    optimizer state are assigned. Reports everything at once, grouped by op.
  }];
}

def ZeroGradientsPass : Bnc_Pass<"bnc-zero-gradients"> {
  let summary = "Replace gradients that are exactly zero by zeros";
  let description = [{
    The gradient that leaves a normalization with the batch's own statistics sums to zero in every channel: those
    statistics take any constant away. So the gradient of a conv or dense bias before it is zero; computed, it is
    rounding noise. Seen through reshape and transpose that keep the channels, and through avg_pool's gradient.
  }];
}

#endif // BNC_TRANSFORMS_PASSES_TD
