/* workflow.h: what the programs that follow a framework's training loop share: what they write for compare_golden.py. */
#ifndef WORKFLOW_H
#define WORKFLOW_H

#include "app.h"

/* The losses of a run, in the format of `bnc train --metrics`. */
static inline FILE *metrics_open(const char *path) {
  FILE *file = fopen(path, "w");
  EXPECT(file);
  fprintf(file, "step,loss,accuracy\n");
  return file;
}

static inline void metrics_add(FILE *file, long step, const bnc_metrics *metrics) {
  fprintf(file, "%ld,%.9g,%.9g\n", step, metrics->loss, metrics->accuracy);
}

static inline void write_floats(const char *path, const float *values, size_t count) {
  FILE *file = fopen(path, "wb");
  EXPECT(file && fwrite(values, sizeof *values, count, file) == count && fclose(file) == 0);
}

#endif
