/* check.h: what the runtime's tests need to say what failed. */
#ifndef CHECK_H
#define CHECK_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(CONDITION)                                                                                               \
  do {                                                                                                                 \
    if (!(CONDITION)) {                                                                                                \
      failures++;                                                                                                      \
      fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #CONDITION);                                    \
    }                                                                                                                  \
  } while (0)

/* |found - expected| <= tolerance * max(1, |expected|); NaN never passes. */
#define CHECK_NEAR(FOUND, EXPECTED, TOLERANCE)                                                                         \
  do {                                                                                                                 \
    double found_ = (FOUND), expected_ = (EXPECTED);                                                                   \
    if (!(fabs(found_ - expected_) <= (TOLERANCE)*fmax(1, fabs(expected_)))) {                                         \
      failures++;                                                                                                      \
      fprintf(stderr, "%s:%d: %s is %.9g, expected %.9g\n", __FILE__, __LINE__, #FOUND, found_, expected_);            \
    }                                                                                                                  \
  } while (0)

#define CHECK_TEXT(FOUND, EXPECTED)                                                                                    \
  do {                                                                                                                 \
    const char *found_ = (FOUND);                                                                                      \
    if (strcmp(found_, EXPECTED) != 0) {                                                                               \
      failures++;                                                                                                      \
      fprintf(stderr, "%s:%d: found    %s\n  expected %s\n", __FILE__, __LINE__, found_, EXPECTED);                    \
    }                                                                                                                  \
  } while (0)

#define CHECK_CONTAINS(FOUND, PART)                                                                                    \
  do {                                                                                                                 \
    const char *found_ = (FOUND);                                                                                      \
    if (!strstr(found_, PART)) {                                                                                       \
      failures++;                                                                                                      \
      fprintf(stderr, "%s:%d: \"%s\" does not say \"%s\"\n", __FILE__, __LINE__, found_, PART);                        \
    }                                                                                                                  \
  } while (0)

static inline int report(void) {
  if (failures)
    fprintf(stderr, "%d failures\n", failures);
  return failures != 0;
}

/* Numbers in [-1, 1) without a pattern that a test could depend on. */
static inline float number(unsigned *state) {
  *state = *state * 1664525u + 1013904223u;
  return (float)(*state >> 8) * 0x1p-23f - 1;
}

#endif
