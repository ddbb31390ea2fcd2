/* winograd.c: weights of 3x3 convolutions, transformed for Winograd's minimal filtering. */
#include "launch.h"
#include "parallel.h"
#include "wide.h"

#include <string.h>

enum { WINDOW = 3, MAX_SIZE = 8, CHANNELS = 16 };

typedef struct winograd_state {
  const bnc_winograd_weights *step;
  const uint8_t *source;
  float *result;
  double transform[MAX_SIZE][WINDOW];
} winograd_state;

BNC_INLINE double element(const winograd_state *state, int64_t index) {
  return state->step->source_bits == 64 ? ((const double *)state->source)[index] : ((const float *)state->source)[index];
}

/* One input channel of one block: CHANNELS outputs at a time, so that every line of the arithmetic is a loop over them. */
BNC_WIDE static void transform_piece(void *data, int64_t index, int64_t worker) {
  const winograd_state *state = data;
  const bnc_winograd_weights *step = state->step;
  int64_t block = index / step->inputs, input = index % step->inputs, size = step->size;
  (void)worker;
  for (int64_t first = 0; first < step->block; first += CHANNELS) {
    int64_t count = step->block - first < CHANNELS ? step->block - first : CHANNELS;
    double weight[WINDOW][WINDOW][CHANNELS], down[MAX_SIZE][WINDOW][CHANNELS];
    memset(weight, 0, sizeof weight);
    for (int64_t k = 0; k < count; ++k) {
      int64_t output = block * step->block + first + k;
      for (int64_t y = 0; output < step->outputs && y < WINDOW; ++y)
        for (int64_t x = 0; x < WINDOW; ++x)
          weight[y][x][k] = element(state, output * step->output_stride + input * step->input_stride + y * step->y_stride +
                                               x * step->x_stride);
    }
    for (int64_t i = 0; i < size; ++i)
      for (int64_t x = 0; x < WINDOW; ++x)
        for (int64_t k = 0; k < CHANNELS; ++k)
          down[i][x][k] = state->transform[i][0] * weight[0][x][k] + state->transform[i][1] * weight[1][x][k] +
                          state->transform[i][2] * weight[2][x][k];
    for (int64_t i = 0; i < size; ++i)
      for (int64_t j = 0; j < size; ++j) {
        const double *row = state->transform[j];
        float *result = state->result + (((block * size + i) * size + j) * step->inputs + input) * step->block + first;
        for (int64_t k = 0; k < count; ++k)
          result[k] = (float)(row[0] * down[i][0][k] + row[1] * down[i][1][k] + row[2] * down[i][2][k]);
      }
  }
}

void bnc_rt_winograd_weights(bnc_exec *exec, const bnc_winograd_weights *step) {
  winograd_state state = {.step = step,
                          .source = bnc_address(exec, step->source.space, step->source.offset),
                          .result = (float *)bnc_address(exec, step->result.space, step->result.offset)};
  memcpy(state.transform, step->transform, (size_t)(step->size * WINDOW) * sizeof(double));
  bnc_parallel(exec, step->blocks * step->inputs, transform_piece, &state);
}
