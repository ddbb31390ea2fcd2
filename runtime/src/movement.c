/* movement.c: weight gradients out of slices, weights into the kernels' layout, staged values into place. */
#include "launch.h"
#include "parallel.h"
#include "strided.h"
#include "turn.h"

#include <string.h>

/* ---- merge_slices --------------------------------------------------------------------------------- */

typedef struct slices_state {
  bnc_walk walk;
  const uint8_t *slices;
  float *result;
  int64_t chains, chain_stride, accumulate;
  double norms[BNC_WALK_PIECES];
} slices_state;

typedef struct slices_piece {
  const slices_state *state;
  double norm;
} slices_piece;

/* Sum of squares, in lanes that a processor adds up at the same time. */
BNC_INLINE double squares(const float *values, int64_t count) {
  enum { LANES = 8 };
  double lanes[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int lane = 0; lane < LANES; ++lane)
      lanes[lane] += (double)values[i + lane] * values[i + lane];
  for (int lane = 0; i < count; ++i, ++lane)
    lanes[lane] += (double)values[i] * values[i];
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

/* values[i]: the sum over the chains, rounded; a single slice is what it is. */
BNC_INLINE void sum_slices(const slices_state *state, int64_t source, int64_t count, float *values) {
  int64_t across = state->walk.source[0];
  double sums[BNC_TILE_LANES];
  for (int64_t chain = 0; chain < state->chains; ++chain) {
    const float *slice = (const float *)(state->slices + chain * state->chain_stride) + source;
    if (chain == 0)
      for (int64_t i = 0; i < count; ++i)
        sums[i] = slice[i * across];
    else if (across == 1)
      for (int64_t i = 0; i < count; ++i)
        sums[i] += slice[i];
    else
      for (int64_t i = 0; i < count; ++i)
        sums[i] += slice[i * across];
  }
  for (int64_t i = 0; i < count; ++i)
    values[i] = (float)sums[i];
}

BNC_WIDE static void merge_slices_tile(void *data, int64_t source, int64_t target, int64_t rows, int64_t planes) {
  slices_piece *piece = data;
  const slices_state *state = piece->state;
  const bnc_walk *walk = &state->walk;
  float values[BNC_TILE_ROWS * BNC_TILE_PITCH];
  for (int64_t lane = 0; lane < walk->extent[0]; lane += BNC_TILE_LANES) {
    int64_t count = walk->extent[0] - lane < BNC_TILE_LANES ? walk->extent[0] - lane : BNC_TILE_LANES;
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t plane = 0; plane < planes; ++plane)
        sum_slices(state, source + lane * walk->source[0] + row * walk->source[1] + plane * walk->source[2], count,
                   values + (plane * rows + row) * BNC_TILE_PITCH);
    float *result = state->result + target + lane * walk->result[0];
    if (state->accumulate) /* what was counted for what is there is taken back */
      for (int64_t plane = 0; plane < planes; ++plane)
        for (int64_t row = 0; row < rows; ++row)
          for (int64_t i = 0; i < count; ++i) {
            float before = result[i * walk->result[0] + row * walk->result[1] + plane * walk->result[2]];
            values[(plane * rows + row) * BNC_TILE_PITCH + i] += before;
            piece->norm -= (double)before * before;
          }
    for (int64_t i = 0; i < rows * planes; ++i)
      piece->norm += squares(values + i * BNC_TILE_PITCH, count);
    bnc_turn((bnc_side){values, 1, BNC_TILE_PITCH, rows * BNC_TILE_PITCH},
             (bnc_side){result, walk->result[0], walk->result[1], walk->result[2]}, count, rows, planes);
  }
}

static void merge_slices_piece(void *data, int64_t index, int64_t worker) {
  slices_state *state = data;
  slices_piece piece = {state, 0};
  (void)worker;
  bnc_walk_piece(&state->walk, index, merge_slices_tile, &piece);
  state->norms[index] = piece.norm;
}

void bnc_rt_merge_slices(bnc_exec *exec, const bnc_merge_slices *step) {
  int64_t tasks = bnc_grid_tasks(step->grid, step->strips, step->block, 0, exec->batch);
  slices_state state = {.walk = bnc_walk_make(step->extent, step->slice_stride, step->result_stride, BNC_PACKED_SOURCE),
                        .slices = bnc_locate(exec, step->slices),
                        .result = bnc_locate(exec, step->result),
                        .chains = bnc_grid_chains(tasks, step->chains),
                        .chain_stride = step->chain_stride,
                        .accumulate = step->accumulate};
  bnc_parallel(exec, state.walk.pieces, merge_slices_piece, &state);
  double norm = 0;
  for (int64_t i = 0; i < state.walk.pieces; ++i)
    norm += state.norms[i];
  exec->gradient_sum_of_squares += norm;
}

/* ---- pack and copy --------------------------------------------------------------------------------- */

enum { BYTES_PER_PIECE = 1 << 18 };

typedef struct bytes_state {
  const uint8_t *source;
  uint8_t *result;
  int64_t bytes;
} bytes_state;

static void move_bytes_piece(void *data, int64_t index, int64_t worker) {
  const bytes_state *state = data;
  int64_t first = index * BYTES_PER_PIECE;
  size_t bytes = (size_t)(state->bytes - first < BYTES_PER_PIECE ? state->bytes - first : BYTES_PER_PIECE);
  (void)worker;
  if (state->source)
    memcpy(state->result + first, state->source + first, bytes);
  else
    memset(state->result + first, 0, bytes);
}

static void move_bytes(const bnc_exec *exec, const uint8_t *source, uint8_t *result, int64_t bytes) {
  bytes_state state = {source, result, bytes};
  bnc_parallel(exec, (bytes + BYTES_PER_PIECE - 1) / BYTES_PER_PIECE, move_bytes_piece, &state);
}

void bnc_rt_copy(bnc_exec *exec, const bnc_copy *step) {
  move_bytes(exec, bnc_locate(exec, step->source), bnc_locate(exec, step->result), step->bytes);
}

typedef struct pack_state {
  bnc_walk walk;
  const uint8_t *source;
  uint8_t *result;
  bnc_tile tile;
} pack_state;

BNC_WIDE static void pack_floats(void *data, int64_t source, int64_t target, int64_t rows, int64_t planes) {
  const pack_state *state = data;
  const bnc_walk *walk = &state->walk;
  bnc_turn((bnc_side){(float *)state->source + source, walk->source[0], walk->source[1], walk->source[2]},
           (bnc_side){(float *)state->result + target, walk->result[0], walk->result[1], walk->result[2]}, walk->extent[0], rows, planes);
}

#define PACK_TILE(NAME, FROM, TO)                                                                                      \
  static void NAME(void *data, int64_t source, int64_t target, int64_t rows, int64_t planes) {                         \
    const pack_state *state = data;                                                                                    \
    const bnc_walk *walk = &state->walk;                                                                               \
    for (int64_t plane = 0; plane < planes; ++plane)                                                                   \
      for (int64_t row = 0; row < rows; ++row) {                                                                       \
        const FROM *from = (const FROM *)state->source + source + plane * walk->source[2] + row * walk->source[1];     \
        TO *to = (TO *)state->result + target + plane * walk->result[2] + row * walk->result[1];                       \
        for (int64_t i = 0; i < walk->extent[0]; ++i)                                                                  \
          to[i * walk->result[0]] = (TO)from[i * walk->source[0]];                                                     \
      }                                                                                                                \
  }
PACK_TILE(pack_tile_32_64, float, double)
PACK_TILE(pack_tile_64_32, double, float)
PACK_TILE(pack_tile_64_64, double, double)
#undef PACK_TILE

static void pack_piece(void *data, int64_t index, int64_t worker) {
  pack_state *state = data;
  (void)worker;
  bnc_walk_piece(&state->walk, index, state->tile, state);
}

void bnc_rt_pack(bnc_exec *exec, const bnc_pack *step) {
  pack_state state = {.walk = bnc_walk_make(step->extent, step->source_stride, step->result_stride, BNC_PACKED_RESULT),
                      .source = bnc_locate(exec, step->source),
                      .result = bnc_locate(exec, step->result)};
  if (step->source_bits == 32)
    state.tile = step->result_bits == 32 ? pack_floats : pack_tile_32_64;
  else
    state.tile = step->result_bits == 32 ? pack_tile_64_32 : pack_tile_64_64;
  if (step->result_count)
    move_bytes(exec, NULL, state.result, step->result_count * step->result_bits / 8);
  bnc_parallel(exec, state.walk.pieces, pack_piece, &state);
}

/* ---- fill ------------------------------------------------------------------------------------------- */

void bnc_rt_fill(bnc_exec *exec, const bnc_fill *step) {
  void *result = bnc_locate(exec, step->result);
  double value;
  memcpy(&value, &step->value, sizeof value);
  for (int64_t i = 0; i < step->count; ++i)
    if (step->bits == 32)
      ((float *)result)[i] = (float)value;
    else
      ((double *)result)[i] = value;
}

void bnc_rt_constant(bnc_exec *exec, const bnc_constant *step) {
  memcpy(bnc_locate(exec, step->result), step + 1, (size_t)step->count * sizeof(float));
}

/* ---- add --------------------------------------------------------------------------------------------- */

void bnc_rt_add(bnc_exec *exec, const bnc_add *step) {
  const float *lhs = bnc_locate(exec, step->lhs), *rhs = bnc_locate(exec, step->rhs);
  float *result = bnc_locate(exec, step->result);
  double norm = 0;
  for (int64_t i = 0; i < step->count; ++i) {
    norm -= (double)lhs[i] * lhs[i] + (double)rhs[i] * rhs[i];
    result[i] = lhs[i] + rhs[i];
    norm += (double)result[i] * result[i];
  }
  exec->gradient_sum_of_squares += norm;
}
