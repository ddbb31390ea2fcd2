//===- EntryPoints.cpp - the public functions of a model -------------------------===//

#include "compiler/Codegen/EntryPoints.h"

#include "compiler/Codegen/Codegen.h"

using namespace bnc;

const std::vector<EntryPoint> &bnc::entryPoints() {
  constexpr Parameter M = Parameter::Model, P = Parameter::Pointer, N = Parameter::Integer, R = Parameter::Real, I = Parameter::Inputs, O = Parameter::Outputs,
                      D = Parameter::DefaultInit, E = Parameter::Enumeration, G = Parameter::OutputGradients;
  static const std::vector<EntryPoint> table = {
      {"train_create", "bnc_train_create", Result::Status, {M, P, P, P}, "const char *weights, const bnc_options *options, $M_train **train",
       "A model in training. weights: a .safetensors file, or NULL for embedded ones or before $M_train_init or $M_train_load. options: NULL for defaults.", Needs::Training},
      {"train_destroy", "bnc_train_destroy", Result::None, {P}, "$M_train *train", "Frees it; NULL is allowed.", Needs::Training},
      {"train_error", "bnc_train_error", Result::Text, {P}, "const $M_train *train", "The sentence for the object's last failure.", Needs::Training},
      {"train_init", "bnc_train_init", Result::Status, {P, N, D}, "$M_train *train, uint64_t seed", "Fresh parameters (Xavier uniform), statistics and optimizer state.", Needs::Training},
      {"train_step", "bnc_train_step", Result::Status, {P, I, P, N, R, P}, "$M_train *train, $I, const $L *labels, int64_t batch, double learning_rate, bnc_metrics *metrics",
       "Forward, backward, optimizer and running statistics; all or nothing. learning_rate < 0: the compiled default. metrics may be NULL.", Needs::Loss},
      {"train_accumulate", "bnc_train_accumulate", Result::Status, {P, I, P, N, P}, "$M_train *train, $I, const $L *labels, int64_t batch, bnc_metrics *metrics",
       "A micro-batch: forward and backward; its gradient waits with others for $M_train_update. metrics may be NULL.", Needs::Loss},
      {"train_forward", "bnc_train_forward", Result::Status, {P, I, N, O}, "$M_train *train, $I, int64_t batch, $O",
       "A step with the application's own loss: forward with batch statistics; the inputs have to stay as they are until", Needs::CustomLoss},
      {"train_backward", "bnc_train_backward", Result::Status, {P, G}, "$M_train *train, $G",
       "backward, from the gradients of the loss with respect to the outputs (any number of both, gradients add up), and", Needs::CustomLoss},
      {"train_update", "bnc_train_update", Result::Status, {P, R, P}, "$M_train *train, double learning_rate, bnc_metrics *metrics",
       "The optimizer's step with the gradients that wait. learning_rate < 0: the compiled default. metrics may be NULL.", Needs::Training},
      {"train_discard", "bnc_train_discard", Result::None, {P}, "$M_train *train", "Forgets a forward pass and gradients that wait.", Needs::Training},
      {"eval_step", "bnc_train_eval_step", Result::Status, {P, I, P, N, P}, "$M_train *train, $I, const $L *labels, int64_t batch, bnc_metrics *metrics",
       "Loss and accuracy with running statistics. Nothing is written.", Needs::LossAndInference},
      {"predict", "bnc_train_predict", Result::Status, {P, I, N, O}, "$M_train *train, $I, int64_t batch, $O", "The outputs with running statistics.", Needs::Both},
      {"train_calibrate_begin", "bnc_train_calibrate_begin", Result::Status, {P}, "$M_train *train", "Re-estimates the running statistics: begin,", Needs::Training},
      {"train_calibrate_add", "bnc_train_calibrate_add", Result::Status, {P, I, N}, "$M_train *train, $I, int64_t batch", "add any number of batches,", Needs::Training},
      {"train_calibrate_end", "bnc_train_calibrate_end", Result::Status, {P}, "$M_train *train", "and end, which alone changes them.", Needs::Training},
      {"train_set_hyper", "bnc_train_set_hyper", Result::Status, {P, P, R}, "$M_train *train, const char *name, double value", "A number of the optimizer by name: lr, momentum, ...", Needs::Training},
      {"train_get_hyper", "bnc_train_get_hyper", Result::Status, {P, P, P}, "const $M_train *train, const char *name, double *value", "", Needs::Training},
      {"train_steps", "bnc_train_steps", Result::Integer, {P}, "const $M_train *train", "Optimizer steps taken.", Needs::Training},
      {"train_save", "bnc_train_save", Result::Status, {P, P}, "const $M_train *train, const char *path", "Variables and optimizer state; `path` holds the old or the new file, complete.", Needs::Training},
      {"train_load", "bnc_train_load", Result::Status, {P, P}, "$M_train *train, const char *path", "", Needs::Training},
      {"train_load_variables", "bnc_train_load_variables", Result::Status, {P, P}, "$M_train *train, const char *path", "Without the optimizer's state, which begins anew.", Needs::Training},
      {"train_save_memory", "bnc_train_save_memory", Result::Status, {P, P, P}, "const $M_train *train, void *buffer, size_t *bytes", "The same to memory; NULL buffer: only the size.", Needs::Training},
      {"train_load_memory", "bnc_train_load_memory", Result::Status, {P, P, N}, "$M_train *train, const void *data, size_t bytes", "", Needs::Training},
      {"train_get_variable", "bnc_train_get_variable", Result::Status, {P, P, P, N}, "const $M_train *train, const char *name, float *value, size_t count", "A variable by its name in the model file.", Needs::Training},
      {"train_set_variable", "bnc_train_set_variable", Result::Status, {P, P, P, N}, "$M_train *train, const char *name, const float *value, size_t count", "", Needs::Training},
      {"variables", "bnc_variables", Result::Integer, {M, E, N, P}, "bnc_variable_set set, int64_t index, bnc_variable_info *variable",
       "Returns how many variables a set has; *variable becomes number `index` of them in the file's order, past the end without a name.", Needs::Training},
      {"infer_create", "bnc_infer_create", Result::Status, {M, P, P, P}, "const char *weights, const bnc_options *options, $M_infer **infer",
       "The folded inference graph. weights: a .safetensors file, or NULL for embedded ones or before $M_fold or $M_infer_load.", Needs::Inference},
      {"infer_destroy", "bnc_infer_destroy", Result::None, {P}, "$M_infer *infer", "Frees it; NULL is allowed.", Needs::Inference},
      {"infer_error", "bnc_infer_error", Result::Text, {P}, "const $M_infer *infer", "The sentence for the object's last failure.", Needs::Inference},
      {"infer_load", "bnc_infer_load", Result::Status, {P, P}, "$M_infer *infer, const char *path", "", Needs::Inference},
      {"infer_load_memory", "bnc_infer_load_memory", Result::Status, {P, P, N}, "$M_infer *infer, const void *data, size_t bytes", "", Needs::Inference},
      {"infer_run", "bnc_infer_run", Result::Status, {P, I, N, O}, "$M_infer *infer, $I, int64_t batch, $O", "The model's outputs.", Needs::Inference},
      {"fold", "bnc_fold", Result::Status, {P, P}, "const $M_train *train, $M_infer *infer", "Carries the trained variables into the inference graph.", Needs::Both},
  };
  return table;
}

bool bnc::isPresent(const EntryPoint &entry, GraphOp training, GraphOp inference) {
  bool custom = training && outputGradientsOf(training);
  switch (entry.needs) {
  case Needs::Training:
    return training;
  case Needs::Inference:
    return inference;
  case Needs::Both:
    return training && inference;
  case Needs::Loss:
    return training && !custom;
  case Needs::LossAndInference:
    return training && inference && !custom;
  case Needs::CustomLoss:
    return custom;
  }
  llvm_unreachable("every need has a case");
}
