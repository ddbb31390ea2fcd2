/* runtime.h: train and run models compiled by bnc.
 *
 * A model's own header (NAME.h) declares NAME_* functions with the model's argument lists; each calls
 * the function of the same name below. Generic code drives any model through its descriptor.
 *
 * Conventions
 * 1. Functions that can fail return bnc_status. A failed call leaves its object as it was.
 * 2. bnc_error_text() gives the sentence for the last failure on this thread; bnc_train_error() and
 *    bnc_infer_error() that of an object. The text stays valid until the next call that fails.
 * 3. `_create` makes an object, `_destroy` frees it (NULL is allowed). Results come through the last
 *    argument. Pointers returned by accessors are borrowed from the object.
 * 4. Tensors are dense, naturally aligned, in the model file's layout (NCHW for ONNX), float unless
 *    said otherwise; NAME.h shows what --input-layout and --input-type made of the inputs. `batch` is the number of samples in a call: 1 <= batch <= max_batch.
 * 5. Calls on one object must not overlap; different objects are independent. There is no global state.
 * 6. No memory is allocated after `_create` (save and load of files excepted).
 * 7. Results are the same bits for any number of threads.
 */
#ifndef BNC_RUNTIME_H
#define BNC_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum bnc_status {
  BNC_OK = 0,
  BNC_INVALID_ARGUMENT, /* a size, label or name that does not fit the model                      */
  BNC_NOT_FINITE,       /* NaN or infinity in the loss or the gradients; nothing was updated      */
  BNC_OUT_OF_MEMORY,
  BNC_IO_ERROR,         /* a file cannot be read or written; an existing file is left intact      */
  BNC_BAD_FILE,         /* not a weights file, or not for this model                              */
  BNC_INCOMPATIBLE,     /* model and runtime, or model and processor, do not fit                  */
  BNC_NOT_READY,        /* weights were never loaded, initialized or folded                       */
  BNC_UNSUPPORTED       /* the model was compiled without this part                               */
} bnc_status;

struct bnc_model_descriptor;
typedef struct bnc_train bnc_train; /* a model in training: variables, optimizer, both graphs       */
typedef struct bnc_infer bnc_infer; /* the folded inference graph                                  */

/* Runs body(data, i) for every i in [0, count), in any order, on any threads, and returns when all are
 * done. At most bnc_options.threads calls may be in flight at once. */
typedef void (*bnc_parallel_for)(void *context, int64_t count, void (*body)(void *data, int64_t index), void *data);

typedef struct bnc_allocator {
  void *context;
  void *(*allocate)(void *context, size_t bytes, size_t alignment); /* NULL result: out of memory   */
  void (*release)(void *context, void *memory, size_t bytes);
} bnc_allocator;

typedef struct bnc_options {
  size_t struct_size;   /* sizeof(bnc_options): bnc_options_init sets it                           */
  int threads;          /* 0: what the affinity mask and the cgroup quota allow                   */
  int64_t max_batch;    /* 0: the compiled batch, or 256 where the batch is dynamic                */
  uint64_t seed;        /* of dropout; with the steps so far it decides all                         */
  bnc_allocator allocator;          /* allocate == NULL: aligned_alloc and free                    */
  bnc_parallel_for parallel_for;    /* NULL: a pool of `threads` owned by the object               */
  void *parallel_for_context;
} bnc_options;
void bnc_options_init(bnc_options *options);

/* The sentence for the last failure on this thread, "" before any. */
const char *bnc_error_text(void);
/* A short name, for example "invalid argument". */
const char *bnc_status_name(bnc_status status);
/* For example "0.1.0". */
const char *bnc_version(void);

/* ---- Training ------------------------------------------------------------------------------------ */

typedef struct bnc_metrics {
  double loss;          /* mean over the samples of this call                                      */
  double accuracy;      /* share of samples whose largest logit is the label's; NaN without classes */
  double gradient_norm; /* Euclidean, all trainable parameters; NaN in eval_step                    */
  int64_t correct;
} bnc_metrics;

typedef enum bnc_init { BNC_INIT_XAVIER_UNIFORM, BNC_INIT_XAVIER_NORMAL, BNC_INIT_KAIMING_UNIFORM, BNC_INIT_KAIMING_NORMAL } bnc_init;

/* `weights` is a .safetensors file with every variable of the model, and perhaps optimizer state; NULL:
 * the values that --embed-weights put into the library, else to be filled by _init, _load or _set. Unknown
 * tensors of the file are kept and written back by _save. */
bnc_status bnc_train_create(const struct bnc_model_descriptor *model, const char *weights, const bnc_options *options, bnc_train **train);
void bnc_train_destroy(bnc_train *train);
const char *bnc_train_error(const bnc_train *train);

/* Fresh parameters (weights by `method`, biases and offsets 0, scales 1), statistics (mean 0, variance 1)
 * and optimizer state. The same seed gives the same bits everywhere. */
bnc_status bnc_train_init(bnc_train *train, uint64_t seed, bnc_init method);

/* One step: forward with batch statistics, backward, optimizer, running statistics. All or nothing.
 * inputs: one pointer per model input. labels: int32 class ids; float targets for mse and bce; a float for every
 * class where the model was compiled with labels=probabilities. learning_rate < 0: the compiled default. metrics
 * may be NULL; gradient_norm is that before clipping. */
bnc_status bnc_train_step(bnc_train *train, const void *const *inputs, const void *labels, int64_t batch, double learning_rate, bnc_metrics *metrics);

/* The same in parts, where the samples of a step do not fit one call: any number of bnc_train_accumulate, then
 * bnc_train_update. The step is that of the mean loss over all their samples; each micro-batch is normalized by its
 * own statistics and moves the running ones once. A call that fails leaves everything as it was. Gradients that wait
 * are not saved; bnc_train_discard forgets them. metrics of bnc_train_accumulate are the micro-batch's. */
bnc_status bnc_train_accumulate(bnc_train *train, const void *const *inputs, const void *labels, int64_t batch, bnc_metrics *metrics);

/* A step with a loss of the application's own, for models compiled with --loss=custom:
 *
 *   bnc_train_forward    writes the outputs, computed with batch statistics;
 *   bnc_train_backward   takes the gradient of the loss with respect to each output, of the output's shape (with the
 *                        1/batch of a mean included), and moves the running statistics;
 *   bnc_train_update     is the optimizer's step; loss and accuracy of its metrics are NaN.
 *
 * The inputs have to stay as they are until bnc_train_backward returns. Forward and backward may be repeated before
 * the update: gradients add up as they are. Forward after forward replaces the first. Out of this order a call fails
 * with BNC_NOT_READY and changes nothing: backward without a forward pass (also if variables changed or the model ran
 * since), update without gradients or with a forward pass that waits for its gradients. A backward pass whose
 * gradients are not finite changes nothing but needs its forward pass again. bnc_train_discard forgets what waits. */
bnc_status bnc_train_forward(bnc_train *train, const void *const *inputs, int64_t batch, void *const *outputs);
bnc_status bnc_train_backward(bnc_train *train, const void *const *output_gradients);
bnc_status bnc_train_update(bnc_train *train, double learning_rate, bnc_metrics *metrics);
void bnc_train_discard(bnc_train *train);

/* Loss and accuracy with running statistics, through the inference graph. Nothing is written. */
bnc_status bnc_train_eval_step(bnc_train *train, const void *const *inputs, const void *labels, int64_t batch, bnc_metrics *metrics);
/* The model's outputs with running statistics. */
bnc_status bnc_train_predict(bnc_train *train, const void *const *inputs, int64_t batch, void *const *outputs);

/* Re-estimates the running statistics over any number of calls: begin, add batches, end. The mean and
 * variance become those of all values seen (pooled exactly), each layer fed by batch statistics of the
 * layers before it. Nothing changes before end. */
bnc_status bnc_train_calibrate_begin(bnc_train *train);
bnc_status bnc_train_calibrate_add(bnc_train *train, const void *const *inputs, int64_t batch);
bnc_status bnc_train_calibrate_end(bnc_train *train);

/* Numbers of the optimizer by name ("momentum", "beta1", ..., "lr"; "clip-norm": the largest norm of all gradients
 * together, 0: any). */
bnc_status bnc_train_set_hyper(bnc_train *train, const char *name, double value);
bnc_status bnc_train_get_hyper(const bnc_train *train, const char *name, double *value);
/* Optimizer steps taken, kept in the weights file. */
int64_t bnc_train_steps(const bnc_train *train);

/* Variables, optimizer state, counters and unknown extras. Written beside the file and renamed over it:
 * whatever happens, `path` holds the old or the new contents, complete. */
bnc_status bnc_train_save(const bnc_train *train, const char *path);
bnc_status bnc_train_load(bnc_train *train, const char *path);
/* The variables alone: training begins anew from them, with any optimizer. (bnc_train_load goes on bit for bit where
 * the file was saved, and refuses the state of another optimizer or of other parameters.) */
bnc_status bnc_train_load_variables(bnc_train *train, const char *path);
/* The same to memory. *bytes is the size needed; with buffer NULL or *bytes too small nothing is written
 * and the size is set (BNC_INVALID_ARGUMENT in the second case). */
bnc_status bnc_train_save_memory(const bnc_train *train, void *buffer, size_t *bytes);
bnc_status bnc_train_load_memory(bnc_train *train, const void *data, size_t bytes);

/* Copies the value of a variable out or in; `count` is its number of elements. */
bnc_status bnc_train_get_variable(const bnc_train *train, const char *name, float *value, size_t count);
bnc_status bnc_train_set_variable(bnc_train *train, const char *name, const float *value, size_t count);

/* What a model has of variables, as frameworks list them. */
typedef enum bnc_variable_set {
  BNC_VARIABLES,
  BNC_TRAINABLE_VARIABLES,     /* the optimizer updates them                                       */
  BNC_NON_TRAINABLE_VARIABLES, /* running statistics, and parameters that --trainable left out     */
  BNC_PARAMS,
  BNC_BATCH_STATS
} bnc_variable_set;
typedef struct bnc_variable_info {
  const char *name;       /* in the model file                                                     */
  const char *collection; /* "params" or "batch_stats"                                             */
  int trainable;
  int64_t rank;
  const int64_t *shape;
  int64_t count;          /* elements                                                              */
} bnc_variable_info;
/* Returns how many variables the set has. *variable (NULL: not asked for) becomes number `index` of them in the file's
 * order; past the end its name is NULL. */
int64_t bnc_variables(const struct bnc_model_descriptor *model, bnc_variable_set set, int64_t index,
                      bnc_variable_info *variable);

/* ---- Inference ----------------------------------------------------------------------------------- */

/* NULL weights: those that --embed-weights put into the library, which are used where they lie; else to be
 * filled by bnc_fold or bnc_infer_load. */
bnc_status bnc_infer_create(const struct bnc_model_descriptor *model, const char *weights, const bnc_options *options, bnc_infer **infer);
void bnc_infer_destroy(bnc_infer *infer);
const char *bnc_infer_error(const bnc_infer *infer);
bnc_status bnc_infer_load(bnc_infer *infer, const char *path);
bnc_status bnc_infer_load_memory(bnc_infer *infer, const void *data, size_t bytes);
bnc_status bnc_infer_run(bnc_infer *infer, const void *const *inputs, int64_t batch, void *const *outputs);

/* Carries the trained variables into the inference graph: the same arithmetic as loading a saved file. */
bnc_status bnc_fold(const bnc_train *train, bnc_infer *infer);

#ifdef __cplusplus
}
#endif
#endif
