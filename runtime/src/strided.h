/* strided.h: a walk over two strided tensors of equal extents, cut into pieces that threads can share. */
#ifndef BNC_STRIDED_H
#define BNC_STRIDED_H

#include "bnc/model_abi.h"

#include <stdbool.h>

/* Dimension 0 is the one that lies together on the packed side; the rest follow by their stride on the other side, so that
 * its lines are used up before they leave the first-level cache. A tile is whole along dimension 0, with some rows of
 * dimension 1 in some planes of dimension 2. Strides are elements and may be negative. */
typedef struct bnc_walk {
  int64_t extent[BNC_MAX_DIMS], source[BNC_MAX_DIMS], result[BNC_MAX_DIMS];
  int64_t rows_per_tile, planes_per_tile;
  int64_t tiles;
  int64_t tiles_per_piece; /* a function of the extents alone: sums over pieces do not depend on threads */
  int64_t pieces;
} bnc_walk;

enum { BNC_WALK_PIECES = 256 };

/* A tile has at most so many rows in all its planes. What turns them around keeps some lanes of it in an array: they stay in
 * the first-level cache, on lines that do not compete. */
enum { BNC_TILE_ROWS = 128, BNC_TILE_LANES = 64, BNC_TILE_PITCH = 80 };

typedef enum bnc_packed { BNC_PACKED_SOURCE, BNC_PACKED_RESULT } bnc_packed;

bnc_walk bnc_walk_make(const int64_t *extent, const int64_t *source, const int64_t *result, bnc_packed packed);

/* Calls tile(state, source offset, result offset, rows, planes) for every tile of the piece, in order. */
typedef void (*bnc_tile)(void *state, int64_t source, int64_t result, int64_t rows, int64_t planes);
void bnc_walk_piece(const bnc_walk *walk, int64_t piece, bnc_tile tile, void *state);

#endif
