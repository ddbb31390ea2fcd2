//===- EntryPoints.cpp - the public functions of a model -------------------------===//

#include "compiler/Codegen/EntryPoints.h"

using namespace bnc;

const std::vector<EntryPoint> &bnc::entryPoints() {
  constexpr Parameter M = Parameter::Model, P = Parameter::Pointer, N = Parameter::Integer, R = Parameter::Real, I = Parameter::Inputs, O = Parameter::Outputs,
                      D = Parameter::DefaultInit;
  static const std::vector<EntryPoint> table = {
      {"train_create", "bnc_train_create", Result::Status, {M, P, P, P}, "const char *weights, const bnc_options *options, $M_train **train",
       "A model in training. weights: a .safetensors file, or NULL for embedded ones or before $M_train_init or $M_train_load. options: NULL for defaults.", true, false},
      {"train_destroy", "bnc_train_destroy", Result::None, {P}, "$M_train *train", "Frees it; NULL is allowed.", true, false},
      {"train_error", "bnc_train_error", Result::Text, {P}, "const $M_train *train", "The sentence for the object's last failure.", true, false},
      {"train_init", "bnc_train_init", Result::Status, {P, N, D}, "$M_train *train, uint64_t seed", "Fresh parameters (Xavier uniform), statistics and optimizer state.", true, false},
      {"train_step", "bnc_train_step", Result::Status, {P, I, P, N, R, P}, "$M_train *train, $I, const $L *labels, int64_t batch, double learning_rate, bnc_metrics *metrics",
       "Forward, backward, optimizer and running statistics; all or nothing. learning_rate < 0: the compiled default. metrics may be NULL.", true, false},
      {"eval_step", "bnc_train_eval_step", Result::Status, {P, I, P, N, P}, "$M_train *train, $I, const $L *labels, int64_t batch, bnc_metrics *metrics",
       "Loss and accuracy with running statistics. Nothing is written.", true, true},
      {"predict", "bnc_train_predict", Result::Status, {P, I, N, O}, "$M_train *train, $I, int64_t batch, $O", "The outputs with running statistics.", true, true},
      {"train_calibrate_begin", "bnc_train_calibrate_begin", Result::Status, {P}, "$M_train *train", "Re-estimates the running statistics: begin,", true, false},
      {"train_calibrate_add", "bnc_train_calibrate_add", Result::Status, {P, I, N}, "$M_train *train, $I, int64_t batch", "add any number of batches,", true, false},
      {"train_calibrate_end", "bnc_train_calibrate_end", Result::Status, {P}, "$M_train *train", "and end, which alone changes them.", true, false},
      {"train_set_hyper", "bnc_train_set_hyper", Result::Status, {P, P, R}, "$M_train *train, const char *name, double value", "A number of the optimizer by name: lr, momentum, ...", true, false},
      {"train_get_hyper", "bnc_train_get_hyper", Result::Status, {P, P, P}, "const $M_train *train, const char *name, double *value", "", true, false},
      {"train_steps", "bnc_train_steps", Result::Integer, {P}, "const $M_train *train", "Optimizer steps taken.", true, false},
      {"train_save", "bnc_train_save", Result::Status, {P, P}, "const $M_train *train, const char *path", "Variables and optimizer state; `path` holds the old or the new file, complete.", true, false},
      {"train_load", "bnc_train_load", Result::Status, {P, P}, "$M_train *train, const char *path", "", true, false},
      {"train_save_memory", "bnc_train_save_memory", Result::Status, {P, P, P}, "const $M_train *train, void *buffer, size_t *bytes", "The same to memory; NULL buffer: only the size.", true, false},
      {"train_load_memory", "bnc_train_load_memory", Result::Status, {P, P, N}, "$M_train *train, const void *data, size_t bytes", "", true, false},
      {"train_get_variable", "bnc_train_get_variable", Result::Status, {P, P, P, N}, "const $M_train *train, const char *name, float *value, size_t count", "A variable by its name in the model file.", true, false},
      {"train_set_variable", "bnc_train_set_variable", Result::Status, {P, P, P, N}, "$M_train *train, const char *name, const float *value, size_t count", "", true, false},
      {"train_variable_count", "bnc_train_variable_count", Result::Integer, {P}, "const $M_train *train", "", true, false},
      {"train_variable_name", "bnc_train_variable_name", Result::Text, {P, N}, "const $M_train *train, int64_t index", "", true, false},
      {"infer_create", "bnc_infer_create", Result::Status, {M, P, P, P}, "const char *weights, const bnc_options *options, $M_infer **infer",
       "The folded inference graph. weights: a .safetensors file, or NULL for embedded ones or before $M_fold or $M_infer_load.", false, false},
      {"infer_destroy", "bnc_infer_destroy", Result::None, {P}, "$M_infer *infer", "Frees it; NULL is allowed.", false, false},
      {"infer_error", "bnc_infer_error", Result::Text, {P}, "const $M_infer *infer", "The sentence for the object's last failure.", false, false},
      {"infer_load", "bnc_infer_load", Result::Status, {P, P}, "$M_infer *infer, const char *path", "", false, false},
      {"infer_load_memory", "bnc_infer_load_memory", Result::Status, {P, P, N}, "$M_infer *infer, const void *data, size_t bytes", "", false, false},
      {"infer_run", "bnc_infer_run", Result::Status, {P, I, N, O}, "$M_infer *infer, $I, int64_t batch, $O", "The model's outputs.", false, false},
      {"fold", "bnc_fold", Result::Status, {P, P}, "const $M_train *train, $M_infer *infer", "Carries the trained variables into the inference graph.", true, true},
  };
  return table;
}
