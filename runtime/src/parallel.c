#include "parallel.h"
#include "fpmode.h"

/* The indices that a worker takes first, on a cache line of its own. */
typedef struct bnc_share {
  _Alignas(64) atomic_int_least64_t next;
  int64_t end;
} bnc_share;

typedef struct bnc_job {
  bnc_share *shares;
  int64_t workers;
  bnc_task body;
  void *data;
  uint64_t mode;
} bnc_job;

/* Takes the worker's own share, then what is left of the others'. So a worker comes to the same images in one kernel after
 * the other, while its cache still has them, and to neighbours, which kernels fetch ahead; and any set of workers that
 * run this does all the work: neither the pool nor the caller's executor has to bring every one. */
static void drain(void *data, int64_t worker) {
  bnc_job *job = data;
  uint64_t found = bnc_fp_enter(job->mode);
  for (int64_t i = 0; i < job->workers; ++i) {
    bnc_share *share = &job->shares[(worker + i) % job->workers];
    while (atomic_load_explicit(&share->next, memory_order_relaxed) < share->end) {
      int64_t index = atomic_fetch_add_explicit(&share->next, 1, memory_order_relaxed);
      if (index < share->end)
        job->body(job->data, index, worker);
    }
  }
  bnc_fp_set(found);
}

void bnc_parallel(const bnc_exec *exec, int64_t count, bnc_task body, void *data) {
  const bnc_context *context = exec->runtime;
  int64_t workers = context ? context->threads : 1;
  if (workers > count)
    workers = count;
  if (workers <= 1) {
    for (int64_t i = 0; i < count; ++i)
      body(data, i, 0);
    return;
  }
  bnc_share shares[workers];
  for (int64_t i = 0; i < workers; ++i) {
    atomic_init(&shares[i].next, count * i / workers);
    shares[i].end = count * (i + 1) / workers;
  }
  bnc_job job = {.shares = shares, .workers = workers, .body = body, .data = data, .mode = bnc_fp_get()};
  if (context->parallel_for)
    context->parallel_for(context->parallel_for_context, workers, drain, &job);
  else
    bnc_pool_run(context->pool, workers, drain, &job);
}
