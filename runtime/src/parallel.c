#include "parallel.h"
#include "fpmode.h"

typedef struct bnc_job {
  atomic_int_least64_t next;
  int64_t count;
  bnc_task body;
  void *data;
  uint64_t mode;
} bnc_job;

/* Takes indices until none are left. Any set of workers that run this does all the work, so neither the pool
 * nor the caller's executor has to bring every worker. */
static void drain(void *data, int64_t worker) {
  bnc_job *job = data;
  uint64_t found = bnc_fp_enter(job->mode);
  for (;;) {
    int64_t index = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);
    if (index >= job->count)
      break;
    job->body(job->data, index, worker);
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
  bnc_job job = {.count = count, .body = body, .data = data, .mode = bnc_fp_get()};
  atomic_init(&job.next, 0);
  if (context->parallel_for)
    context->parallel_for(context->parallel_for_context, workers, drain, &job);
  else
    bnc_pool_run(context->pool, workers, drain, &job);
}
