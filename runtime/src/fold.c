/* fold.c: the arithmetic of folding. In double, in index order, every element by one thread: `create`, `fold`
 * and a fresh compile give the same bits. */
#include "parallel.h"

#include <math.h>
#include <string.h>

enum { ELEMENTS_PER_PIECE = 1 << 14 };

static double value_at(const void *values, int64_t bits, int64_t index) {
  return bits == 32 ? ((const float *)values)[index] : ((const double *)values)[index];
}

void bnc_rt_fold_coefficients(bnc_exec *exec, const bnc_fold_coefficients *step) {
  const float *scale = bnc_locate(exec, step->scale), *offset = bnc_locate(exec, step->offset);
  const float *mean = bnc_locate(exec, step->mean), *variance = bnc_locate(exec, step->variance);
  double *slope = bnc_locate(exec, step->slope), *intercept = bnc_locate(exec, step->intercept);
  double epsilon;
  memcpy(&epsilon, &step->epsilon, sizeof epsilon);
  for (int64_t c = 0; c < step->channels; ++c) {
    slope[c] = (scale ? scale[c] : 1.0) / sqrt(variance[c] + epsilon);
    intercept[c] = (offset ? offset[c] : 0.0) - mean[c] * slope[c];
  }
}

typedef struct fold_state {
  const void *step, *source;
  const double *operand;
  double *result;
  int64_t lines_per_piece;
} fold_state;

/* A line is the `inner` elements that share a factor. */
static void fold_axis_piece(void *data, int64_t index, int64_t worker) {
  const fold_state *state = data;
  const bnc_fold_axis *step = state->step;
  int64_t first = index * state->lines_per_piece, end = first + state->lines_per_piece;
  (void)worker;
  if (end > step->outer * step->axis)
    end = step->outer * step->axis;
  for (int64_t line = first; line < end; ++line) {
    double neutral = step->operation ? 0 : 1;
    double factor = state->operand ? state->operand[line % step->axis] : neutral;
    for (int64_t i = line * step->inner; i < (line + 1) * step->inner; ++i) {
      double value = state->source ? value_at(state->source, step->source_bits, i) : 0;
      state->result[i] = step->operation ? value + factor : value * factor;
    }
  }
}

static int64_t lines_per_piece(int64_t length) {
  return length > 0 && length < ELEMENTS_PER_PIECE ? ELEMENTS_PER_PIECE / length : 1;
}

void bnc_rt_fold_axis(bnc_exec *exec, const bnc_fold_axis *step) {
  fold_state state = {step, bnc_locate(exec, step->source), bnc_locate(exec, step->factor),
                      bnc_locate(exec, step->result), lines_per_piece(step->inner)};
  int64_t lines = step->outer * step->axis;
  bnc_parallel(exec, (lines + state.lines_per_piece - 1) / state.lines_per_piece, fold_axis_piece, &state);
}

static int64_t kernel_taps(const bnc_fold_shift *step) { return step->kernel[0] * step->kernel[1] * step->kernel[2]; }

static int holds_tap(const bnc_fold_taps *place, const int64_t at[3]) {
  for (int d = 0; d < 3; ++d)
    if (at[d] < place->begin[d] || at[d] >= place->end[d])
      return 0;
  return 1;
}

static void fold_shift_piece(void *data, int64_t index, int64_t worker) {
  const fold_state *state = data;
  const bnc_fold_shift *step = state->step;
  int64_t first = index * state->lines_per_piece, end = first + state->lines_per_piece;
  (void)worker;
  if (end > step->outer)
    end = step->outer;
  /* Where weight[o][i][0] lies: o * per_output + i * per_input. */
  int64_t taps = kernel_taps(step), per_output = step->transposed ? taps : step->axis * taps;
  int64_t per_input = step->transposed ? step->outer * taps : taps;
  const bnc_fold_taps *places = (const bnc_fold_taps *)(step + 1);
  for (int64_t o = first; o < end; ++o) {
    double *result = state->result + o * step->places;
    const double *shift = state->operand + o / (step->outer / step->groups) * step->axis;
    for (int64_t p = 0; p < step->places; ++p)
      result[p] = 0;
    for (int64_t k = 0; k < taps; ++k) {
      int64_t at[] = {k / step->kernel[2] / step->kernel[1], k / step->kernel[2] % step->kernel[1], k % step->kernel[2]};
      double sum = 0;
      for (int64_t i = 0; i < step->axis; ++i)
        sum += value_at(state->source, step->weight_bits, o * per_output + i * per_input + k) * shift[i];
      for (int64_t p = 0; p < step->places; ++p)
        if (holds_tap(&places[p], at))
          result[p] += sum;
    }
  }
}

void bnc_rt_fold_shift(bnc_exec *exec, const bnc_fold_shift *step) {
  fold_state state = {step, bnc_locate(exec, step->weight), bnc_locate(exec, step->shift),
                      bnc_locate(exec, step->result), lines_per_piece(step->axis * kernel_taps(step))};
  bnc_parallel(exec, (step->outer + state.lines_per_piece - 1) / state.lines_per_piece, fold_shift_piece, &state);
}
