/* safetensors.h: the file format of weights: 8 bytes header length, a JSON header, then the data. */
#ifndef BNC_SAFETENSORS_H
#define BNC_SAFETENSORS_H

#include "error.h"
#include "memory.h"

typedef struct bnc_text {
  const char *data;
  size_t length;
} bnc_text; /* UTF-8, ended with 0 as well */

static inline bnc_text bnc_text_of(const char *string) {
  size_t length = 0;
  while (string[length])
    length++;
  return (bnc_text){string, length};
}
int bnc_text_compare(bnc_text a, bnc_text b);

typedef struct bnc_stored {
  bnc_text name, dtype;
  int64_t rank;
  const int64_t *shape;
  const uint8_t *data;
  int64_t bytes;
} bnc_stored;

typedef struct bnc_pair {
  bnc_text key, value;
} bnc_pair;

/* A parsed file. Texts and shapes lie in `block`; data is borrowed from the bytes that were parsed, or lies in
 * `block` as well after bnc_archive_keep. */
typedef struct bnc_archive {
  bnc_stored *tensors; /* sorted by name, names are unique */
  int64_t tensor_count;
  bnc_pair *metadata; /* sorted by key */
  int64_t metadata_count;
  bnc_block block;
} bnc_archive;

/* Checks every byte of the header; the bytes may hold anything. `origin` begins the sentence of a failure. */
bnc_status bnc_archive_parse(const uint8_t *bytes, size_t size, const char *origin, const bnc_allocator *allocator,
                             bnc_error *error, bnc_archive *archive);
void bnc_archive_release(const bnc_allocator *allocator, bnc_archive *archive);

/* NULL where there is none. */
const bnc_stored *bnc_archive_find(const bnc_archive *archive, const char *prefix, const char *name);
const bnc_text *bnc_archive_metadata(const bnc_archive *archive, const char *key);

/* A copy that stands on its own, of the tensors and metadata that `wanted` and `wanted_key` choose. */
bnc_status bnc_archive_keep(const bnc_archive *archive, bool (*wanted)(const void *context, const bnc_stored *tensor),
                            bool (*wanted_key)(const void *context, const bnc_text *key), const void *context,
                            const bnc_allocator *allocator, bnc_error *error, bnc_archive *kept);

/* Bytes of one element, 0 for a type this version does not know. */
int64_t bnc_dtype_bytes(bnc_text dtype);

/* Where a file is written to. Returns 0, else the number of a system error. */
typedef struct bnc_sink {
  void *context;
  int (*write)(void *context, const void *data, size_t bytes);
} bnc_sink;

enum { BNC_NAME_PARTS = 4 };

/* What is written. `tensor` gives the parts of a name, those it leaves alone are empty; false: nothing here. */
typedef struct bnc_source {
  const void *context;
  int64_t tensor_count, metadata_count;
  bool (*tensor)(const void *context, int64_t index, bnc_text *name, bnc_stored *tensor);
  bnc_pair (*metadata)(const void *context, int64_t index);
} bnc_source;

int bnc_safetensors_write(const bnc_source *source, bnc_sink sink);

#endif
