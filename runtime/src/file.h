/* file.h: whole files, read at once and replaced at once. */
#ifndef BNC_FILE_H
#define BNC_FILE_H

#include "safetensors.h"

/* The contents lie in `block`, which may be larger than `size`. */
bnc_status bnc_file_read(const char *path, const bnc_allocator *allocator, bnc_error *error, bnc_block *block,
                         size_t *size);

/* Writes beside `path`, then renames: `path` holds its old contents or all of the new ones. */
bnc_status bnc_file_replace(const char *path, const bnc_source *source, bnc_error *error);

#endif
