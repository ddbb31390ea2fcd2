/* strided.h: a walk over two strided tensors of equal extents, cut into pieces that threads can share. */
#ifndef BNC_STRIDED_H
#define BNC_STRIDED_H

#include "bnc/model_abi.h"

/* Dimension 0 is the inner loop; the others follow by the result's stride, so that the result's cache lines
 * are finished soon after they are begun. Strides are elements and may be negative. */
typedef struct bnc_walk {
  int64_t extent[BNC_MAX_DIMS], source[BNC_MAX_DIMS], result[BNC_MAX_DIMS];
  int64_t rows;           /* product of the extents but the inner one */
  int64_t rows_per_piece; /* a function of the extents alone: sums over pieces do not depend on threads */
  int64_t pieces;
} bnc_walk;

enum { BNC_WALK_PIECES = 256 };

bnc_walk bnc_walk_make(const int64_t *extent, const int64_t *source, const int64_t *result);

/* Calls row(state, source offset, result offset) for every row of the piece, in order. */
void bnc_walk_piece(const bnc_walk *walk, int64_t piece, void (*row)(void *state, int64_t source, int64_t result),
                    void *state);

#endif
