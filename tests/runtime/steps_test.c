/* Every step against straightforward loops in double. */
#include "check.h"
#include "options.h"
#include "parallel.h"

enum { ARENA = 1 << 23 };
static uint8_t *arena;
static bnc_context context;

#define AT(OFFSET)                                                                                                     \
  { BNC_SPACE_FIXED, OFFSET }
#define ABSENT                                                                                                         \
  { -1, 0 }

static float *floats(int64_t offset) { return (float *)(arena + offset); }
static double *doubles(int64_t offset) { return (double *)(arena + offset); }

static bnc_exec make_exec(int64_t batch) {
  bnc_exec exec = {.batch = batch, .max_batch = batch, .runtime = &context};
  exec.base[BNC_SPACE_FIXED] = arena;
  exec.base[BNC_SPACE_VARIABLES] = arena;
  context.bad_statistics.space = -1;
  memset(arena, 0xff, ARENA); /* NaN wherever nobody writes */
  return exec;
}

static int64_t bits(double value) {
  int64_t result;
  memcpy(&result, &value, sizeof result);
  return result;
}

/* ---- Statistics ---------------------------------------------------------------------------------------- */

typedef struct moments_record {
  bnc_merge_moments step;
  int64_t pixels[3];
} moments_record;

/* Images of `pixels` values in strips (or blocks of images), mean far from 0 in units of the deviation. */
static void test_merge_moments(int64_t grid, int64_t batch, int64_t channels, double mean_over_sigma) {
  enum { STRIPS = 3, BLOCK = 4, PIXELS = 13, MEAN = 1 << 21, VARIANCE = (1 << 21) + 8192, COUNT = (1 << 21) + 16384 };
  static const int64_t strip_pixels[STRIPS] = {6, 6, 1};
  int64_t stored = (channels + 7) / 8 * 8, stride = 3 * stored * 4;
  int64_t tasks = grid == BNC_GRID_ROWS ? batch * STRIPS : (batch + BLOCK - 1) / BLOCK;
  bnc_exec exec = make_exec(batch);
  moments_record record = {{{AT(0), stride, stored, channels, grid, grid == BNC_GRID_ROWS ? STRIPS : 1, BLOCK},
                            AT(MEAN),
                            AT(VARIANCE),
                            AT(COUNT)},
                           {0}};
  double *sum = calloc((size_t)channels, sizeof *sum), *square = calloc((size_t)channels, sizeof *square);
  float *x = malloc((size_t)(batch * PIXELS * channels) * sizeof *x);
  unsigned seed = 17;
  for (int64_t i = 0; i < batch * PIXELS * channels; ++i)
    x[i] = (float)(mean_over_sigma * 0.577) + number(&seed);
  memcpy(record.pixels, strip_pixels, sizeof strip_pixels);
  if (grid == BNC_GRID_IMAGES)
    record.pixels[0] = PIXELS;
  for (int64_t task = 0, at = 0; task < tasks; ++task) {
    int64_t images = batch - task * BLOCK < BLOCK ? batch - task * BLOCK : BLOCK;
    int64_t count = grid == BNC_GRID_ROWS ? strip_pixels[task % STRIPS] : images * PIXELS;
    float *partial = floats(task * stride);
    for (int64_t c = 0; c < channels; ++c) {
      double shift = x[at * channels + c], s1 = 0, s2 = 0;
      for (int64_t p = at; p < at + count; ++p) {
        s1 += x[p * channels + c] - shift;
        s2 += (x[p * channels + c] - shift) * (x[p * channels + c] - shift);
      }
      partial[c] = (float)shift;
      partial[stored + c] = (float)s1;
      partial[2 * stored + c] = (float)s2;
    }
    at += count;
  }
  bnc_rt_merge_moments(&exec, &record.step);
  double n = (double)(batch * PIXELS);
  CHECK(*doubles(COUNT) == n);
  for (int64_t i = 0; i < batch * PIXELS; ++i)
    for (int64_t c = 0; c < channels; ++c)
      sum[c] += x[i * channels + c];
  for (int64_t i = 0; i < batch * PIXELS; ++i)
    for (int64_t c = 0; c < channels; ++c)
      square[c] += (x[i * channels + c] - sum[c] / n) * (x[i * channels + c] - sum[c] / n);
  for (int64_t c = 0; c < channels; ++c) {
    CHECK_NEAR(doubles(MEAN)[c], sum[c] / n, 2e-7);
    CHECK_NEAR(doubles(VARIANCE)[c] * n / square[c], 1, 1e-6);
  }
  free(x);
  free(sum);
  free(square);
}

/* Equal values have variance exactly 0. */
static void test_constant_moments(void) {
  bnc_exec exec = make_exec(5);
  moments_record record = {{{AT(0), 12, 1, 1, BNC_GRID_ROWS, 1, 1}, AT(1024), AT(1032), AT(1040)}, {3}};
  for (int task = 0; task < 5; ++task) {
    floats(12 * task)[0] = 0.1f;
    floats(12 * task)[1] = floats(12 * task)[2] = 0;
  }
  bnc_rt_merge_moments(&exec, &record.step);
  CHECK(*doubles(1024) == 0.1f && *doubles(1032) == 0 && *doubles(1040) == 15);
}

static void test_normalize_coefficients(void) {
  enum { CHANNELS = 5, STORED = 8, SCALE = 0, OFFSET = 64, MEAN = 128, VARIANCE = 192, RESULT = 256 };
  unsigned seed = 5;
  for (int batch = 0; batch < 2; ++batch)
    for (int affine = 0; affine < 2; ++affine) {
      bnc_exec exec = make_exec(1);
      double mean[CHANNELS], variance[CHANNELS];
      for (int c = 0; c < CHANNELS; ++c) {
        floats(SCALE)[c] = number(&seed);
        floats(OFFSET)[c] = number(&seed);
        mean[c] = 1000 + number(&seed) / 3.0;
        variance[c] = 1.5 + number(&seed);
        if (batch) {
          doubles(MEAN)[c] = mean[c];
          doubles(VARIANCE)[c] = variance[c];
        } else {
          mean[c] = floats(MEAN)[c] = (float)mean[c];
          variance[c] = floats(VARIANCE)[c] = (float)variance[c];
        }
      }
      bnc_normalize_coefficients step = {AT(SCALE), AT(OFFSET), AT(MEAN), AT(VARIANCE), AT(RESULT),
                                         batch,     CHANNELS,   STORED,   bits(1e-3)};
      if (!affine)
        step.scale.space = step.offset.space = -1;
      bnc_rt_normalize_coefficients(&exec, &step);
      const float *r = floats(RESULT);
      for (int c = 0; c < CHANNELS; ++c) {
        double x = 1000.4, slope = (affine ? floats(SCALE)[c] : 1.0) / sqrt(variance[c] + 1e-3);
        double expected = (x - mean[c]) * slope + (affine ? floats(OFFSET)[c] : 0);
        /* Without the correction of the intercept the rounded center alone costs 3e-5. */
        CHECK_NEAR((x - r[c]) * (double)r[STORED + c] + r[2 * STORED + c], expected, 5e-7);
      }
      for (int c = CHANNELS; c < STORED; ++c)
        CHECK(r[c] == 0 && r[STORED + c] == 0 && r[2 * STORED + c] == 0);
      CHECK(isnan(r[3 * STORED]));
    }
}

static void test_update_running(void) {
  enum {
    CHANNELS = 3,
    MEAN = 0,
    VARIANCE = 64,
    COUNTER = 128,
    BATCH_MEAN = 192,
    BATCH_VARIANCE = 256,
    COUNT = 320,
    NEW_MEAN = 384,
    NEW_VARIANCE = 448,
    NEW_COUNTER = 512
  };
  unsigned seed = 6;
  for (int sample = 0; sample < 2; ++sample)
    for (int cumulative = 0; cumulative < 2; ++cumulative) {
      bnc_exec exec = make_exec(1);
      double decay = cumulative ? 4.0 / 5 : 0.9;
      for (int c = 0; c < CHANNELS; ++c) {
        floats(MEAN)[c] = number(&seed);
        floats(VARIANCE)[c] = 2 + number(&seed);
        doubles(BATCH_MEAN)[c] = number(&seed);
        doubles(BATCH_VARIANCE)[c] = 2 + number(&seed);
      }
      *floats(COUNTER) = 4;
      *doubles(COUNT) = 10;
      bnc_update_running step = {AT(MEAN),  AT(VARIANCE), AT(COUNTER),      AT(BATCH_MEAN),  AT(BATCH_VARIANCE),
                                 AT(COUNT), AT(NEW_MEAN), AT(NEW_VARIANCE), AT(NEW_COUNTER), CHANNELS,
                                 bits(0.9), sample,       cumulative};
      bnc_rt_update_running(&exec, &step);
      for (int c = 0; c < CHANNELS; ++c) {
        double variance = doubles(BATCH_VARIANCE)[c] * (sample ? 10.0 / 9 : 1);
        CHECK_NEAR(floats(NEW_MEAN)[c], decay * floats(MEAN)[c] + (1 - decay) * doubles(BATCH_MEAN)[c], 1e-7);
        CHECK_NEAR(floats(NEW_VARIANCE)[c], decay * floats(VARIANCE)[c] + (1 - decay) * variance, 1e-7);
      }
      CHECK(cumulative ? *floats(NEW_COUNTER) == 5 : isnan(*floats(NEW_COUNTER)));
      CHECK(context.bad_statistics.space == -1);
      doubles(BATCH_MEAN)[1] = INFINITY;
      bnc_rt_update_running(&exec, &step);
      CHECK(context.bad_statistics.space == BNC_SPACE_FIXED && context.bad_statistics.offset == MEAN);
    }
}

static void test_merge_sums(int64_t batch, int64_t channels) {
  int64_t stored = (channels + 7) / 8 * 8, stride = 2 * stored * 4 + 64, result = 1 << 22;
  bnc_exec exec = make_exec(batch);
  bnc_merge_sums step = {{AT(0), stride, stored, channels, BNC_GRID_ROWS, 2, 1}, 2, AT(result)};
  unsigned seed = 7;
  for (int64_t task = 0; task < 2 * batch; ++task)
    for (int64_t i = 0; i < 2 * stored; ++i)
      floats(task * stride)[i] = number(&seed);
  bnc_rt_merge_sums(&exec, &step);
  for (int64_t term = 0; term < 2; ++term)
    for (int64_t c = 0; c < channels; ++c) {
      double sum = 0;
      for (int64_t task = 0; task < 2 * batch; ++task)
        sum += floats(task * stride)[term * stored + c];
      CHECK(doubles(result)[term * channels + c] == sum);
    }
  CHECK(isnan(doubles(result)[2 * channels]));
}

/* The whole backward pass of a normalization over one channel of n values. */
static void test_gradient(int batch_statistics, int affine) {
  enum {
    N = 50,
    STORED = 8,
    SCALE = 0,
    MEAN = 64,
    VARIANCE = 128,
    COUNT = 192,
    SUMS = 256,
    RESULT = 320,
    GRADIENT = 512,
    OTHER = 576
  };
  bnc_exec exec = make_exec(1);
  double x[N], g[N], mean = 0, variance = 0, epsilon = 1e-5, s1 = 0, s2 = 0, true_s2 = 0;
  unsigned seed = 8;
  float scale = 0.7f;
  for (int i = 0; i < N; ++i) {
    x[i] = 300 + number(&seed);
    g[i] = 0.5 + number(&seed);
    mean += x[i] / N;
  }
  for (int i = 0; i < N; ++i)
    variance += (x[i] - mean) * (x[i] - mean) / N;
  if (!batch_statistics) {
    mean = (float)mean;
    variance = (float)variance;
  }
  for (int i = 0; i < N; ++i) {
    s1 += g[i];
    s2 += g[i] * (x[i] - (float)mean);
    true_s2 += g[i] * (x[i] - mean);
  }
  *floats(SCALE) = scale;
  if (batch_statistics) {
    *doubles(MEAN) = mean;
    *doubles(VARIANCE) = variance;
  } else {
    *floats(MEAN) = (float)mean;
    *floats(VARIANCE) = (float)variance;
  }
  *doubles(COUNT) = N;
  doubles(SUMS)[0] = s1;
  doubles(SUMS)[1] = s2;
  bnc_gradient_coefficients step = {AT(SCALE),        AT(MEAN), AT(VARIANCE), AT(COUNT),    AT(SUMS), AT(RESULT),
                                    batch_statistics, 1,        STORED,       bits(epsilon)};
  if (!affine)
    step.scale.space = -1;
  bnc_rt_gradient_coefficients(&exec, &step);
  const float *r = floats(RESULT);
  double inverse = 1 / sqrt(variance + epsilon), s = affine ? scale : 1;
  for (int i = 0; i < N; ++i) {
    double expected = s * inverse * g[i];
    if (batch_statistics)
      expected -= s * inverse * (s1 / N + (x[i] - mean) * inverse * inverse * true_s2 / N);
    CHECK_NEAR(r[STORED] * g[i] + (double)r[2 * STORED] * (x[i] - r[0]) + r[3 * STORED], expected, 3e-7);
  }
  for (int c = 1; c < STORED; ++c)
    for (int term = 0; term < 4; ++term)
      CHECK(r[term * STORED + c] == 0);

  bnc_channel_gradient scale_step = {AT(SUMS), AT(VARIANCE), AT(GRADIENT), 1, batch_statistics, 1, bits(epsilon), 1, 0};
  bnc_channel_gradient offset_step = {AT(SUMS), ABSENT, AT(OTHER), 0, batch_statistics, 1, 0, 0, 0};
  bnc_rt_channel_gradient(&exec, &scale_step);
  bnc_rt_channel_gradient(&exec, &offset_step);
  CHECK_NEAR(*floats(GRADIENT), s2 * inverse, 1e-7);
  CHECK_NEAR(*floats(OTHER), s1, 1e-7);
  CHECK_NEAR(exec.gradient_sum_of_squares, s2 * inverse * s2 * inverse + s1 * s1, 1e-6);
  offset_step.accumulate = 1;
  bnc_rt_channel_gradient(&exec, &offset_step);
  CHECK_NEAR(*floats(OTHER), 2 * s1, 1e-7);
  CHECK_NEAR(exec.gradient_sum_of_squares, s2 * inverse * s2 * inverse + 4 * s1 * s1, 1e-6);
}

/* ---- Movement --------------------------------------------------------------------------------------------- */

/* Slices (K/8, KH*KW, C, 8) of a convolution's weight gradient into (K, C, KH*KW). */
static void test_merge_slices(int64_t k, int64_t c, int64_t taps, int64_t batch, int64_t chains) {
  int64_t count = k * c * taps, stride = (count * 4 + 63) / 64 * 64, result = 1 << 22;
  int64_t used = chains < batch ? chains : batch;
  bnc_exec exec = make_exec(batch);
  bnc_merge_slices step = {AT(0),
                           AT(result),
                           stride,
                           BNC_GRID_IMAGES,
                           1,
                           1,
                           chains,
                           {8, c, taps, k / 8, 1, 1},
                           {1, 8, 8 * c, 8 * c * taps},
                           {c * taps, taps, 1, 8 * c * taps},
                           0};
  unsigned seed = 9;
  for (int64_t chain = 0; chain < used; ++chain)
    for (int64_t i = 0; i < count; ++i)
      floats(chain * stride)[i] = number(&seed);
  for (int twice = 0; twice < 2; ++twice) {
    double norm = 0;
    step.accumulate = twice;
    bnc_rt_merge_slices(&exec, &step);
    for (int64_t o = 0; o < k; ++o)
      for (int64_t i = 0; i < c; ++i)
        for (int64_t t = 0; t < taps; ++t) {
          double sum = 0;
          for (int64_t chain = 0; chain < used; ++chain)
            sum += floats(chain * stride)[((o / 8 * taps + t) * c + i) * 8 + o % 8];
          float found = floats(result)[(o * c + i) * taps + t];
          CHECK_NEAR(found, sum * (twice + 1), 1e-6);
          norm += (double)found * found;
        }
    CHECK_NEAR(exec.gradient_sum_of_squares, norm, 1e-12);
  }
  CHECK(isnan(floats(result)[count]));
}

/* Weights (K, C, taps) into (K/8 rounded up, taps, C, 8), flipped: the source's strides are negative. */
static void test_pack(int source_bits, int result_bits) {
  enum { K = 13, C = 40, TAPS = 9, RESULT = 1 << 22, RESULT_COUNT = 16 * C * TAPS };
  bnc_exec exec = make_exec(1);
  unsigned seed = 10;
  for (int i = 0; i < K * C * TAPS; ++i)
    if (source_bits == 32)
      floats(0)[i] = number(&seed);
    else
      doubles(0)[i] = number(&seed) / 3.0;
  int64_t first = (TAPS - 1) * source_bits / 8;
  bnc_pack whole = {AT(first),
                    AT(RESULT),
                    source_bits,
                    result_bits,
                    RESULT_COUNT,
                    {8, C, TAPS, K / 8, 1, 1},
                    {C * TAPS, TAPS, -1, 8 * C * TAPS},
                    {1, 8, 8 * C, 8 * C * TAPS}};
  bnc_pack rest = {AT(first + K / 8 * 8 * C * TAPS * source_bits / 8),
                   AT(RESULT + K / 8 * 8 * C * TAPS * result_bits / 8),
                   source_bits,
                   result_bits,
                   0,
                   {K % 8, C, TAPS, 1, 1, 1},
                   {C * TAPS, TAPS, -1},
                   {1, 8, 8 * C}};
  bnc_rt_pack(&exec, &whole);
  bnc_rt_pack(&exec, &rest);
  for (int k = 0; k < 16; ++k)
    for (int c = 0; c < C; ++c)
      for (int t = 0; t < TAPS; ++t) {
        int from = (k * C + c) * TAPS + TAPS - 1 - t, to = ((k / 8 * TAPS + t) * C + c) * 8 + k % 8;
        double value = k >= K ? 0 : source_bits == 32 ? floats(0)[from] : doubles(0)[from];
        double found = result_bits == 32 ? floats(RESULT)[to] : doubles(RESULT)[to];
        CHECK(found == (result_bits == 32 ? (float)value : value));
      }
  CHECK(isnan(result_bits == 32 ? floats(RESULT)[RESULT_COUNT] : doubles(RESULT)[RESULT_COUNT]));
}

/* Long rows and many rows: tiles of less than a matrix. */
static void test_pack_matrix(int64_t rows, int64_t columns) {
  enum { RESULT = 1 << 22 };
  bnc_exec exec = make_exec(1);
  for (int64_t i = 0; i < rows * columns; ++i)
    floats(0)[i] = (float)i;
  bnc_pack transpose = {AT(0), AT(RESULT), 32, 32, 0, {columns, rows, 1, 1, 1, 1}, {1, columns}, {rows, 1}};
  bnc_rt_pack(&exec, &transpose);
  int64_t wrong = 0;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      wrong += floats(RESULT)[c * rows + r] != (float)(r * columns + c);
  CHECK(wrong == 0 && isnan(floats(RESULT)[rows * columns]));
}

static void test_copy(int64_t bytes) {
  bnc_exec exec = make_exec(1);
  for (int64_t i = 0; i < bytes; ++i)
    arena[i] = (uint8_t)(i * 7);
  bnc_copy copy = {AT(0), AT(ARENA / 2), bytes}, fill = {ABSENT, AT(ARENA / 2), bytes};
  bnc_rt_copy(&exec, &copy);
  CHECK(memcmp(arena, arena + ARENA / 2, (size_t)bytes) == 0 && arena[ARENA / 2 + bytes] == 0xff);
  bnc_rt_copy(&exec, &fill);
  int64_t zeros = 0;
  while (zeros < bytes && arena[ARENA / 2 + zeros] == 0)
    zeros++;
  CHECK(zeros == bytes && arena[ARENA / 2 + bytes] == 0xff);
}

static void test_loss(void) {
  bnc_exec exec = make_exec(4);
  bnc_loss step = {AT(0), AT(64)};
  for (int i = 0; i < 4; ++i) {
    floats(0)[i] = 0.25f * (float)i;
    floats(64)[i] = i % 2 ? 1 : 0;
  }
  bnc_rt_loss(&exec, &step);
  CHECK(exec.loss == 1.5 && exec.correct == 2 && exec.bad_sample == -1);
  floats(0)[2] = NAN;
  floats(0)[3] = INFINITY;
  step.correct.space = -1;
  bnc_rt_loss(&exec, &step);
  CHECK(isnan(exec.loss) && exec.correct == 0 && exec.bad_sample == 2);
}

/* ---- Folding ------------------------------------------------------------------------------------------------- */

static void test_fold(int64_t outer, int64_t axis, int64_t inner) {
  enum {
    SCALE = 0,
    OFFSET = 1 << 12,
    MEAN = 2 << 12,
    VARIANCE = 3 << 12,
    SLOPE = 4 << 12,
    INTERCEPT = 6 << 12,
    WEIGHT = 1 << 20,
    FOLDED = 2 << 20,
    SHIFTED = 4 << 20,
    BIAS = 6 << 20
  };
  bnc_exec exec = make_exec(1);
  unsigned seed = 11;
  for (int64_t c = 0; c < axis; ++c) {
    floats(SCALE)[c] = c == 1 ? 0 : number(&seed); /* a zero and negative scales fold like any other */
    floats(OFFSET)[c] = number(&seed);
    floats(MEAN)[c] = number(&seed);
    floats(VARIANCE)[c] = 1 + number(&seed);
  }
  for (int64_t i = 0; i < outer * axis * inner; ++i)
    floats(WEIGHT)[i] = number(&seed);
  bnc_fold_coefficients coefficients = {AT(SCALE), AT(OFFSET),    AT(MEAN), AT(VARIANCE),
                                        AT(SLOPE), AT(INTERCEPT), axis,     bits(1e-5)};
  bnc_rt_fold_coefficients(&exec, &coefficients);
  for (int64_t c = 0; c < axis; ++c) {
    double a = floats(SCALE)[c] / sqrt(floats(VARIANCE)[c] + 1e-5);
    CHECK(doubles(SLOPE)[c] == a && doubles(INTERCEPT)[c] == floats(OFFSET)[c] - floats(MEAN)[c] * a);
  }
  bnc_fold_axis scale = {AT(WEIGHT), AT(SLOPE), AT(FOLDED), 32, outer, axis, inner, 0};
  bnc_fold_axis add = {AT(FOLDED), AT(INTERCEPT), AT(SHIFTED), 64, outer, axis, inner, 1};
  bnc_rt_fold_axis(&exec, &scale);
  bnc_rt_fold_axis(&exec, &add);
  for (int64_t i = 0; i < outer * axis * inner; ++i) {
    int64_t c = i / inner % axis;
    CHECK(doubles(FOLDED)[i] == floats(WEIGHT)[i] * doubles(SLOPE)[c]);
    CHECK(doubles(SHIFTED)[i] == doubles(FOLDED)[i] + doubles(INTERCEPT)[c]);
  }
  for (int64_t i = axis; i < 2 * axis; ++i)
    doubles(INTERCEPT)[i] = number(&seed); /* of a second group */
  for (int form = 0; form < 8; ++form) {
    int wide = form & 1, transposed = form >> 1 & 1, groups = outer % 2 == 0 ? 1 + (form >> 2) : 1;
    /* All taps, and the windows that hang over the end of the image, and over its start. */
    struct {
      bnc_fold_shift step;
      bnc_fold_taps places[3];
    } shift = {{AT(wide ? FOLDED : WEIGHT), AT(INTERCEPT), AT(BIAS), wide ? 64 : 32, outer, axis, {1, 1, inner}, groups,
                transposed, 3},
               {{{0, 0, 0}, {1, 1, inner}}, {{0, 0, 0}, {1, 1, inner - 1}}, {{0, 0, inner / 2}, {1, 1, inner}}}};
    bnc_rt_fold_shift(&exec, &shift.step);
    for (int64_t o = 0; o < outer; ++o)
      for (int p = 0; p < 3; ++p) {
        double sum = 0;
        for (int64_t k = shift.places[p].begin[2]; k < shift.places[p].end[2]; ++k) {
          double tap = 0;
          for (int64_t i = 0; i < axis; ++i) {
            int64_t at = (transposed ? i * outer + o : o * axis + i) * inner + k;
            tap += (wide ? doubles(FOLDED)[at] : floats(WEIGHT)[at]) * doubles(INTERCEPT)[o * groups / outer * axis + i];
          }
          sum += tap;
        }
        CHECK(doubles(BIAS)[o * 3 + p] == sum);
      }
  }
  /* What is absent. */
  bnc_fold_axis only_factor = {ABSENT, AT(INTERCEPT), AT(SHIFTED), 32, 1, axis, 1, 1};
  bnc_fold_axis only_source = {AT(WEIGHT), ABSENT, AT(FOLDED), 32, outer, axis, inner, 0};
  bnc_rt_fold_axis(&exec, &only_factor);
  bnc_rt_fold_axis(&exec, &only_source);
  CHECK(memcmp(doubles(SHIFTED), doubles(INTERCEPT), (size_t)axis * 8) == 0);
  CHECK(doubles(FOLDED)[outer * axis * inner - 1] == floats(WEIGHT)[outer * axis * inner - 1]);
  coefficients.scale.space = coefficients.offset.space = -1;
  bnc_rt_fold_coefficients(&exec, &coefficients);
  CHECK(doubles(SLOPE)[1] == 1 / sqrt(floats(VARIANCE)[1] + 1e-5));
  CHECK(doubles(INTERCEPT)[1] == -floats(MEAN)[1] * doubles(SLOPE)[1]);
}

static uint64_t digest(void) {
  uint64_t hash = 1469598103934665603u;
  for (int64_t i = 0; i < ARENA / 8; ++i)
    hash = (hash ^ ((uint64_t *)arena)[i]) * 1099511628211u;
  return hash;
}

int main(void) {
  bnc_options options;
  uint64_t digests[16], count = 0;
  CHECK(bnc_options_resolve(NULL, &options) == BNC_OK);
  arena = aligned_alloc(64, ARENA);
  for (int threads = 1; threads <= 4; threads += 3) {
    bnc_memory memory = {.allocator = options.allocator};
    context.threads = threads;
    context.pool = bnc_pool_create(&memory, threads);
    count = 0;
    for (int far = 0; far < 3; ++far) {
      static const double ratios[] = {0, 100, 1e5};
      test_merge_moments(BNC_GRID_ROWS, 3, 5, ratios[far]);
      test_merge_moments(BNC_GRID_IMAGES, 11, 20, ratios[far]);
      test_merge_moments(BNC_GRID_ROWS, 64, 67, ratios[far]);
      digests[count++] = digest();
    }
    test_constant_moments();
    test_normalize_coefficients();
    test_update_running();
    test_merge_sums(3, 5);
    test_merge_sums(200, 50);
    digests[count++] = digest();
    for (int i = 0; i < 4; ++i)
      test_gradient(i & 1, i >> 1);
    test_merge_slices(8, 3, 1, 5, 4);
    test_merge_slices(64, 32, 9, 2, 4);
    test_merge_slices(64, 64, 25, 16, 6);
    digests[count++] = digest();
    for (int i = 0; i < 4; ++i)
      test_pack(i & 1 ? 64 : 32, i & 2 ? 64 : 32);
    test_pack_matrix(3, 70000);
    test_pack_matrix(70000, 3);
    test_pack_matrix(300, 301);
    test_copy(13);
    test_copy(1000001);
    test_loss();
    test_fold(2, 3, 1);
    test_fold(40, 64, 9);
    digests[count++] = digest();
    if (threads > 1)
      for (uint64_t i = 0; i < count; ++i)
        CHECK(digests[i] == digests[8 + i]);
    for (uint64_t i = 0; i < count && threads == 1; ++i)
      digests[8 + i] = digests[i];
    bnc_pool_destroy(context.pool);
    bnc_memory_release(&memory);
  }
  free(arena);
  return report();
}
