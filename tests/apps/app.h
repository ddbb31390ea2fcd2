/* app.h: what the test programs of this folder share. */
#ifndef APP_H
#define APP_H

#include <bnc/runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the program with the failed expression and the runtime's sentence. */
#define EXPECT(condition)                                                                                              \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, bnc_error_text());                           \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  } while (0)

/* Fills with values in [0, 1) that depend on the seed only. */
static inline void fill(float *values, size_t count, uint32_t seed) {
  for (size_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    values[i] = (float)(seed >> 8) / 16777216.0f;
  }
}

static inline void fill_labels(int32_t *labels, size_t count, uint32_t classes, uint32_t seed) {
  for (size_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    labels[i] = (int32_t)((seed >> 8) % classes);
  }
}

#endif
