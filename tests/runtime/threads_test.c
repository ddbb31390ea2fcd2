/* Threads: the pool under stress, the caller's executor, equal bits, no allocation after create, objects in
 * different threads. */
#include "check.h"
#include "fake_model.h"
#include "fpmode.h"
#include "options.h"
#include "parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* ---- The pool ------------------------------------------------------------------------------------------- */

typedef struct stress {
  atomic_int runs[300];
  atomic_int inside[16];
  atomic_int overlaps, wrong_mode;
  uint64_t mode;
} stress;

static void stress_task(void *data, int64_t index, int64_t worker) {
  stress *s = data;
  if (atomic_fetch_add(&s->inside[worker], 1) != 0)
    atomic_fetch_add(&s->overlaps, 1);
  if (bnc_fp_get() != s->mode)
    atomic_fetch_add(&s->wrong_mode, 1);
  atomic_fetch_add(&s->runs[index], 1);
  atomic_fetch_sub(&s->inside[worker], 1);
}

/* Every index once, whatever the pauses between jobs do to sleeping and spinning threads. */
static void test_pool(int threads) {
  bnc_options options;
  CHECK(bnc_options_resolve(NULL, &options) == BNC_OK);
  bnc_memory memory = {.allocator = options.allocator};
  bnc_context context = {.threads = threads, .pool = bnc_pool_create(&memory, threads)};
  bnc_exec exec = {.runtime = &context};
  static stress s;
  uint64_t found = bnc_fp_enter(BNC_FP_FAST);
  s.mode = bnc_fp_get();
  for (int job = 0; job < 600; ++job) {
    int count = job * 37 % 300;
    memset(s.runs, 0, sizeof s.runs);
    bnc_parallel(&exec, count, stress_task, &s);
    int wrong = 0;
    for (int i = 0; i < 300; ++i)
      wrong += atomic_load(&s.runs[i]) != (i < count);
    CHECK(wrong == 0);
    if (job % 50 == 0) {
      const struct timespec pause = {0, 300000};
      nanosleep(&pause, NULL);
    }
  }
  bnc_fp_set(found);
  CHECK(atomic_load(&s.overlaps) == 0);
  CHECK(atomic_load(&s.wrong_mode) == 0);
  bnc_pool_destroy(context.pool);
  bnc_memory_release(&memory);
}

static void no_task(void *data, int64_t index, int64_t worker) {
  (void)data;
  (void)index;
  (void)worker;
}

/* Threads end whatever they are doing when their pool goes: starting, working, spinning or asleep. */
static void test_short_lives(void) {
  bnc_options options;
  CHECK(bnc_options_resolve(NULL, &options) == BNC_OK);
  for (int life = 0; life < 2000; ++life) {
    bnc_memory memory = {.allocator = options.allocator};
    bnc_context context = {.threads = 2 + life % 3, .pool = bnc_pool_create(&memory, 2 + life % 3)};
    bnc_exec exec = {.runtime = &context};
    for (int job = 0; job < life % 5; ++job)
      bnc_parallel(&exec, 3, no_task, NULL);
    bnc_pool_destroy(context.pool);
    bnc_memory_release(&memory);
  }
}

/* ---- Objects ---------------------------------------------------------------------------------------------- */

enum { BATCH = 13 };

typedef struct outcome {
  double losses[12];
  unsigned char state[4096];
  size_t bytes;
  float logits[BATCH * CLASSES];
} outcome;

static void train_some(const bnc_options *options, outcome *result) {
  bnc_model_descriptor model = fake_model();
  bnc_train *train = NULL;
  float x[BATCH * SAMPLE], prior[BATCH * CLASSES], pooled[BATCH * CHANNELS];
  int32_t labels[BATCH];
  const void *inputs[] = {x, prior};
  void *outputs[] = {result->logits, pooled};
  unsigned seed = 4;
  CHECK(bnc_train_create(&model, NULL, options, &train) == BNC_OK);
  CHECK(bnc_train_init(train, 9, BNC_INIT_KAIMING_UNIFORM) == BNC_OK);
  for (int step = 0; step < 12; ++step) {
    bnc_metrics metrics;
    for (int i = 0; i < BATCH * SAMPLE; ++i)
      x[i] = number(&seed);
    for (int i = 0; i < BATCH * CLASSES; ++i)
      prior[i] = number(&seed);
    for (int i = 0; i < BATCH; ++i)
      labels[i] = number(&seed) > 0;
    CHECK(bnc_train_step(train, inputs, labels, BATCH - step, 0.1, &metrics) == BNC_OK);
    result->losses[step] = metrics.loss;
    CHECK(bnc_train_eval_step(train, inputs, labels, BATCH, &metrics) == BNC_OK);
  }
  CHECK(bnc_train_predict(train, inputs, BATCH, outputs) == BNC_OK);
  result->bytes = sizeof result->state;
  CHECK(bnc_train_save_memory(train, result->state, &result->bytes) == BNC_OK);
  bnc_train_destroy(train);
}

static int same(const outcome *a, const outcome *b) {
  return memcmp(a->losses, b->losses, sizeof a->losses) == 0 && a->bytes == b->bytes &&
         memcmp(a->state, b->state, a->bytes) == 0 && memcmp(a->logits, b->logits, sizeof a->logits) == 0;
}

/* An executor of an application: a thread per call, or all calls in order on this thread. */
typedef struct call {
  void (*body)(void *data, int64_t index);
  void *data;
  int64_t index;
} call;

static atomic_int calls_in_flight, most_in_flight;

static void *run_call(void *argument) {
  call *c = argument;
  int now = atomic_fetch_add(&calls_in_flight, 1) + 1, most = atomic_load(&most_in_flight);
  while (now > most && !atomic_compare_exchange_weak(&most_in_flight, &most, now))
    ;
  c->body(c->data, c->index);
  atomic_fetch_sub(&calls_in_flight, 1);
  return NULL;
}

static void threads_for(void *context, int64_t count, void (*body)(void *data, int64_t index), void *data) {
  pthread_t threads[8];
  call calls[8];
  ++*(int *)context;
  CHECK(count <= 8);
  for (int64_t i = 0; i < count; ++i) {
    calls[i] = (call){body, data, i};
    CHECK(pthread_create(&threads[i], NULL, run_call, &calls[i]) == 0);
  }
  for (int64_t i = 0; i < count; ++i)
    pthread_join(threads[i], NULL);
}

static void serial_for(void *context, int64_t count, void (*body)(void *data, int64_t index), void *data) {
  ++*(int *)context;
  for (int64_t i = 0; i < count; ++i)
    body(data, i);
}

static void test_same_bits(void) {
  outcome expected, found;
  bnc_options options;
  bnc_options_init(&options);
  options.threads = 1;
  train_some(&options, &expected);
  for (int threads = 2; threads <= 5; ++threads) {
    options.threads = threads;
    train_some(&options, &found);
    CHECK(same(&expected, &found));
  }
  int used = 0;
  options.threads = 3;
  options.parallel_for_context = &used;
  options.parallel_for = serial_for;
  train_some(&options, &found);
  CHECK(same(&expected, &found) && used > 0);
  used = 0;
  options.parallel_for = threads_for;
  train_some(&options, &found);
  CHECK(same(&expected, &found) && used > 0);
  CHECK(atomic_load(&most_in_flight) <= 3);
}

static void *train_in_thread(void *argument) {
  bnc_options options;
  bnc_options_init(&options);
  options.threads = 2;
  train_some(&options, argument);
  /* The error text is the thread's own. */
  bnc_train *train;
  CHECK(bnc_train_create(NULL, NULL, &options, &train) == BNC_INVALID_ARGUMENT);
  return NULL;
}

static void test_two_objects(void) {
  static outcome results[3];
  pthread_t threads[2];
  CHECK_TEXT(bnc_error_text(), "");
  for (int i = 0; i < 2; ++i)
    CHECK(pthread_create(&threads[i], NULL, train_in_thread, &results[i]) == 0);
  bnc_options options;
  bnc_options_init(&options);
  train_some(&options, &results[2]);
  for (int i = 0; i < 2; ++i)
    pthread_join(threads[i], NULL);
  CHECK(same(&results[0], &results[1]) && same(&results[0], &results[2]));
  CHECK_TEXT(bnc_error_text(), "");
}

/* ---- The allocator ------------------------------------------------------------------------------------------- */

typedef struct account {
  int64_t blocks, bytes, calls;
  int64_t fail_at; /* the call that gets no memory, -1: none */
} account;

static void *count_allocate(void *context, size_t bytes, size_t alignment) {
  account *a = context;
  if (a->calls++ == a->fail_at)
    return NULL;
  CHECK(alignment == BNC_ALIGNMENT && bytes % alignment == 0);
  a->blocks++;
  a->bytes += (int64_t)bytes;
  return aligned_alloc(alignment, bytes);
}

static void count_release(void *context, void *memory, size_t bytes) {
  account *a = context;
  a->blocks--;
  a->bytes -= (int64_t)bytes;
  free(memory);
}

static void test_allocator(void) {
  bnc_model_descriptor model = fake_model();
  account a = {.fail_at = -1};
  bnc_options options;
  bnc_options_init(&options);
  options.threads = 2;
  options.max_batch = 4;
  options.allocator = (bnc_allocator){&a, count_allocate, count_release};
  float x[4 * SAMPLE] = {1, 2, 3}, prior[4 * CLASSES] = {0}, logits[4 * CLASSES], pooled[4 * CHANNELS];
  int32_t labels[4] = {0, 1, 1, 0};
  const void *inputs[] = {x, prior};
  void *outputs[] = {logits, pooled};
  bnc_train *train = NULL;
  bnc_infer *infer = NULL;
  CHECK(bnc_train_create(&model, NULL, &options, &train) == BNC_OK);
  CHECK(bnc_infer_create(&model, NULL, &options, &infer) == BNC_OK);
  int64_t calls = a.calls;
  CHECK(bnc_train_init(train, 1, BNC_INIT_XAVIER_UNIFORM) == BNC_OK);
  CHECK(bnc_train_step(train, inputs, labels, 4, -1, NULL) == BNC_OK);
  CHECK(bnc_train_eval_step(train, inputs, labels, 4, NULL) == BNC_OK);
  CHECK(bnc_train_predict(train, inputs, 4, outputs) == BNC_OK);
  CHECK(bnc_train_calibrate_begin(train) == BNC_OK);
  CHECK(bnc_train_calibrate_add(train, inputs, 4) == BNC_OK);
  CHECK(bnc_train_calibrate_end(train) == BNC_OK);
  CHECK(bnc_fold(train, infer) == BNC_OK);
  CHECK(bnc_infer_run(infer, inputs, 4, outputs) == BNC_OK);
  unsigned char saved[4096];
  size_t bytes = sizeof saved;
  CHECK(bnc_train_save_memory(train, saved, &bytes) == BNC_OK);
  CHECK(a.calls == calls);
  /* Loading may allocate, and gives back what it does not keep. */
  int64_t blocks = a.blocks;
  CHECK(bnc_train_load_memory(train, saved, bytes) == BNC_OK);
  CHECK(bnc_infer_load_memory(infer, saved, bytes) == BNC_OK);
  CHECK(a.blocks == blocks && a.calls > calls);
  a.fail_at = a.calls;
  CHECK(bnc_train_load_memory(train, saved, bytes) == BNC_OUT_OF_MEMORY);
  a.fail_at = a.calls + 1;
  CHECK(bnc_infer_load_memory(infer, saved, bytes) == BNC_OUT_OF_MEMORY);
  a.fail_at = -1;
  CHECK(a.blocks == blocks);
  bnc_train_destroy(train);
  bnc_infer_destroy(infer);
  CHECK(a.blocks == 0 && a.bytes == 0);
  /* Whichever allocation fails, nothing is leaked and the sentence says so. */
  int failed = 0;
  for (int64_t at = 0;; ++at) {
    a.calls = 0;
    a.fail_at = at;
    bnc_status status = bnc_train_create(&model, NULL, &options, &train);
    if (status == BNC_OK)
      break;
    failed++;
    CHECK(status == BNC_OUT_OF_MEMORY && !train && a.blocks == 0 && a.bytes == 0);
    CHECK_CONTAINS(bnc_error_text(), "no memory for");
  }
  CHECK(failed > 10);
  bnc_train_destroy(train);
  CHECK(a.blocks == 0);
}

int main(void) {
  test_two_objects();
  for (int threads = 1; threads <= 16; threads *= 2)
    test_pool(threads);
  test_short_lives();
  test_same_bits();
  test_allocator();
  return report();
}
