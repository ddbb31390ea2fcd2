/* parallel.h: how the steps of a program find their threads and their memory. */
#ifndef BNC_PARALLEL_H
#define BNC_PARALLEL_H

#include "pool.h"

#include <stdatomic.h>

/* Behind bnc_exec.runtime. NULL there: steps run on the calling thread, in base[BNC_SPACE_SCRATCH]. */
typedef struct bnc_context {
  bnc_pool *pool; /* used when there is no parallel_for */
  bnc_parallel_for parallel_for;
  void *parallel_for_context;
  int64_t threads;
  uint8_t *scratch; /* `threads` slots */
  int64_t scratch_stride;
  atomic_int kernel_error;     /* what a kernel returned, 0: every one succeeded */
  bnc_location bad_statistics; /* first running statistic that would not be finite, space -1: none */
} bnc_context;

/* Runs body(data, index, worker) for every index in [0, count), each once, in any order, and waits.
 * `worker` is below context->threads, and no two calls with the same one overlap. */
typedef void (*bnc_task)(void *data, int64_t index, int64_t worker);
void bnc_parallel(const bnc_exec *exec, int64_t count, bnc_task body, void *data);

/* The address of offset in space; NULL in space -1. */
static inline uint8_t *bnc_address(const bnc_exec *exec, int64_t space, int64_t offset) {
  switch (space) {
  case -1:
    return NULL;
  case BNC_SPACE_SCALED:
    return exec->base[space] + offset * exec->max_batch;
  case BNC_SPACE_INPUT:
    return (uint8_t *)(uintptr_t)exec->inputs[offset];
  case BNC_SPACE_OUTPUT:
    return exec->outputs[offset];
  default:
    return exec->base[space] + offset;
  }
}

static inline void *bnc_locate(const bnc_exec *exec, bnc_location location) {
  return bnc_address(exec, location.space, location.offset);
}

#endif
