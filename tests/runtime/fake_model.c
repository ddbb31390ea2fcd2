#include "fake_model.h"

#include <math.h>
#include <string.h>

enum { STORED = 4, STRIPS = 2 }; /* channels padded to 4; a strip is two pixels of an image */

/* Variables, in floats. */
enum { W = 0, SCALE = 6, OFFSET = 9, TRAINABLE = 12, MEAN = 12, VARIANCE = 15 };

/* Arena, in bytes. */
enum { LOSSES = 0, CORRECT = 64, DLOGITS = 128, SUM_PARTIALS = 192, Z = 256, MOMENTS = 320, SCALED_BYTES = 448 };
enum {
  BATCH_MEAN = 0,
  BATCH_VARIANCE = 64,
  COUNT = 128,
  COEFFICIENTS = 192,
  GRADIENT_COEFFICIENTS = 256,
  SUMS = 320,
  STAGED_MEAN = 384,
  STAGED_VARIANCE = 448,
  SLICES = 512,
  SLICE_BYTES = 64,
  CHAINS = 2,
  FIXED_BYTES = 640
};
enum { FOLD_SLOPE = 0, FOLD_INTERCEPT = 64, FOLD_WEIGHT = 128, FOLD_BIAS = 192 };
enum { FOLDED_WEIGHT = 0, FOLDED_BIAS = 64 };

#define BUFFER(SPACE, OFFSET, IMAGE, TASK, ROWS, IMAGES, ...)                                                          \
  {                                                                                                                    \
    .space = SPACE, .offset = OFFSET, .image_stride = IMAGE, .task_stride = TASK, .type_code = 2, .type_bits = 32,     \
    .row_dimension = ROWS, .image_dimension = IMAGES, __VA_ARGS__                                                      \
  }
#define INPUT_X                                                                                                        \
  BUFFER(BNC_SPACE_INPUT, 0, SAMPLE * 4, 0, 0, 2, .dimensions = 3, .extent = {PIXELS, CHANNELS, 1},                    \
         .stride = {1, PIXELS, SAMPLE})

static float *data(void *argument) { return (float *)((bnc_buffer *)argument)->host; }
static const bnc_dim *dim(void *argument, int d) { return &((bnc_buffer *)argument)->dim[d]; }

/* What a call leaves in the arena, gradients in the moments' place included, the next one does not find. */
static void scribble(const bnc_exec *exec) {
  memset(exec->base[BNC_SPACE_SCALED], 0xff, (size_t)(SCALED_BYTES * exec->max_batch));
}

/* ---- Forward ----------------------------------------------------------------------------------------- */

/* (x, partials): {shift, sum(x - shift), sum((x - shift)^2)} of the strip. */
static int moments_kernel(void **args) {
  const float *x = data(args[0]);
  float *partial = data(args[1]);
  for (int c = 0; c < CHANNELS; ++c) {
    float shift = x[c * PIXELS], sum = 0, squares = 0;
    for (int p = 0; p < dim(args[0], 0)->extent; ++p) {
      float d = x[c * PIXELS + p] - shift;
      sum += d;
      squares += d * d;
    }
    partial[c] = shift;
    partial[STORED + c] = sum;
    partial[2 * STORED + c] = squares;
  }
  return 0;
}

static const struct {
  bnc_launch launch;
  bnc_argument arguments[2];
  int64_t rows[STRIPS][2][2];
} moments_launch = {{BNC_GRID_ROWS, STRIPS, 1, 0, 0, 1, 2},
                    {INPUT_X, BUFFER(BNC_SPACE_SCALED, MOMENTS, 0, 48, -1, -1, .dimensions = 2, .extent = {STORED, 3},
                                     .stride = {1, STORED})},
                    {{{0, 2}, {0, 0}}, {{2, 2}, {0, 0}}}};

/* (x, coefficients, weights, prior, labels, inverse batch, scratch, z, dlogits, losses, correct) */
static int loss_kernel(void **args) {
  const float *coefficients = data(args[1]), *w = data(args[2]);
  float inverse_batch = *data(args[5]), *y = data(args[6]);
  for (int n = 0; n < dim(args[0], 2)->extent; ++n) {
    const float *x = data(args[0]) + n * SAMPLE, *prior = data(args[3]) + n * CLASSES;
    int32_t label = ((const int32_t *)data(args[4]))[n];
    float *z = data(args[7]) + n * CHANNELS, *dlogits = data(args[8]) + n * CLASSES;
    double logits[CLASSES], sum = 0;
    for (int i = 0; i < SAMPLE; ++i) {
      int c = i / PIXELS;
      y[i] = (x[i] - coefficients[c]) * coefficients[STORED + c] + coefficients[2 * STORED + c];
    }
    for (int c = 0; c < CHANNELS; ++c)
      z[c] = (y[c * PIXELS] + y[c * PIXELS + 1] + y[c * PIXELS + 2] + y[c * PIXELS + 3]) / PIXELS;
    for (int k = 0; k < CLASSES; ++k) {
      logits[k] = prior[k];
      for (int c = 0; c < CHANNELS; ++c)
        logits[k] += (double)w[k * CHANNELS + c] * z[c];
      sum += exp(logits[k]);
    }
    for (int k = 0; k < CLASSES; ++k)
      dlogits[k] = (float)((exp(logits[k]) / sum - (k == label)) * inverse_batch);
    data(args[9])[n] = (float)(log(sum) - logits[label]);
    data(args[10])[n] = logits[label] >= logits[1 - label];
  }
  return 0;
}

#define IMAGES(SPACE, OFFSET, COUNT)                                                                                   \
  BUFFER(SPACE, OFFSET, (COUNT)*4, 0, -1, 1, .dimensions = 2, .extent = {COUNT, 1}, .stride = {1, COUNT})
#define VECTOR(SPACE, OFFSET, COUNT)                                                                                   \
  BUFFER(SPACE, OFFSET, 0, 0, -1, -1, .dimensions = 1, .extent = {COUNT}, .stride = {1})

static const struct {
  bnc_launch launch;
  bnc_argument arguments[11];
  int64_t rows[1][11][2];
} loss_launch = {{BNC_GRID_IMAGES, 1, 2, 0, 0, 1, 11},
                 {INPUT_X, VECTOR(BNC_SPACE_FIXED, COEFFICIENTS, 3 * STORED), VECTOR(BNC_SPACE_VARIABLES, W * 4, 6),
                  IMAGES(BNC_SPACE_INPUT, 1, CLASSES), IMAGES(BNC_SPACE_INPUT, 2, 1),
                  VECTOR(BNC_SPACE_SCALARS, BNC_SCALAR_INVERSE_BATCH * 4, 1), VECTOR(BNC_SPACE_SCRATCH, 0, SAMPLE),
                  IMAGES(BNC_SPACE_SCALED, Z, CHANNELS), IMAGES(BNC_SPACE_SCALED, DLOGITS, CLASSES),
                  IMAGES(BNC_SPACE_SCALED, LOSSES, 1), IMAGES(BNC_SPACE_SCALED, CORRECT, 1)},
                 {{{0, PIXELS}}}};

static int64_t bits(double value) {
  int64_t result;
  memcpy(&result, &value, sizeof result);
  return result;
}

#define AT(SPACE, OFFSET)                                                                                              \
  { BNC_SPACE_##SPACE, OFFSET }
#define ABSENT                                                                                                         \
  { -1, 0 }

static void train_forward(bnc_exec *exec) {
  static const struct {
    bnc_merge_moments step;
    int64_t pixels[STRIPS];
  } moments = {{{AT(SCALED, MOMENTS), 48, STORED, CHANNELS, BNC_GRID_ROWS, STRIPS, 1},
                AT(FIXED, BATCH_MEAN),
                AT(FIXED, BATCH_VARIANCE),
                AT(FIXED, COUNT)},
               {2, 2}};
  const bnc_normalize_coefficients coefficients = {AT(VARIABLES, SCALE * 4),
                                                   AT(VARIABLES, OFFSET * 4),
                                                   AT(FIXED, BATCH_MEAN),
                                                   AT(FIXED, BATCH_VARIANCE),
                                                   AT(FIXED, COEFFICIENTS),
                                                   1,
                                                   CHANNELS,
                                                   STORED,
                                                   bits(EPSILON)};
  const bnc_update_running running = {AT(VARIABLES, MEAN * 4),
                                      AT(VARIABLES, VARIANCE * 4),
                                      ABSENT,
                                      AT(FIXED, BATCH_MEAN),
                                      AT(FIXED, BATCH_VARIANCE),
                                      AT(FIXED, COUNT),
                                      AT(FIXED, STAGED_MEAN),
                                      AT(FIXED, STAGED_VARIANCE),
                                      ABSENT,
                                      CHANNELS,
                                      bits(DECAY),
                                      1,
                                      0};
  static const bnc_loss loss = {AT(SCALED, LOSSES), AT(SCALED, CORRECT)};
  scribble(exec);
  bnc_rt_launch(exec, moments_kernel, &moments_launch.launch);
  bnc_rt_merge_moments(exec, &moments.step);
  bnc_rt_normalize_coefficients(exec, &coefficients);
  bnc_rt_update_running(exec, &running);
  bnc_rt_launch(exec, loss_kernel, &loss_launch.launch);
  bnc_rt_loss(exec, &loss);
}

/* ---- Backward ----------------------------------------------------------------------------------------- */

/* (x, coefficients, weights, dlogits, partials): {sum g, sum g (x - center)}, g = dlogits W / 4 for every pixel. */
static int sums_kernel(void **args) {
  const float *x = data(args[0]), *center = data(args[1]), *w = data(args[2]), *dlogits = data(args[3]);
  float *partial = data(args[4]);
  for (int c = 0; c < CHANNELS; ++c) {
    float g = (dlogits[0] * w[c] + dlogits[1] * w[CHANNELS + c]) / PIXELS;
    partial[c] = partial[STORED + c] = 0;
    for (int p = 0; p < dim(args[0], 0)->extent; ++p) {
      partial[c] += g;
      partial[STORED + c] += g * (x[c * PIXELS + p] - center[c]);
    }
  }
  return 0;
}

static const struct {
  bnc_launch launch;
  bnc_argument arguments[5];
  int64_t rows[STRIPS][5][2];
} sums_launch = {{BNC_GRID_ROWS, STRIPS, 1, 0, 0, 1, 5},
                 {INPUT_X, VECTOR(BNC_SPACE_FIXED, COEFFICIENTS, 3 * STORED), VECTOR(BNC_SPACE_VARIABLES, W * 4, 6),
                  IMAGES(BNC_SPACE_SCALED, DLOGITS, CLASSES),
                  BUFFER(BNC_SPACE_SCALED, SUM_PARTIALS, 0, 32, -1, -1, .dimensions = 2, .extent = {STORED, 2},
                         .stride = {1, STORED})},
                 {{{0, 2}}, {{2, 2}}}};

/* (dlogits, z, slice): slice[c][k] += dlogits[k] z[c], from 0 in a chain's first task. */
static int weight_gradient_kernel(void **args) {
  float *slice = data(args[2]);
  for (int k = 0; k < CLASSES; ++k)
    for (int c = 0; c < CHANNELS; ++c)
      slice[c * CLASSES + k] = (dim(args[2], 2)->min ? slice[c * CLASSES + k] : 0) + data(args[0])[k] * data(args[1])[c];
  return 0;
}

static const struct {
  bnc_launch launch;
  bnc_argument arguments[3];
  int64_t rows[1][3][2];
} weight_gradient_launch = {
    {BNC_GRID_IMAGES, 1, 1, 0, CHAINS, 1, 3},
    {IMAGES(BNC_SPACE_SCALED, DLOGITS, CLASSES), IMAGES(BNC_SPACE_SCALED, Z, CHANNELS),
     BUFFER(BNC_SPACE_FIXED, SLICES, 0, 0, -1, -1, .chain_stride = SLICE_BYTES, .chain_dimension = 2, .dimensions = 3,
            .extent = {CLASSES, CHANNELS, 1}, .stride = {1, CLASSES, 0})},
    {{{0, 0}}}};

static void train_backward(bnc_exec *exec) {
  static const bnc_merge_sums sums = {
      {AT(SCALED, SUM_PARTIALS), 32, STORED, CHANNELS, BNC_GRID_ROWS, STRIPS, 1}, 2, AT(FIXED, SUMS)};
  const bnc_channel_gradient offset = {
      AT(FIXED, SUMS), ABSENT, AT(GRADIENTS, OFFSET * 4), 0, 1, CHANNELS, bits(EPSILON), 0, 0};
  const bnc_channel_gradient scale = {
      AT(FIXED, SUMS), AT(FIXED, BATCH_VARIANCE), AT(GRADIENTS, SCALE * 4), 1, 1, CHANNELS, bits(EPSILON), 1, 0};
  static const bnc_merge_slices weights = {AT(FIXED, SLICES),
                                           AT(GRADIENTS, W * 4),
                                           SLICE_BYTES,
                                           BNC_GRID_IMAGES,
                                           1,
                                           1,
                                           CHAINS,
                                           {CLASSES, CHANNELS, 1, 1, 1, 1},
                                           {1, CLASSES},
                                           {CHANNELS, 1},
                                           0};
  bnc_rt_launch(exec, sums_kernel, &sums_launch.launch);
  bnc_rt_merge_sums(exec, &sums);
  bnc_rt_channel_gradient(exec, &offset);
  bnc_rt_channel_gradient(exec, &scale);
  bnc_rt_launch(exec, weight_gradient_kernel, &weight_gradient_launch.launch);
  bnc_rt_merge_slices(exec, &weights);
}

/* ---- Update --------------------------------------------------------------------------------------------- */

/* (parameters, gradients, velocity, scalars) */
static int sgd_kernel(void **args) {
  const float *gradient = data(args[1]), *scalars = data(args[3]);
  float *parameter = data(args[0]), *velocity = data(args[2]);
  for (int i = 0; i < dim(args[0], 0)->extent; ++i) {
    velocity[i] = scalars[BNC_SCALAR_HYPER] * velocity[i] + gradient[i] * scalars[BNC_SCALAR_GRADIENT_SCALE];
    parameter[i] -= scalars[BNC_SCALAR_LEARNING_RATE] * velocity[i];
  }
  return 0;
}

#define FLAT(SPACE) BUFFER(SPACE, 0, 0, 0, 0, -1, .dimensions = 1, .extent = {TRAINABLE}, .stride = {1})
static const struct {
  bnc_launch launch;
  bnc_argument arguments[4];
} sgd_launch = {{BNC_GRID_ELEMENTS, 1, 5, TRAINABLE, 0, 1, 4},
                {FLAT(BNC_SPACE_VARIABLES), FLAT(BNC_SPACE_GRADIENTS), FLAT(BNC_SPACE_SLOTS),
                 VECTOR(BNC_SPACE_SCALARS, 0, BNC_SCALAR_COUNT)}};

static void train_commit(bnc_exec *exec) {
  static const bnc_copy mean = {AT(FIXED, STAGED_MEAN), AT(VARIABLES, MEAN * 4), CHANNELS * 4};
  static const bnc_copy variance = {AT(FIXED, STAGED_VARIANCE), AT(VARIABLES, VARIANCE * 4), CHANNELS * 4};
  bnc_rt_copy(exec, &mean);
  bnc_rt_copy(exec, &variance);
}

static void train_update(bnc_exec *exec) { bnc_rt_launch(exec, sgd_kernel, &sgd_launch.launch); }

/* ---- Inference -------------------------------------------------------------------------------------------- */

static void infer_fold(bnc_exec *exec) {
  const bnc_fold_coefficients coefficients = {AT(VARIABLES, SCALE * 4),
                                              AT(VARIABLES, OFFSET * 4),
                                              AT(VARIABLES, MEAN * 4),
                                              AT(VARIABLES, VARIANCE * 4),
                                              AT(FIXED, FOLD_SLOPE),
                                              AT(FIXED, FOLD_INTERCEPT),
                                              CHANNELS,
                                              bits(EPSILON)};
  static const bnc_fold_axis weight = {
      AT(VARIABLES, W * 4), AT(FIXED, FOLD_SLOPE), AT(FIXED, FOLD_WEIGHT), 32, CLASSES, CHANNELS, 1, 0};
  static const struct {
    bnc_fold_shift step;
    bnc_fold_taps taps;
  } bias = {{AT(VARIABLES, W * 4), AT(FIXED, FOLD_INTERCEPT), AT(FIXED, FOLD_BIAS), 32, CLASSES, CHANNELS, {1, 1, 1}, 1, 0, 1},
            {{0, 0, 0}, {1, 1, 1}}};
  static const bnc_pack pack_weight = {
      AT(FIXED, FOLD_WEIGHT), AT(FOLDED, FOLDED_WEIGHT), 64, 32, 0, {CHANNELS, CLASSES, 1, 1, 1, 1}, {1, CHANNELS},
      {1, CHANNELS}};
  static const bnc_pack pack_bias = {
      AT(FIXED, FOLD_BIAS), AT(FOLDED, FOLDED_BIAS), 64, 32, STORED, {CLASSES, 1, 1, 1, 1, 1}, {1}, {1}};
  bnc_rt_fold_coefficients(exec, &coefficients);
  bnc_rt_fold_axis(exec, &weight);
  bnc_rt_fold_shift(exec, &bias.step);
  bnc_rt_pack(exec, &pack_weight);
  bnc_rt_pack(exec, &pack_bias);
}

/* (x, prior, weights, bias, logits, pooled) */
static int infer_kernel(void **args) {
  const float *w = data(args[2]), *bias = data(args[3]);
  for (int n = 0; n < dim(args[0], 2)->extent; ++n) {
    const float *x = data(args[0]) + n * SAMPLE;
    float *z = data(args[5]) + n * CHANNELS;
    for (int c = 0; c < CHANNELS; ++c)
      z[c] = (x[c * PIXELS] + x[c * PIXELS + 1] + x[c * PIXELS + 2] + x[c * PIXELS + 3]) / PIXELS;
    for (int k = 0; k < CLASSES; ++k) {
      float logit = data(args[1])[n * CLASSES + k] + bias[k];
      for (int c = 0; c < CHANNELS; ++c)
        logit += w[k * CHANNELS + c] * z[c];
      data(args[4])[n * CLASSES + k] = logit;
    }
  }
  return 0;
}

static const struct {
  bnc_launch launch;
  bnc_argument arguments[6];
  int64_t rows[1][6][2];
} infer_launch = {{BNC_GRID_IMAGES, 1, 3, 0, 0, 1, 6},
                  {INPUT_X, IMAGES(BNC_SPACE_INPUT, 1, CLASSES), VECTOR(BNC_SPACE_FOLDED, FOLDED_WEIGHT, 6),
                   VECTOR(BNC_SPACE_FOLDED, FOLDED_BIAS, STORED), IMAGES(BNC_SPACE_OUTPUT, 0, CLASSES),
                   IMAGES(BNC_SPACE_OUTPUT, 1, CHANNELS)},
                  {{{0, PIXELS}}}};

static void infer_run(bnc_exec *exec) {
  scribble(exec);
  bnc_rt_launch(exec, infer_kernel, &infer_launch.launch);
}

/* ---- The descriptor ------------------------------------------------------------------------------------------ */

static const int64_t weight_shape[] = {CLASSES, CHANNELS}, channel_shape[] = {CHANNELS};
static const bnc_variable variables[] = {
    {"fc.weight", BNC_COLLECTION_PARAMS, 1, 2, weight_shape, W, 6, BNC_INIT_WEIGHT, CHANNELS, CLASSES},
    {"bn.weight", BNC_COLLECTION_PARAMS, 1, 1, channel_shape, SCALE, CHANNELS, BNC_INIT_ONES, 0, 0},
    {"bn.bias", BNC_COLLECTION_PARAMS, 1, 1, channel_shape, OFFSET, CHANNELS, BNC_INIT_ZEROS, 0, 0},
    {"bn.running_mean", BNC_COLLECTION_BATCH_STATS, 0, 1, channel_shape, MEAN, CHANNELS, BNC_INIT_ZEROS, 0, 0},
    {"bn.running_var", BNC_COLLECTION_BATCH_STATS, 0, 1, channel_shape, VARIANCE, CHANNELS, BNC_INIT_ONES, 0, 0}};
static const int64_t x_shape[] = {-1, CHANNELS, PIXELS}, logits_shape[] = {-1, CLASSES}, z_shape[] = {-1, CHANNELS},
                     label_shape[] = {-1};
static const bnc_tensor inputs[] = {{"x", 3, x_shape, SAMPLE, 0, 0}, {"prior", 2, logits_shape, CLASSES, 0, 0}};
static const bnc_tensor outputs[] = {{"logits", 2, logits_shape, CLASSES, 0, 0}, {"pooled", 2, z_shape, CHANNELS, 0, 0}};
static const char *const hyper_names[] = {"momentum", "clip-norm"}, *const slot_names[] = {"momentum"};
static const double hyper_defaults[] = {0.1, 0.9, 0};
static const bnc_running running[] = {
    {3, 4, CHANNELS, 1, AT(FIXED, BATCH_MEAN), AT(FIXED, BATCH_VARIANCE), AT(FIXED, COUNT)}};

static const bnc_room rooms[] = {{MOMENTS, TRAINABLE * 4}};

bnc_model_descriptor fake_model(void) {
  return (bnc_model_descriptor){.magic = BNC_ABI_MAGIC,
                                .abi_version = BNC_ABI_VERSION,
                                .name = "fake",
                                .target = "host",
                                .variable_count = 5,
                                .variables = variables,
                                .variables_floats = VARIABLES,
                                .trainable_floats = TRAINABLE,
                                .input_count = 2,
                                .output_count = 2,
                                .inputs = inputs,
                                .outputs = outputs,
                                .train = {SCALED_BYTES, FIXED_BYTES, 64, 1, rooms},
                                .train_forward = train_forward,
                                .train_backward = train_backward,
                                .train_commit = train_commit,
                                .train_update = train_update,
                                .loss = BNC_LOSS_SOFTMAX_CROSS_ENTROPY,
                                .class_count = CLASSES,
                                .labels = {"labels", 1, label_shape, 1, 1, 0},
                                .optimizer = "sgd",
                                .hyper_count = 2,
                                .hyper_names = hyper_names,
                                .hyper_defaults = hyper_defaults,
                                .slot_count = 1,
                                .slot_names = slot_names,
                                .running_count = 1,
                                .running = running,
                                .minimum_train_batch = 1,
                                .minimum_train_batch_node = "",
                                .infer = {SCALED_BYTES, INFER_FIXED_BYTES, 0, 0, NULL},
                                .folded_bytes = FOLDED_BYTES,
                                .infer_fold = infer_fold,
                                .infer_run = infer_run};
}
