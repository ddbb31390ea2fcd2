/* memory.h: the blocks an object owns. Everything comes from the allocator of its options. */
#ifndef BNC_MEMORY_H
#define BNC_MEMORY_H

#include "bnc/model_abi.h"
#include "bnc/runtime.h"

#include <stdbool.h>

enum { BNC_MAX_BLOCKS = 24 };

typedef struct bnc_block {
  void *data;
  size_t bytes;
} bnc_block;

typedef struct bnc_memory {
  bnc_allocator allocator;
  int count;
  bnc_block blocks[BNC_MAX_BLOCKS];
} bnc_memory;

/* count * size bytes aligned to BNC_ALIGNMENT; data NULL where they cannot be had. */
bnc_block bnc_block_take(const bnc_allocator *allocator, int64_t count, int64_t size);
void bnc_block_release(const bnc_allocator *allocator, bnc_block block);

/* The same, owned by `memory`; with `zero` cleared. */
void *bnc_memory_take(bnc_memory *memory, int64_t count, int64_t size, bool zero);
void bnc_memory_release(const bnc_memory *memory);

#endif
