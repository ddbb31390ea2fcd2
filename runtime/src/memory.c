#include "memory.h"

#include <assert.h>
#include <string.h>

bnc_block bnc_block_take(const bnc_allocator *allocator, int64_t count, int64_t size) {
  bnc_block block = {NULL, 0};
  int64_t bytes;
  if (count < 0 || size < 0 || __builtin_mul_overflow(count, size, &bytes) || bytes > INT64_MAX - BNC_ALIGNMENT ||
      (uint64_t)bytes > SIZE_MAX - BNC_ALIGNMENT)
    return block;
  /* aligned_alloc wants a multiple of the alignment; an empty block still needs an address. */
  block.bytes = bytes ? ((size_t)bytes + BNC_ALIGNMENT - 1) / BNC_ALIGNMENT * BNC_ALIGNMENT : BNC_ALIGNMENT;
  block.data = allocator->allocate(allocator->context, block.bytes, BNC_ALIGNMENT);
  return block;
}

void bnc_block_release(const bnc_allocator *allocator, bnc_block block) {
  if (block.data)
    allocator->release(allocator->context, block.data, block.bytes);
}

void *bnc_memory_take(bnc_memory *memory, int64_t count, int64_t size, bool zero) {
  assert(memory->count < BNC_MAX_BLOCKS);
  bnc_block block = bnc_block_take(&memory->allocator, count, size);
  if (!block.data)
    return NULL;
  if (zero)
    memset(block.data, 0, block.bytes);
  memory->blocks[memory->count++] = block;
  return block.data;
}

void bnc_memory_release(const bnc_memory *memory) {
  /* The record itself lies in one of its blocks. */
  bnc_memory copy = *memory;
  for (int i = copy.count; i-- > 0;)
    bnc_block_release(&copy.allocator, copy.blocks[i]);
}
