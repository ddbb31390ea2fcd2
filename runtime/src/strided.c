#include "strided.h"

enum { LEAST_PIECE = 1 << 12 };

static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

static int64_t magnitude(int64_t stride) { return stride < 0 ? -stride : stride; }

bnc_walk bnc_walk_make(const int64_t *extent, const int64_t *source, const int64_t *result, const int64_t *packed) {
  bnc_walk walk;
  int order[BNC_MAX_DIMS];
  /* Dimensions of one element have any stride; they go last. */
  for (int d = 0; d < BNC_MAX_DIMS; ++d) {
    int place = d;
    for (; place > 0; --place) {
      int before = order[place - 1];
      bool first = extent[d] != 1 && (extent[before] == 1 || magnitude(packed[d]) < magnitude(packed[before]));
      if (!first)
        break;
      order[place] = before;
    }
    order[place] = d;
  }
  for (int d = 0; d < BNC_MAX_DIMS; ++d) {
    walk.extent[d] = extent[order[d]];
    walk.source[d] = source[order[d]];
    walk.result[d] = result[order[d]];
  }
  walk.rows_per_tile = walk.extent[0] > 0 && walk.extent[0] < LEAST_PIECE ? LEAST_PIECE / walk.extent[0] : 1;
  if (walk.rows_per_tile > walk.extent[1])
    walk.rows_per_tile = walk.extent[1] > 0 ? walk.extent[1] : 1;
  walk.tiles = divide_up(walk.extent[1], walk.rows_per_tile);
  for (int d = 2; d < BNC_MAX_DIMS; ++d)
    walk.tiles *= walk.extent[d];
  int64_t elements = walk.extent[0] * walk.rows_per_tile;
  walk.tiles_per_piece = elements > 0 && elements < LEAST_PIECE ? LEAST_PIECE / elements : 1;
  if (walk.tiles > walk.tiles_per_piece * BNC_WALK_PIECES)
    walk.tiles_per_piece = divide_up(walk.tiles, BNC_WALK_PIECES);
  walk.pieces = divide_up(walk.tiles, walk.tiles_per_piece);
  return walk;
}

void bnc_walk_piece(const bnc_walk *walk, int64_t piece, bnc_tile tile, void *state) {
  int64_t first = piece * walk->tiles_per_piece, end = first + walk->tiles_per_piece;
  if (end > walk->tiles)
    end = walk->tiles;
  /* A tile's place: blocks of rows in dimension 1, elements in the others. */
  int64_t step[BNC_MAX_DIMS], extent[BNC_MAX_DIMS], index[BNC_MAX_DIMS], source = 0, result = 0, rest = first;
  for (int d = 1; d < BNC_MAX_DIMS; ++d) {
    step[d] = d == 1 ? walk->rows_per_tile : 1;
    extent[d] = divide_up(walk->extent[d], step[d]);
    index[d] = rest % extent[d];
    rest /= extent[d];
    source += index[d] * step[d] * walk->source[d];
    result += index[d] * step[d] * walk->result[d];
  }
  for (int64_t t = first; t < end; ++t) {
    int64_t left = walk->extent[1] - index[1] * walk->rows_per_tile;
    tile(state, source, result, left < walk->rows_per_tile ? left : walk->rows_per_tile);
    for (int d = 1; d < BNC_MAX_DIMS; ++d) {
      source += step[d] * walk->source[d];
      result += step[d] * walk->result[d];
      if (++index[d] < extent[d])
        break;
      source -= extent[d] * step[d] * walk->source[d];
      result -= extent[d] * step[d] * walk->result[d];
      index[d] = 0;
    }
  }
}
