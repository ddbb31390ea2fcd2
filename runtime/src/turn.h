/* turn.h: copies a tile from one layout to another, in which other elements lie together. */
#ifndef BNC_TURN_H
#define BNC_TURN_H

#include "strided.h"
#include "wide.h"

/* A tile in memory: lanes, rows and planes are so many elements apart. */
typedef struct bnc_side {
  float *data;
  int64_t lane, row, plane;
} bnc_side;

typedef float bnc_eight __attribute__((vector_size(32), aligned(4)));

/* to[to_at[i] + k] = from[from_at[k] + i] for i, k < 8: by pairs, fours and halves. */
BNC_INLINE void bnc_turn_eight(const float *from, const int64_t *from_at, float *to, const int64_t *to_at) {
  bnc_eight pair[8], four[8];
  for (int k = 0; k < 8; k += 2) {
    bnc_eight even = *(const bnc_eight *)(from + from_at[k]), odd = *(const bnc_eight *)(from + from_at[k + 1]);
    pair[k] = __builtin_shufflevector(even, odd, 0, 8, 1, 9, 4, 12, 5, 13);
    pair[k + 1] = __builtin_shufflevector(even, odd, 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int k = 0; k < 8; k += 4)
    for (int i = 0; i < 2; ++i) {
      four[k + 2 * i] = __builtin_shufflevector(pair[k + i], pair[k + i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      four[k + 2 * i + 1] = __builtin_shufflevector(pair[k + i], pair[k + i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int i = 0; i < 4; ++i) {
    *(bnc_eight *)(to + to_at[i]) = __builtin_shufflevector(four[i], four[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    *(bnc_eight *)(to + to_at[i + 4]) = __builtin_shufflevector(four[i], four[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

/* Rows [row, end) of all planes, one plane's after the other's, without their first `lane` lanes. */
BNC_INLINE void bnc_copy_rows(const bnc_side *from, const bnc_side *to, int64_t lane, int64_t lanes, int64_t row, int64_t end, int64_t rows) {
  int64_t plane = row / rows;
  for (row %= rows, end -= plane * rows; row < end; ++row) {
    if (row == rows)
      row = 0, end -= rows, ++plane;
    const float *source = from->data + row * from->row + plane * from->plane;
    float *result = to->data + row * to->row + plane * to->plane;
    if (from->lane == 1 && to->lane == 1)
      for (int64_t i = lane; i < lanes; ++i)
        result[i] = source[i];
    else
      for (int64_t i = lane; i < lanes; ++i)
        result[i * to->lane] = source[i * from->lane];
  }
}

/* At most BNC_TILE_ROWS rows in all planes; eight of them by eight lanes at a time where lanes lie together on one side and
 * rows on the other. Results are written line by line: of planes that follow each other all rows are one there. */
BNC_INLINE void bnc_turn(bnc_side from, bnc_side to, int64_t lanes, int64_t rows, int64_t planes) {
  bool reads_lanes = from.lane == 1;
  bnc_side *by_lanes = reads_lanes ? &from : &to, *by_rows = reads_lanes ? &to : &from;
  if (by_rows->row < 0) { /* the last row first, on both sides */
    from.data += (rows - 1) * from.row, from.row = -from.row;
    to.data += (rows - 1) * to.row, to.row = -to.row;
  }
  int64_t all = rows * planes, run = reads_lanes && by_rows->plane == rows ? all : rows, line[BNC_TILE_ROWS], column[8];
  int64_t eights = by_lanes->lane == 1 && by_rows->row == 1 && run >= 8 ? lanes / 8 * 8 : 0;
  if (eights) {
    for (int64_t plane = 0, i = 0; plane < planes; ++plane)
      for (int64_t row = 0; row < rows; ++row)
        line[i++] = row * by_lanes->row + plane * by_lanes->plane;
    for (int64_t i = 0; i < 8; ++i)
      column[i] = i * by_rows->lane;
    for (int64_t first = 0; first < all; first += run) {
      float *corner = by_rows->data + first / rows * by_rows->plane;
      if (reads_lanes)
        for (int64_t lane = 0; lane < eights; lane += 8)
          for (int64_t row = 0; row + 8 <= run; row += 8)
            bnc_turn_eight(from.data + lane, line + first + row, corner + lane * to.lane + row, column);
      else
        for (int64_t row = 0; row + 8 <= run; row += 8)
          for (int64_t lane = 0; lane < eights; lane += 8)
            bnc_turn_eight(corner + lane * from.lane + row, column, to.data + lane, line + first + row);
      bnc_copy_rows(&from, &to, 0, eights, first + run / 8 * 8, first + run, rows);
    }
  }
  bnc_copy_rows(&from, &to, eights, lanes, 0, all, rows);
}

#endif
