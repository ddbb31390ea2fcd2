#include "strided.h"

enum { LEAST_PIECE = 1 << 14 };

static void exchange(int64_t *values, int a, int b) {
  int64_t value = values[a];
  values[a] = values[b];
  values[b] = value;
}

static void exchange_dimensions(bnc_walk *walk, int a, int b) {
  exchange(walk->extent, a, b);
  exchange(walk->source, a, b);
  exchange(walk->result, a, b);
}

/* Contiguous on both sides, else on the source's, else on the result's, else long. */
static int inner_rank(const bnc_walk *walk, int d) {
  if (walk->extent[d] <= 1)
    return -1;
  return 2 * (walk->source[d] == 1) + (walk->result[d] == 1);
}

bnc_walk bnc_walk_make(const int64_t *extent, const int64_t *source, const int64_t *result) {
  bnc_walk walk;
  for (int d = 0; d < BNC_MAX_DIMS; ++d) {
    walk.extent[d] = extent[d];
    walk.source[d] = source[d];
    walk.result[d] = result[d];
  }
  int inner = 0;
  for (int d = 1; d < BNC_MAX_DIMS; ++d) {
    int rank = inner_rank(&walk, d), best = inner_rank(&walk, inner);
    if (rank > best || (rank == best && walk.extent[d] > walk.extent[inner]))
      inner = d;
  }
  exchange_dimensions(&walk, 0, inner);
  for (int d = 1; d < BNC_MAX_DIMS; ++d)
    for (int e = d; e > 1 && walk.result[e] < walk.result[e - 1]; --e)
      exchange_dimensions(&walk, e, e - 1);
  walk.rows = 1;
  for (int d = 1; d < BNC_MAX_DIMS; ++d)
    walk.rows *= walk.extent[d];
  int64_t inner_extent = walk.extent[0] > 0 ? walk.extent[0] : 1;
  walk.rows_per_piece = LEAST_PIECE / inner_extent > 1 ? LEAST_PIECE / inner_extent : 1;
  if (walk.rows > walk.rows_per_piece * BNC_WALK_PIECES)
    walk.rows_per_piece = (walk.rows + BNC_WALK_PIECES - 1) / BNC_WALK_PIECES;
  walk.pieces = (walk.rows + walk.rows_per_piece - 1) / walk.rows_per_piece;
  return walk;
}

void bnc_walk_piece(const bnc_walk *walk, int64_t piece, void (*row)(void *state, int64_t source, int64_t result),
                    void *state) {
  int64_t first = piece * walk->rows_per_piece, end = first + walk->rows_per_piece;
  if (end > walk->rows)
    end = walk->rows;
  int64_t index[BNC_MAX_DIMS], source = 0, result = 0, rest = first;
  for (int d = 1; d < BNC_MAX_DIMS; ++d) {
    index[d] = rest % walk->extent[d];
    rest /= walk->extent[d];
    source += index[d] * walk->source[d];
    result += index[d] * walk->result[d];
  }
  for (int64_t r = first; r < end; ++r) {
    row(state, source, result);
    for (int d = 1; d < BNC_MAX_DIMS; ++d) {
      source += walk->source[d];
      result += walk->result[d];
      if (++index[d] < walk->extent[d])
        break;
      source -= walk->extent[d] * walk->source[d];
      result -= walk->extent[d] * walk->result[d];
      index[d] = 0;
    }
  }
}
