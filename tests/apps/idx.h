/* idx.h: reads uncompressed IDX files (the format of MNIST and its kin) in the examples. */
#ifndef IDX_H
#define IDX_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The bytes of the file after its header, allocated, and the number of samples; exits with a message if it cannot. */
static inline uint8_t *idx_read(const char *path, long *samples) {
  uint8_t header[16];
  FILE *file = fopen(path, "rb");
  if (!file || fread(header, 1, 8, file) != 8 || header[2] != 8 || (header[3] != 1 && header[3] != 3)) {
    fprintf(stderr, "%s: not an IDX file of bytes with 1 or 3 dimensions\n", path);
    exit(1);
  }
  long bytes = *samples = (long)header[4] << 24 | header[5] << 16 | header[6] << 8 | header[7];
  if (header[3] == 3) {
    if (fread(header, 1, 8, file) != 8)
      exit(1);
    bytes *= (header[2] << 8 | header[3]) * (header[6] << 8 | header[7]);
  }
  uint8_t *data = malloc((size_t)bytes);
  if (!data || fread(data, 1, (size_t)bytes, file) != (size_t)bytes) {
    fprintf(stderr, "%s: shorter than its header says\n", path);
    exit(1);
  }
  fclose(file);
  return data;
}

#endif
