/* movement.c: weight gradients out of slices, weights into the kernels' layout, staged values into place. */
#include "launch.h"
#include "parallel.h"
#include "strided.h"
#include "wide.h"

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

enum { SUM_BLOCK = 256 };

/* sums[row * count + i] over the chains, of `rows` rows of `count` elements. */
BNC_INLINE void sum_slices(const slices_state *state, int64_t source, int64_t rows, int64_t count, double *sums) {
  int64_t across = state->walk.source[0], down = state->walk.source[1];
  memset(sums, 0, (size_t)(rows * count) * sizeof *sums);
  for (int64_t chain = 0; chain < state->chains; ++chain) {
    const float *slice = (const float *)(state->slices + chain * state->chain_stride) + source;
    for (int64_t row = 0; row < rows; ++row)
      if (across == 1)
        for (int64_t i = 0; i < count; ++i)
          sums[row * count + i] += slice[row * down + i];
      else
        for (int64_t i = 0; i < count; ++i)
          sums[row * count + i] += slice[row * down + i * across];
  }
}

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

/* The sums, rounded; a single slice is what it is. */
BNC_INLINE void read_slices(const slices_state *state, int64_t source, int64_t rows, int64_t count, float *values) {
  double sums[SUM_BLOCK];
  if (state->chains != 1) {
    sum_slices(state, source, rows, count, sums);
    for (int64_t i = 0; i < rows * count; ++i)
      values[i] = (float)sums[i];
    return;
  }
  int64_t across = state->walk.source[0], down = state->walk.source[1];
  const float *slice = (const float *)state->slices + source;
  for (int64_t row = 0; row < rows; ++row)
    if (across == 1)
      memcpy(values + row * count, slice + row * down, (size_t)count * sizeof *values);
    else
      for (int64_t i = 0; i < count; ++i)
        values[row * count + i] = slice[row * down + i * across];
}

/* Adds what is there; what that was counted for is taken back: returns the difference to the sum of squares. */
BNC_INLINE double add_to(const slices_state *state, const float *result, int64_t source, int64_t rows, int64_t count, float *values) {
  int64_t across = state->walk.result[0], down = state->walk.result[1];
  double sums[SUM_BLOCK];
  float before[SUM_BLOCK];
  sum_slices(state, source, rows, count, sums);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t i = 0; i < count; ++i) {
      before[row * count + i] = result[row * down + i * across];
      values[row * count + i] = (float)(sums[row * count + i] + before[row * count + i]);
    }
  return -squares(before, rows * count);
}

/* What lies side by side is written together: lines that are far apart may share a place in the cache. */
BNC_INLINE void store_values(const slices_state *state, float *result, int64_t rows, int64_t count, const float *values) {
  int64_t across = state->walk.result[0], down = state->walk.result[1];
  if (down < across)
    for (int64_t i = 0; i < count; ++i)
      for (int64_t row = 0; row < rows; ++row)
        result[row * down + i * across] = values[row * count + i];
  else
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t i = 0; i < count; ++i)
        result[row * down + i * across] = values[row * count + i];
}

BNC_WIDE static void merge_slices_tile(void *data, int64_t source, int64_t target, int64_t extent, int64_t planes) {
  slices_piece *piece = data;
  const slices_state *state = piece->state;
  const bnc_walk *walk = &state->walk;
  float values[SUM_BLOCK];
  for (int64_t plane = 0; plane < planes; ++plane)
    for (int64_t i = 0; i < walk->extent[0]; i += SUM_BLOCK) {
      int64_t count = walk->extent[0] - i < SUM_BLOCK ? walk->extent[0] - i : SUM_BLOCK;
      int64_t most = SUM_BLOCK / count;
      for (int64_t row = 0; row < extent; row += most) {
        int64_t rows = extent - row < most ? extent - row : most;
        int64_t from = source + plane * walk->source[2] + i * walk->source[0] + row * walk->source[1];
        float *result =
            state->result + target + plane * walk->result[2] + i * walk->result[0] + row * walk->result[1];
        if (state->accumulate)
          piece->norm += add_to(state, result, from, rows, count, values);
        else
          read_slices(state, from, rows, count, values);
        store_values(state, result, rows, count, values);
        piece->norm += squares(values, rows * count);
      }
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
PACK_TILE(pack_tile_32_32, float, float)
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
    state.tile = step->result_bits == 32 ? pack_tile_32_32 : pack_tile_32_64;
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
