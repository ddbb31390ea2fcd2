/* strided.h: a walk over two strided tensors of equal extents, cut into pieces that threads can share. */
#ifndef BNC_STRIDED_H
#define BNC_STRIDED_H

#include "bnc/model_abi.h"

#include <stdbool.h>

/* A tile is some rows of dimension 1, whole along dimension 0; the others follow by their stride on the packed side, so
 * that this one streams and the other side's lines are met again before they leave the cache. Strides are elements and
 * may be negative. */
typedef struct bnc_walk {
  int64_t extent[BNC_MAX_DIMS], source[BNC_MAX_DIMS], result[BNC_MAX_DIMS];
  int64_t rows_per_tile;
  int64_t tiles;
  int64_t tiles_per_piece; /* a function of the extents alone: sums over pieces do not depend on threads */
  int64_t pieces;
} bnc_walk;

enum { BNC_WALK_PIECES = 256 };

/* `packed` is `source` or `result`. */
bnc_walk bnc_walk_make(const int64_t *extent, const int64_t *source, const int64_t *result, const int64_t *packed);

/* Calls tile(state, source offset, result offset, rows) for every tile of the piece, in order. */
typedef void (*bnc_tile)(void *state, int64_t source, int64_t result, int64_t rows);
void bnc_walk_piece(const bnc_walk *walk, int64_t piece, bnc_tile tile, void *state);

#endif
