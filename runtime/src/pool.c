#define _POSIX_C_SOURCE 200809L
#include "pool.h"
#include "options.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

/* `state` says in one word whether a job is open, which one, and how many workers are inside. A worker
 * enters only an open job and by compare-and-swap, and the owner writes the job's fields only when it is
 * closed and empty: a worker that wakes too late sees a closed job and never touches them. */
enum { STATE_OPEN = 1 << 16, STATE_INSIDE = STATE_OPEN - 1 };
#define STATE_GENERATION ((uint64_t)1 << 17)

/* Kernels last 10 to 500 us and waking a thread costs up to 50, so waiting threads spin first. How long
 * adapts: a wait that ended in sleep halves it, one that paid off doubles it. */
enum { SPIN_LEAST_NS = 3000, SPIN_MOST_NS = 200000 };

typedef struct bnc_worker {
  bnc_pool *pool;
  int64_t index;
  pthread_t thread;
} bnc_worker;

struct bnc_pool {
  _Alignas(64) _Atomic uint64_t state;
  _Alignas(64) atomic_int sleepers;
  atomic_int owner_sleeps;
  atomic_bool stop;
  void (*body)(void *data, int64_t worker);
  void *data;
  int started;
  bool may_spin;
  int64_t owner_spin;
  pthread_mutex_t mutex;
  pthread_cond_t work, done;
  bnc_worker *workers;
};

static int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Waits until (state & mask) differs from `value`, for *budget ns at most; true when it does. */
static bool spin(bnc_pool *pool, uint64_t mask, uint64_t value, int64_t *budget) {
  if (!pool->may_spin)
    return (atomic_load_explicit(&pool->state, memory_order_acquire) & mask) != value;
  int64_t end = now_ns() + *budget;
  do {
    for (int i = 0; i < 16; ++i) {
      if ((atomic_load_explicit(&pool->state, memory_order_acquire) & mask) != value) {
        *budget = *budget * 2 < SPIN_MOST_NS ? *budget * 2 : SPIN_MOST_NS;
        return true;
      }
      relax();
    }
  } while (now_ns() < end);
  *budget = *budget / 2 > SPIN_LEAST_NS ? *budget / 2 : SPIN_LEAST_NS;
  return false;
}

static uint64_t generation(uint64_t state) { return state & ~(STATE_GENERATION - 1); }

static void *work(void *argument) {
  bnc_worker *self = argument;
  bnc_pool *pool = self->pool;
  uint64_t seen = 0;
  int64_t budget = SPIN_MOST_NS;
  for (;;) {
    if (!spin(pool, ~(STATE_GENERATION - 1), seen, &budget)) {
      pthread_mutex_lock(&pool->mutex);
      /* Sequentially consistent, like the owner's store of state and load of sleepers: one of the two
       * sees the other, so no wake-up is lost. */
      atomic_fetch_add(&pool->sleepers, 1);
      while (generation(atomic_load(&pool->state)) == seen)
        pthread_cond_wait(&pool->work, &pool->mutex);
      atomic_fetch_sub(&pool->sleepers, 1);
      pthread_mutex_unlock(&pool->mutex);
    }
    uint64_t state = atomic_load(&pool->state);
    bool inside = false;
    while ((state & STATE_OPEN) && !(inside = atomic_compare_exchange_weak(&pool->state, &state, state + 1)))
      ;
    seen = generation(state);
    if (!inside) {
      /* Read after the state: `stop` is set before the last generation begins, so it is not missed. */
      if (atomic_load(&pool->stop))
        return NULL;
      continue;
    }
    pool->body(pool->data, self->index);
    state = atomic_fetch_sub(&pool->state, 1) - 1;
    if (!(state & (STATE_OPEN | STATE_INSIDE)) && atomic_load(&pool->owner_sleeps)) {
      pthread_mutex_lock(&pool->mutex);
      pthread_cond_signal(&pool->done);
      pthread_mutex_unlock(&pool->mutex);
    }
  }
}

bnc_pool *bnc_pool_create(bnc_memory *memory, int threads) {
  bnc_pool *pool = bnc_memory_take(memory, 1, sizeof *pool, true);
  bnc_worker *workers = bnc_memory_take(memory, threads, sizeof *workers, true);
  if (!pool || !workers)
    return NULL;
  pool->workers = workers;
  /* With more threads than processors a spinning thread keeps a working one from running. */
  pool->may_spin = threads <= bnc_available_threads();
  pool->owner_spin = SPIN_MOST_NS;
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->work, NULL);
  pthread_cond_init(&pool->done, NULL);
  /* The application's signals are for the application's threads. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (int i = 1; i < threads; ++i) {
    bnc_worker *worker = &workers[pool->started];
    worker->pool = pool;
    worker->index = pool->started + 1;
    if (pthread_create(&worker->thread, NULL, work, worker) != 0)
      break;
    pool->started++;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return pool;
}

void bnc_pool_destroy(bnc_pool *pool) {
  if (!pool)
    return;
  pthread_mutex_lock(&pool->mutex);
  atomic_store(&pool->stop, true);
  atomic_fetch_add(&pool->state, STATE_GENERATION);
  pthread_cond_broadcast(&pool->work);
  pthread_mutex_unlock(&pool->mutex);
  for (int i = 0; i < pool->started; ++i)
    pthread_join(pool->workers[i].thread, NULL);
  pthread_cond_destroy(&pool->done);
  pthread_cond_destroy(&pool->work);
  pthread_mutex_destroy(&pool->mutex);
}

void bnc_pool_run(bnc_pool *pool, int64_t workers, void (*body)(void *data, int64_t worker), void *data) {
  if (workers <= 1 || pool->started == 0) {
    body(data, 0);
    return;
  }
  pool->body = body;
  pool->data = data;
  atomic_store(&pool->state, generation(atomic_load(&pool->state)) + STATE_GENERATION + STATE_OPEN);
  if (atomic_load(&pool->sleepers) > 0) {
    pthread_mutex_lock(&pool->mutex);
    for (int64_t i = 1; i < workers && i <= pool->started; ++i)
      pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
  }
  body(data, 0);
  atomic_fetch_and(&pool->state, ~(uint64_t)STATE_OPEN);
  while (atomic_load(&pool->state) & STATE_INSIDE) {
    uint64_t busy = atomic_load(&pool->state);
    if (!(busy & STATE_INSIDE) || spin(pool, ~(uint64_t)0, busy, &pool->owner_spin))
      continue;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->owner_sleeps, 1);
    while (atomic_load(&pool->state) & STATE_INSIDE)
      pthread_cond_wait(&pool->done, &pool->mutex);
    atomic_store(&pool->owner_sleeps, 0);
    pthread_mutex_unlock(&pool->mutex);
  }
}
