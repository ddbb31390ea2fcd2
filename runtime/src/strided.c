#include "strided.h"

enum { LEAST_PIECE = 1 << 12 };

static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

static int64_t magnitude(int64_t stride) { return stride < 0 ? -stride : stride; }

typedef struct dimension {
  int64_t extent, source, result;
} dimension;

/* Dimensions of more than one element, in the order of the walk. */
static int order_dimensions(dimension *dims, int count, bnc_packed packed) {
  bool by_result = packed == BNC_PACKED_RESULT;
#define PACKED(d) magnitude(by_result ? (d).result : (d).source)
#define OTHER(d) magnitude(by_result ? (d).source : (d).result)
  int first = 0;
  for (int d = 1; d < count; ++d)
    if (PACKED(dims[d]) < PACKED(dims[first]))
      first = d;
  dimension lanes = dims[first];
  dims[first] = dims[0];
  dims[0] = lanes;
  for (int d = 2; d < count; ++d) {
    dimension moved = dims[d];
    int place = d;
    for (; place > 1 && OTHER(moved) < OTHER(dims[place - 1]); --place)
      dims[place] = dims[place - 1];
    dims[place] = moved;
  }
#undef PACKED
#undef OTHER
  /* Neighbours that are one dimension on both sides. */
  int kept = count < 2 ? count : 2;
  for (int d = 2; d < count; ++d) {
    dimension *last = &dims[kept - 1];
    if (dims[d].source == last->extent * last->source && dims[d].result == last->extent * last->result)
      last->extent *= dims[d].extent;
    else
      dims[kept++] = dims[d];
  }
  return kept;
}

bnc_walk bnc_walk_make(const int64_t *extent, const int64_t *source, const int64_t *result, bnc_packed packed) {
  dimension dims[BNC_MAX_DIMS + 1];
  int count = 0;
  for (int d = 0; d < BNC_MAX_DIMS; ++d)
    if (extent[d] != 1)
      dims[count++] = (dimension){extent[d], source[d], result[d]};
  if (count)
    count = order_dimensions(dims, count, packed);
  bnc_walk walk;
  for (int d = 0; d < BNC_MAX_DIMS; ++d) {
    walk.extent[d] = d < count ? dims[d].extent : 1;
    walk.source[d] = d < count ? dims[d].source : 0;
    walk.result[d] = d < count ? dims[d].result : 0;
  }
  int64_t rows = walk.extent[1] < BNC_TILE_ROWS ? walk.extent[1] : BNC_TILE_ROWS, planes = 1;
  if (rows < 1)
    rows = 1;
  else if (rows == walk.extent[1])
    planes = BNC_TILE_ROWS / rows > 8 ? BNC_TILE_ROWS / rows / 8 * 8 : BNC_TILE_ROWS / rows;
  if (planes > walk.extent[2])
    planes = walk.extent[2] > 0 ? walk.extent[2] : 1;
  walk.rows_per_tile = rows;
  walk.planes_per_tile = planes;
  walk.tiles = divide_up(walk.extent[1], rows) * divide_up(walk.extent[2], planes);
  for (int d = 3; d < BNC_MAX_DIMS; ++d)
    walk.tiles *= walk.extent[d];
  int64_t elements = walk.extent[0] * rows * planes;
  walk.tiles_per_piece = elements > 0 && elements < LEAST_PIECE ? LEAST_PIECE / elements : 1;
  if (walk.tiles > walk.tiles_per_piece * BNC_WALK_PIECES)
    walk.tiles_per_piece = divide_up(walk.tiles, BNC_WALK_PIECES);
  walk.pieces = divide_up(walk.tiles, walk.tiles_per_piece);
  return walk;
}

/* What is left of an extent from the tile `index` on, at most a tile. */
static int64_t within(int64_t extent, int64_t index, int64_t tile) {
  int64_t left = extent - index * tile;
  return left < tile ? left : tile;
}

void bnc_walk_piece(const bnc_walk *walk, int64_t piece, bnc_tile tile, void *state) {
  int64_t first = piece * walk->tiles_per_piece, end = first + walk->tiles_per_piece;
  if (end > walk->tiles)
    end = walk->tiles;
  /* A tile's place: blocks of rows in dimension 1, of planes in dimension 2, elements in the others. */
  int64_t step[BNC_MAX_DIMS], extent[BNC_MAX_DIMS], index[BNC_MAX_DIMS], source = 0, result = 0, rest = first;
  for (int d = 1; d < BNC_MAX_DIMS; ++d) {
    step[d] = d == 1 ? walk->rows_per_tile : d == 2 ? walk->planes_per_tile : 1;
    extent[d] = divide_up(walk->extent[d], step[d]);
    index[d] = rest % extent[d];
    rest /= extent[d];
    source += index[d] * step[d] * walk->source[d];
    result += index[d] * step[d] * walk->result[d];
  }
  for (int64_t t = first; t < end; ++t) {
    tile(state, source, result, within(walk->extent[1], index[1], walk->rows_per_tile),
         within(walk->extent[2], index[2], walk->planes_per_tile));
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
