/* A tile arrives as element by element copying brings it, whatever lies together on either side: lanes on one and rows on
 * the other, the same on both, neither, rows from the last to the first, planes that follow each other or do not. */
#include "check.h"
#include "turn.h"

#include <string.h>

enum { MOST = 1 << 16 };

BNC_WIDE static void turn(bnc_side from, bnc_side to, int64_t lanes, int64_t rows, int64_t planes) {
  bnc_turn(from, to, lanes, rows, planes);
}

static float source[MOST], turned[MOST], copied[MOST];

static void check(bnc_side from, bnc_side to, int64_t lanes, int64_t rows, int64_t planes) {
  for (int i = 0; i < MOST; ++i) {
    source[i] = (float)i;
    turned[i] = copied[i] = -1;
  }
  int64_t first = (from.row < 0 ? -from.row * (rows - 1) : 0) + (from.plane < 0 ? -from.plane * (planes - 1) : 0);
  from.data = source + first;
  to.data = turned;
  for (int64_t plane = 0; plane < planes; ++plane)
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t lane = 0; lane < lanes; ++lane)
        copied[lane * to.lane + row * to.row + plane * to.plane] =
            source[first + lane * from.lane + row * from.row + plane * from.plane];
  turn(from, to, lanes, rows, planes);
  CHECK(memcmp(turned, copied, sizeof turned) == 0);
}

int main(void) {
  static const struct {
    int64_t lanes, rows, planes;
  } tiles[] = {{64, 9, 8}, {64, 1, 128}, {64, 128, 1}, {13, 25, 5}, {8, 8, 1}, {7, 9, 3}, {16, 3, 5}, {24, 10, 2}, {1, 4, 4}, {90, 17, 2}};
  for (size_t i = 0; i < sizeof tiles / sizeof *tiles; ++i) {
    int64_t lanes = tiles[i].lanes, rows = tiles[i].rows, planes = tiles[i].planes, all = rows * planes;
    bnc_side by_lanes = {0, 1, lanes * planes, lanes}, by_rows = {0, all, 1, rows}, apart = {0, all + 5 * planes, 1, rows + 5};
    bnc_side padded = {0, 1, lanes + 3, (lanes + 3) * rows}, mirrored = {0, all, -1, rows}, backward = {0, all, -1, -rows}, neither = {0, 2, 2 * lanes, 2 * lanes * rows};
    const bnc_side sides[] = {by_lanes, by_rows, apart, padded, mirrored, backward, neither};
    for (size_t from = 0; from < sizeof sides / sizeof *sides; ++from)
      for (size_t to = 0; to < sizeof sides / sizeof *sides; ++to)
        if (sides[to].row > 0)
          check(sides[from], sides[to], lanes, rows, planes);
  }
  return failures != 0;
}
