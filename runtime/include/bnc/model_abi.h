/* model_abi.h: what a compiled model and the runtime agree on.
 *
 * The compiler (compiler/Codegen) writes these structures into the model's library; the runtime reads
 * them. Nothing else passes between the two. Treat every change like a change of a file format: raise
 * BNC_ABI_VERSION, and the runtime refuses models of another version by name.
 *
 * A compiled model is data and straight-line programs. A program is a function that calls the bnc_rt_*
 * steps below one after the other; each step takes the execution state and a constant record. The
 * records hold only int64_t (floating-point numbers as their bit pattern), so that the compiler can
 * write one as a plain array of words.
 *
 * Numbers: "stored channels" is the channel count padded to the kernel's vector; padded channels hold
 * zeros or values nobody reads. Sums are merged in double, in the order of the tasks: the result does
 * not depend on the number of threads.
 */
#ifndef BNC_MODEL_ABI_H
#define BNC_MODEL_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BNC_ABI_VERSION 8
#define BNC_ABI_MAGIC 0x31434e42 /* "BNC1" */
#define BNC_MAX_DIMS 6
#define BNC_ALIGNMENT 64

/* ---- Memory ------------------------------------------------------------------------------------- */

/* Where a tensor of a program lives. An address is base[space] + offset, and in BNC_SPACE_SCALED
 * base + offset * max_batch, because everything there grows with the batch. The arena (SCALED and FIXED) is
 * shared by the two graphs of an object: what a call of the runtime leaves there, the next one does not find.
 * It begins with any bits. */
enum {
  BNC_SPACE_SCALED,    /* arena, offsets in bytes per image                                      */
  BNC_SPACE_FIXED,     /* arena, offsets in bytes                                                */
  BNC_SPACE_VARIABLES, /* float; the model's variables, at bnc_variable.offset                   */
  BNC_SPACE_SLOTS,     /* float; optimizer state: slot k of a parameter lies at
                          k * trainable_floats + its variable offset (parameters come first)     */
  BNC_SPACE_GRADIENTS, /* float; the gradient of a parameter lies at its variable offset. At the
                          end of the arena, behind what the backward pass still reads            */
  BNC_SPACE_FOLDED,    /* what `fold` prepares for the inference graph                           */
  BNC_SPACE_SCALARS,   /* float; run-time numbers, see BNC_SCALAR_*                              */
  BNC_SPACE_INPUT,     /* offset is the index of a graph input                                   */
  BNC_SPACE_OUTPUT,    /* offset is the index of a graph output                                  */
  BNC_SPACE_SCRATCH,   /* per worker, offsets in bytes                                           */
  BNC_SPACE_COUNT
};

/* BNC_SPACE_SCALARS. The optimizer's numbers follow the learning rate in the order of
 * bnc_model_descriptor.hyper_names, each as {number, 1 - number, 1 - number^step}, formed in double. */
enum {
  BNC_SCALAR_INVERSE_BATCH,  /* 1 / batch of this call                                            */
  BNC_SCALAR_STEP,           /* 1 at the first optimizer step                                     */
  BNC_SCALAR_GRADIENT_SCALE, /* what clipping and averaging multiply gradients by                 */
  BNC_SCALAR_LEARNING_RATE,
  BNC_SCALAR_HYPER,          /* first further number of the optimizer                             */
  BNC_SCALARS_PER_HYPER = 3,
  BNC_SCALAR_COUNT = 64
};

/* Execution state of one call; owned by the runtime. */
typedef struct bnc_exec {
  int64_t batch, max_batch;
  uint8_t *base[BNC_SPACE_COUNT]; /* SCRATCH is filled in per worker, INPUT and OUTPUT are unused */
  const void *const *inputs;
  void *const *outputs;
  double loss;         /* sum over the samples of the last forward pass, set by bnc_rt_loss       */
  int64_t correct;     /* samples whose largest logit is the label's                             */
  int64_t bad_sample;  /* first sample whose loss is not finite, -1: none                        */
  double gradient_sum_of_squares; /* grown by bnc_rt_merge_slices and bnc_rt_channel_gradient    */
  uint64_t seed, passes; /* of dropout: forward passes in training before this one               */
  void *runtime;       /* the runtime's own state; NULL: steps run on the calling thread, with
                          base[BNC_SPACE_SCRATCH]                                                */
} bnc_exec;

/* ---- Kernels ------------------------------------------------------------------------------------ */

/* Binary layout of Halide's halide_buffer_t. */
typedef struct bnc_dim { int32_t min, extent, stride; uint32_t flags; } bnc_dim;
typedef struct bnc_buffer {
  uint64_t device; const void *device_interface; uint8_t *host; uint64_t flags;
  uint8_t type_code, type_bits; uint16_t type_lanes; int32_t dimensions; bnc_dim *dim; void *padding;
} bnc_buffer;

/* A kernel: a serial Halide pipeline, argument i of the launch in args[i]. Returns 0. */
typedef int (*bnc_kernel)(void **args);

enum {
  BNC_GRID_ROWS,    /* a task is a strip of rows of one image: task = image * strips + strip        */
  BNC_GRID_IMAGES,  /* a task is `block` whole images (the last one fewer)                          */
  BNC_GRID_ELEMENTS /* a task is `block` elements of a flat range of `elements`                     */
};

/* How one argument of a kernel is found for a task. Strides and offsets are bytes; extents, mins and
 * buffer strides are elements, innermost dimension first. */
typedef struct bnc_argument {
  int64_t space, offset;
  int64_t displacement;  /* bytes from there, never scaled (terms of a partial)                     */
  int64_t image_stride;  /* bytes from one image to the next, 0: the same for every image           */
  int64_t task_stride;   /* bytes from one task's slot to the next (partials)                       */
  int64_t chain_stride;  /* bytes from one chain's slot to the next (weight-gradient slices)        */
  int64_t chain_dimension; /* this dimension's min is 0 for a chain's first task, which sets what is in
                            its slot, and 1 for the others, which add to it; 0: none                */
  int64_t block_stride;  /* bytes from one block of channels to the next, 0: the same for all       */
  int64_t ragged_extent; /* > 0: dimension 0's extent over all blocks, of which the last has less   */
  int64_t type_code, type_bits; /* Halide's: 0 int, 1 uint, 2 float                                 */
  int64_t dimensions;
  int64_t row_dimension;   /* this dimension's min and extent come from the row table, -1: none     */
  int64_t image_dimension; /* this dimension's extent is the images of the task, -1: none           */
  int64_t image_multiple;  /* ... unless it is one alone rounded up to a multiple of this (scratch of
                              whole tiles), 0 is 1                                                  */
  int64_t min[BNC_MAX_DIMS], extent[BNC_MAX_DIMS], stride[BNC_MAX_DIMS];
} bnc_argument;

/* Followed in memory by `arguments` bnc_argument, then by the row table: for every strip, for every
 * argument, {first row, rows} (whole images: one strip). The buffer's host points at the first row;
 * rows of SCRATCH arguments always start at the argument's own offset, the other offsets are those of row 0.
 * With BNC_GRID_ELEMENTS there is no table: the row dimension covers the elements of the task. */
typedef struct bnc_launch {
  int64_t grid;
  int64_t strips;    /* BNC_GRID_ROWS: tasks per image, else 1                                      */
  int64_t block;     /* images or elements per task, else 1                                         */
  int64_t elements;  /* BNC_GRID_ELEMENTS                                                           */
  int64_t chains;    /* 0: every task on its own; else tasks are dealt to this many chains of
                        consecutive tasks (fewer if there are fewer tasks), each run in order by one
                        worker. It bounds the threads that can help.                                */
  int64_t blocks;    /* of channels, 1 or more: every task above is one of each block; the tasks
                        (and chains) of a block follow each other                                   */
  int64_t arguments;
} bnc_launch;

/* Tasks of a launch for `batch` images, and chains in use, of all blocks. In a block of `tasks` tasks chain c of
 * `chains` runs tasks [c * tasks / chains, (c + 1) * tasks / chains). Without chains every task counts as one.
 * Tasks and chains have the same slots in every block: a block_stride leads to the block's part of them. */
int64_t bnc_rt_task_count(const bnc_launch *launch, int64_t batch);
int64_t bnc_rt_chain_count(const bnc_launch *launch, int64_t batch);

/* Runs every task of the launch, in parallel, and waits. */
void bnc_rt_launch(bnc_exec *exec, bnc_kernel kernel, const bnc_launch *launch);

/* ---- Steps between kernels (barriers); all arithmetic in double -----------------------------------
 * Extents of dimensions that a strided step does not use are 1; strides may be negative. */

typedef struct bnc_location { int64_t space, offset; } bnc_location; /* space -1: absent */

/* Partials of the tasks of one launch: `float[terms][stored]` a task, task_stride bytes apart. `pixels`
 * values of each channel go into one image of strip s: pixels_of_strip[s], appended to the record. */
typedef struct bnc_partials {
  bnc_location at;
  int64_t task_stride, stored, channels;
  int64_t grid, strips, block;
} bnc_partials;

/* Batch statistics from partials {shift, sum(x - shift), sum((x - shift)^2)} by Chan's merge
 * (Chan, Golub, LeVeque 1983). mean and variance (biased) are double[channels], count one double.
 * Followed by int64_t pixels_of_strip[strips]. */
typedef struct bnc_merge_moments { bnc_partials partials; bnc_location mean, variance, count; } bnc_merge_moments;
void bnc_rt_merge_moments(bnc_exec *exec, const bnc_merge_moments *step);

/* Per-channel float[3][stored] {center, slope, intercept} so that normalize(x) = (x - center) * slope +
 * intercept. mean and variance are double when `batch` is 1 (from merge_moments), else float variables.
 * scale and offset (float variables) may be absent. What rounding the center to float loses goes into
 * the intercept. Stored channels past `channels` are 0. */
typedef struct bnc_normalize_coefficients {
  bnc_location scale, offset, mean, variance, result;
  int64_t batch, channels, stored, epsilon; /* epsilon: bits of a double */
} bnc_normalize_coefficients;
void bnc_rt_normalize_coefficients(bnc_exec *exec, const bnc_normalize_coefficients *step);

/* new = decay * old + (1 - decay) * batch, the variance times n/(n-1) when `sample`. With `cumulative`,
 * decay is counter/(counter+1) and the counter variable (float) advances. Writes to the staged
 * locations (float[channels]); the update program commits them with bnc_rt_copy. A plain running average has
 * no variance. */
typedef struct bnc_update_running {
  bnc_location mean, variance, counter, batch_mean, batch_variance, count;
  bnc_location staged_mean, staged_variance, staged_counter;
  int64_t channels, decay, sample, cumulative;
} bnc_update_running;
void bnc_rt_update_running(bnc_exec *exec, const bnc_update_running *step);

/* Sum of `terms` partials {term 0, term 1, ...} over the tasks into double[terms][channels]. */
typedef struct bnc_merge_sums { bnc_partials partials; int64_t terms; bnc_location result; } bnc_merge_sums;
void bnc_rt_merge_sums(bnc_exec *exec, const bnc_merge_sums *step);

/* Backward of normalize. sums holds double[2][channels]: sum g and sum g * (x - center), center being the
 * mean rounded to float, as the kernels have it; what that loses is put right here. Writes
 * float[4][stored] {center, A, B, C}: dx = A * g + B * (x - center) + C. With batch statistics
 * A = s*inv, B = -A*inv^2*S2/n, C = -A*S1/n (Ioffe & Szegedy 2015, centred); with running ones
 * (`batch` 0) B = C = 0. */
typedef struct bnc_gradient_coefficients {
  bnc_location scale, mean, variance, count, sums, result;
  int64_t batch, channels, stored, epsilon;
} bnc_gradient_coefficients;
void bnc_rt_gradient_coefficients(bnc_exec *exec, const bnc_gradient_coefficients *step);

/* gradient[c] = sums[term][c] * (1/sqrt(variance + epsilon) if `inverse_deviation`, else 1), into
 * float result; adds to the gradient norm. With `accumulate` it is added to what is there. */
typedef struct bnc_channel_gradient {
  bnc_location sums, variance, result;
  int64_t term, batch, channels, epsilon, inverse_deviation, accumulate;
} bnc_channel_gradient;
void bnc_rt_channel_gradient(bnc_exec *exec, const bnc_channel_gradient *step);

/* Sums the slices that the chains of a launch left behind (in chain order) and writes them to a dense
 * gradient: result[sum i_d * result_stride[d]] = sum over slices of slice[sum i_d * slice_stride[d]].
 * Extents count elements; adds to the gradient norm. */
typedef struct bnc_merge_slices {
  bnc_location slices, result;
  int64_t chain_stride, grid, strips, block, chains;
  int64_t extent[BNC_MAX_DIMS], slice_stride[BNC_MAX_DIMS], result_stride[BNC_MAX_DIMS];
  int64_t accumulate;
} bnc_merge_slices;
void bnc_rt_merge_slices(bnc_exec *exec, const bnc_merge_slices *step);

/* Strided copy with conversion: result[i] = (type) source[i], extents in elements. `result_count`
 * elements of the result are zeroed first when it is not 0 (padding). Types: bits of a float, 32 or 64. */
typedef struct bnc_pack {
  bnc_location source, result;
  int64_t source_bits, result_bits, result_count;
  int64_t extent[BNC_MAX_DIMS], source_stride[BNC_MAX_DIMS], result_stride[BNC_MAX_DIMS];
} bnc_pack;
void bnc_rt_pack(bnc_exec *exec, const bnc_pack *step);

/* Weights of 3x3 convolutions transformed for Winograd's minimal filtering: U = T g T^t with T = `transform` (size rows of 3
 * doubles, as bits), in double, rounded once. Source element (output, input, y, x) has these strides in elements; the
 * result is float (blocks, size, size, inputs, block), channels past `outputs` 0. */
typedef struct bnc_winograd_weights {
  bnc_location source, result;
  int64_t source_bits, outputs, inputs, block, blocks, size;
  int64_t output_stride, input_stride, y_stride, x_stride;
  int64_t transform[24];
} bnc_winograd_weights;
void bnc_rt_winograd_weights(bnc_exec *exec, const bnc_winograd_weights *step);

/* Copies `bytes`; fills with zeros when the source is absent. */
typedef struct bnc_copy { bnc_location source, result; int64_t bytes; } bnc_copy;
void bnc_rt_copy(bnc_exec *exec, const bnc_copy *step);

/* Sets `count` elements of 32 or 64 bits to `value` (bits of a double). */
typedef struct bnc_fill { bnc_location result; int64_t bits, count, value; } bnc_fill;
void bnc_rt_fill(bnc_exec *exec, const bnc_fill *step);

/* Copies the `count` floats that follow the record. */
typedef struct bnc_constant { bnc_location result; int64_t count; } bnc_constant;
void bnc_rt_constant(bnc_exec *exec, const bnc_constant *step);

/* result = lhs + rhs, float: the gradient of a parameter that is used twice. Counts in the gradient norm in
 * the place of its operands. */
typedef struct bnc_add { bnc_location lhs, rhs, result; int64_t count; } bnc_add;
void bnc_rt_add(bnc_exec *exec, const bnc_add *step);

/* Reads float losses and float correct flags (one a sample) into exec->loss, correct, bad_sample. */
typedef struct bnc_loss { bnc_location losses, correct; } bnc_loss;
void bnc_rt_loss(bnc_exec *exec, const bnc_loss *step);

/* An int32 for every sample: the upper half of SplitMix64 (Steele, Lea and Flood 2014) at place `sample` of the
 * sequence of place `layer` of the sequence of place `passes` of the sequence of `seed`. */
typedef struct bnc_dropout_keys { bnc_location result; int64_t layer; } bnc_dropout_keys;
void bnc_rt_dropout_keys(bnc_exec *exec, const bnc_dropout_keys *step);

/* ---- Folding: the one arithmetic of create and fold; double, no contraction, fixed order ---------- */

/* a = scale / sqrt(variance + epsilon), c = offset - mean * a; float variables in, double out. */
typedef struct bnc_fold_coefficients {
  bnc_location scale, offset, mean, variance, slope, intercept;
  int64_t channels, epsilon;
} bnc_fold_coefficients;
void bnc_rt_fold_coefficients(bnc_exec *exec, const bnc_fold_coefficients *step);

/* result[i] = source[i] * factor[i_axis] (`operation` 0), + (1); source float or double, dense
 * [outer][axis][inner], factor double[axis]; an absent source counts as 0, an absent factor as none. */
typedef struct bnc_fold_axis {
  bnc_location source, factor, result;
  int64_t source_bits, outer, axis, inner, operation;
} bnc_fold_axis;
void bnc_rt_fold_axis(bnc_exec *exec, const bnc_fold_axis *step);

/* result[o][p] = sum over i and the taps k of place p of weight[o][i][k] * shift[i]: what a shift of the
 * input adds to the bias. weight dense [outer][axis][kernel], or [axis][outer][kernel] when
 * `transposed`, double or float; shift has `axis` values for each of `groups` equal parts of the
 * outputs; the terms of a tap are summed first. Followed by the taps of every place: near a border of
 * zeros, where the shift is missing, only those on the input. */
typedef struct bnc_fold_taps { int64_t begin[3], end[3]; } bnc_fold_taps;
typedef struct bnc_fold_shift {
  bnc_location weight, shift, result;
  int64_t weight_bits, outer, axis, kernel[3], groups, transposed, places;
} bnc_fold_shift;
void bnc_rt_fold_shift(bnc_exec *exec, const bnc_fold_shift *step);

/* ---- What a model's library describes ------------------------------------------------------------- */

enum { BNC_COLLECTION_PARAMS, BNC_COLLECTION_BATCH_STATS };
enum {
  BNC_LOSS_NONE, /* inference only                                                                */
  BNC_LOSS_SOFTMAX_CROSS_ENTROPY,
  BNC_LOSS_MSE,
  BNC_LOSS_BCE_WITH_LOGITS,
  BNC_LOSS_CUSTOM /* the application's own: it gives the gradients of the outputs                  */
};
/* What output 0 of the inference graph is of the logits that the loss is of. */
enum { BNC_OUTPUT_LOGITS, BNC_OUTPUT_SOFTMAX, BNC_OUTPUT_SIGMOID };

typedef struct bnc_variable {
  const char *name;     /* name in the source file                                                */
  int32_t collection;   /* BNC_COLLECTION_*                                                       */
  int32_t trainable;    /* the optimizer updates it                                               */
  int64_t rank;
  const int64_t *shape;
  int64_t offset;       /* in floats, into BNC_SPACE_VARIABLES                                    */
  int64_t count;        /* elements                                                               */
  int32_t init;         /* BNC_INIT_*: how NAME_train_init fills it                               */
  int64_t fan_in, fan_out;
} bnc_variable;

enum { BNC_INIT_ZEROS, BNC_INIT_ONES, BNC_INIT_WEIGHT /* by the method asked for, from fan_in/out */ };

typedef struct bnc_tensor {
  const char *name;
  int64_t rank;
  const int64_t *shape; /* -1: the batch                                                          */
  int64_t count;        /* elements per image                                                     */
  int32_t element;      /* 0 float, 1 int32, 2 uint8                                              */
  int32_t layout;       /* 0: that of the model file, 1: channels last                            */
} bnc_tensor;

/* One BatchNorm that moves running statistics: for calibration. */
typedef struct bnc_running {
  int64_t mean_variable, variance_variable; /* indices                                            */
  int64_t channels, sample;
  bnc_location batch_mean, batch_variance, count; /* where the forward pass leaves them (double)  */
} bnc_running;

typedef void (*bnc_program)(bnc_exec *exec);

/* When gradients are written from the end of their block on, as far as gradient_bytes, SCALED is in use up to
 * scaled_bytes per image of max_batch. */
typedef struct bnc_room { int64_t scaled_bytes, gradient_bytes; } bnc_room;

typedef struct bnc_graph {
  int64_t scaled_bytes; /* per image of max_batch                                                 */
  int64_t fixed_bytes;
  int64_t scratch_bytes; /* per worker                                                            */
  int64_t room_count;    /* of a training graph: gradients end where SCALED does, which is large
                            enough for all of these                                               */
  const bnc_room *rooms;
} bnc_graph;

typedef struct bnc_model_descriptor {
  uint32_t magic, abi_version;
  const char *name;     /* the C identifier that prefixes its functions                           */
  const char *target;   /* as given to --target, resolved                                         */
  const char *const *required_features; /* of /proc/cpuinfo, NULL at the end                      */
  int64_t fixed_batch;  /* 0: any batch up to max_batch                                           */

  int64_t variable_count;
  const bnc_variable *variables;
  int64_t variables_floats;  /* size of BNC_SPACE_VARIABLES                                       */
  int64_t trainable_floats;  /* the first so many floats hold the trainable parameters            */
  const float *values;       /* BNC_SPACE_VARIABLES from the model file, where a training graph
                                embeds its weights, else NULL                                     */

  int64_t input_count, output_count;
  const bnc_tensor *inputs, *outputs; /* of the model itself                                      */

  /* Training graph; NULL programs where only inference was compiled. Its inputs are the model's inputs
   * and then the labels, or (BNC_LOSS_CUSTOM) the gradients of the outputs. */
  bnc_graph train;
  bnc_program train_forward;  /* loss or outputs, and staged running statistics                   */
  bnc_program train_backward; /* gradients                                                        */
  bnc_program train_commit;   /* running statistics                                               */
  bnc_program train_update;   /* optimizer step                                                   */
  int32_t loss;               /* BNC_LOSS_*                                                       */
  int32_t output_kind;        /* BNC_OUTPUT_*                                                     */
  int64_t class_count;        /* of softmax cross entropy, else 0                                 */
  double label_smoothing;
  bnc_tensor labels;          /* int32: class ids in [0, class_count)                             */
  const char *optimizer;      /* "adam", "sgd:momentum,nesterov", ...: what its state fits         */
  int64_t hyper_count;        /* numbers after the learning rate                                  */
  const char *const *hyper_names; /* hyper_count of them; "clip-norm" is the runtime's             */
  const double *hyper_defaults; /* 1 + hyper_count: [0] is the learning rate                      */
  int64_t slot_count;
  const char *const *slot_names;
  double clip_epsilon;        /* added to the norm of the gradients before clipping divides by it  */
  int64_t running_count;
  const bnc_running *running;
  int64_t minimum_train_batch;  /* 2 where a BatchNorm sees one value per image, else 1           */
  const char *minimum_train_batch_node; /* that BatchNorm                                         */

  /* Inference graph; NULL programs where only training was compiled. */
  bnc_graph infer;
  int64_t folded_bytes;
  bnc_program infer_fold; /* variables -> BNC_SPACE_FOLDED                                        */
  bnc_program infer_run;  /* reads BNC_SPACE_FOLDED; there are no variables then              */
  const void *folded;     /* BNC_SPACE_FOLDED where weights are embedded, aligned to
                             BNC_ALIGNMENT, else NULL                                         */
} bnc_model_descriptor;

#ifdef __cplusplus
}
#endif
#endif
