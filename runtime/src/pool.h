/* pool.h: threads that wait for short jobs. */
#ifndef BNC_POOL_H
#define BNC_POOL_H

#include "memory.h"

typedef struct bnc_pool bnc_pool;

/* `threads` counts the caller, so threads - 1 are started (fewer where the system refuses: results do not
 * depend on their number). NULL: out of memory. */
bnc_pool *bnc_pool_create(bnc_memory *memory, int threads);
void bnc_pool_destroy(bnc_pool *pool);

/* Calls body(data, 0) here and body(data, w) on those workers w in [1, threads) that come before this one
 * is done; returns when all that came have left. The body must do all work that is left, so that nobody
 * has to wait for a thread that sleeps. */
void bnc_pool_run(bnc_pool *pool, int64_t workers, void (*body)(void *data, int64_t worker), void *data);

#endif
