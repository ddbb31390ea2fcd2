/* bnc_rt_winograd_weights: U = T g T^t for every filter, in double and rounded once; windows mirrored for gradients; channels
 * past the last one are zero. The oracle adds up the nine products of every element by itself. */
#include "check.h"

#include "bnc/model_abi.h"

#include <math.h>
#include <string.h>

enum { K = 21, C = 5, BLOCK = 16, BLOCKS = 2, RESULT = 1 << 16 };

static _Alignas(64) uint8_t arena[1 << 18];

static void test_transform(int64_t size, int bits, int mirrored) {
  bnc_exec exec = {.batch = 1, .max_batch = 1};
  exec.base[BNC_SPACE_FIXED] = arena;
  memset(arena, 0xff, sizeof arena);
  float *floats = (float *)arena;
  double *doubles = (double *)arena, transform[8][3];
  for (int i = 0; i < K * C * 9; ++i) {
    double value = sin(i * 0.7) / (1 + i % 3);
    if (bits == 32)
      floats[i] = (float)value;
    else
      doubles[i] = value;
  }
  bnc_winograd_weights step = {.source = {BNC_SPACE_FIXED, mirrored ? 8 * bits / 8 : 0},
                               .result = {BNC_SPACE_FIXED, RESULT},
                               .source_bits = bits,
                               .outputs = mirrored ? C : K,
                               .inputs = mirrored ? K : C,
                               .block = BLOCK,
                               .blocks = mirrored ? 1 : BLOCKS,
                               .size = size,
                               .output_stride = mirrored ? 9 : C * 9,
                               .input_stride = mirrored ? C * 9 : 9,
                               .y_stride = mirrored ? -3 : 3,
                               .x_stride = mirrored ? -1 : 1};
  for (int i = 0; i < size * 3; ++i) {
    transform[i / 3][i % 3] = cos(i * 1.3);
    memcpy(&step.transform[i], &transform[i / 3][i % 3], 8);
  }
  bnc_rt_winograd_weights(&exec, &step);
  int wrong = 0;
  for (int64_t k = 0; k < step.blocks * BLOCK; ++k)
    for (int64_t c = 0; c < step.inputs; ++c)
      for (int64_t i = 0; i < size; ++i)
        for (int64_t j = 0; j < size; ++j) {
          double sum = 0;
          for (int y = 0; k < step.outputs && y < 3; ++y)
            for (int x = 0; x < 3; ++x) {
              int64_t window = mirrored ? 8 - y * 3 - x : y * 3 + x;
              int64_t at = (mirrored ? c * C + k : k * C + c) * 9 + window;
              sum += transform[i][y] * transform[j][x] * (bits == 32 ? floats[at] : doubles[at]);
            }
          float found = ((float *)(arena + RESULT))[(((k / BLOCK * size + i) * size + j) * step.inputs + c) * BLOCK + k % BLOCK];
          wrong += !(fabs(found - sum) <= 1e-7 * fabs(sum) + 1e-12);
        }
  CHECK(wrong == 0);
  CHECK(isnan(((float *)(arena + RESULT))[step.blocks * BLOCK * size * size * step.inputs]));
}

int main(void) {
  for (int64_t size = 4; size <= 6; size += 2)
    for (int bits = 32; bits <= 64; bits += 32)
      for (int mirrored = 0; mirrored < 2; ++mirrored)
        test_transform(size, bits, mirrored);
  return report();
}
