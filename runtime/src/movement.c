/* movement.c: weight gradients out of slices, weights into the kernels' layout, staged values into place. */
#include "launch.h"
#include "parallel.h"
#include "strided.h"

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

enum { SUM_BLOCK = 128 };

static void merge_slices_row(void *data, int64_t source, int64_t target) {
  slices_piece *piece = data;
  const slices_state *state = piece->state;
  int64_t extent = state->walk.extent[0], from = state->walk.source[0], to = state->walk.result[0];
  for (int64_t first = 0; first < extent; first += SUM_BLOCK) {
    int64_t count = extent - first < SUM_BLOCK ? extent - first : SUM_BLOCK;
    double sums[SUM_BLOCK];
    memset(sums, 0, (size_t)count * sizeof *sums);
    for (int64_t chain = 0; chain < state->chains; ++chain) {
      const float *slice = (const float *)(state->slices + chain * state->chain_stride) + source + first * from;
      if (from == 1)
        for (int64_t i = 0; i < count; ++i)
          sums[i] += slice[i];
      else
        for (int64_t i = 0; i < count; ++i)
          sums[i] += slice[i * from];
    }
    float *result = state->result + target + first * to;
    for (int64_t i = 0; i < count; ++i, result += to) {
      double sum = sums[i];
      if (state->accumulate) {
        piece->norm -= (double)*result * *result; /* counted when it was written */
        sum += *result;
      }
      *result = (float)sum;
      piece->norm += (double)*result * *result;
    }
  }
}

static void merge_slices_piece(void *data, int64_t index, int64_t worker) {
  slices_state *state = data;
  slices_piece piece = {state, 0};
  (void)worker;
  bnc_walk_piece(&state->walk, index, merge_slices_row, &piece);
  state->norms[index] = piece.norm;
}

void bnc_rt_merge_slices(bnc_exec *exec, const bnc_merge_slices *step) {
  int64_t tasks = bnc_grid_tasks(step->grid, step->strips, step->block, 0, exec->batch);
  slices_state state = {.walk = bnc_walk_make(step->extent, step->slice_stride, step->result_stride),
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
  void (*row)(void *state, int64_t source, int64_t result);
} pack_state;

#define PACK_ROW(NAME, FROM, TO)                                                                                       \
  static void NAME(void *data, int64_t source, int64_t target) {                                                       \
    const pack_state *state = data;                                                                                    \
    const FROM *from = (const FROM *)state->source + source;                                                           \
    TO *to = (TO *)state->result + target;                                                                             \
    int64_t extent = state->walk.extent[0], from_stride = state->walk.source[0], to_stride = state->walk.result[0];    \
    for (int64_t i = 0; i < extent; ++i)                                                                               \
      to[i * to_stride] = (TO)from[i * from_stride];                                                                   \
  }
PACK_ROW(pack_row_32_32, float, float)
PACK_ROW(pack_row_32_64, float, double)
PACK_ROW(pack_row_64_32, double, float)
PACK_ROW(pack_row_64_64, double, double)
#undef PACK_ROW

static void pack_piece(void *data, int64_t index, int64_t worker) {
  pack_state *state = data;
  (void)worker;
  bnc_walk_piece(&state->walk, index, state->row, state);
}

void bnc_rt_pack(bnc_exec *exec, const bnc_pack *step) {
  pack_state state = {.walk = bnc_walk_make(step->extent, step->source_stride, step->result_stride),
                      .source = bnc_locate(exec, step->source),
                      .result = bnc_locate(exec, step->result)};
  if (step->source_bits == 32)
    state.row = step->result_bits == 32 ? pack_row_32_32 : pack_row_32_64;
  else
    state.row = step->result_bits == 32 ? pack_row_64_32 : pack_row_64_64;
  if (step->result_count)
    move_bytes(exec, NULL, state.result, step->result_count * step->result_bits / 8);
  bnc_parallel(exec, state.walk.pieces, pack_piece, &state);
}
