#define _GNU_SOURCE /* sched_getaffinity, madvise */
#include "options.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

long bnc_read_text(const char *path, char *text, long capacity) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return -1;
  long length = 0;
  while (length < capacity - 1) {
    ssize_t got = read(file, text + length, (size_t)(capacity - 1 - length));
    if (got <= 0)
      break;
    length += got;
  }
  close(file);
  text[length] = 0;
  return length;
}

static int threads_of_quota(long long quota, long long period) {
  if (quota <= 0 || period <= 0)
    return INT_MAX;
  long long threads = (quota + period - 1) / period;
  return threads < INT_MAX ? (int)threads : INT_MAX;
}

static int quota_v2(const char *directory) {
  char path[4096 + 32], text[64];
  long long quota, period;
  snprintf(path, sizeof path, "%s/cpu.max", directory);
  if (bnc_read_text(path, text, sizeof text) < 0 || sscanf(text, "%lld %lld", &quota, &period) != 2)
    return INT_MAX; /* absent, or "max" */
  return threads_of_quota(quota, period);
}

static int quota_v1(const char *directory) {
  char path[4096 + 32], quota[64], period[64];
  snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", directory);
  if (bnc_read_text(path, quota, sizeof quota) < 0)
    return INT_MAX;
  snprintf(path, sizeof path, "%s/cpu.cfs_period_us", directory);
  if (bnc_read_text(path, period, sizeof period) < 0)
    return INT_MAX;
  return threads_of_quota(atoll(quota), atoll(period));
}

/* Every ancestor may hold a tighter quota. In a container the listed path may name a directory that only the
 * host has; the walk then still ends at the mount, which is the container's own group. */
static int tightest(const char *mount, const char *group, int (*quota)(const char *)) {
  char directory[4096];
  int fits = snprintf(directory, sizeof directory, "%s%s", mount, group);
  if (fits < 0 || fits >= (int)sizeof directory)
    return INT_MAX;
  int threads = INT_MAX;
  for (size_t shortest = strlen(mount);;) {
    int here = quota(directory);
    if (here < threads)
      threads = here;
    char *slash = strrchr(directory, '/');
    if (!slash || (size_t)(slash - directory) < shortest)
      return threads;
    *slash = 0;
  }
}

static int has_word(const char *list, const char *word) {
  size_t length = strlen(word);
  for (const char *at = list; at; at = strchr(at, ',')) {
    at += *at == ',';
    if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == 0))
      return 1;
  }
  return 0;
}

int bnc_cgroup_threads(const char *membership, const char *root) {
  char text[8192], mount[512];
  if (bnc_read_text(membership, text, sizeof text) < 0)
    return INT_MAX;
  int threads = INT_MAX;
  char *rest = text;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
      continue;
    *group++ = 0;
    controllers++;
    int here = INT_MAX;
    if (*controllers == 0) {
      here = tightest(root, group, quota_v2);
    } else if (has_word(controllers, "cpu")) {
      snprintf(mount, sizeof mount, "%s/cpu", root);
      here = tightest(mount, group, quota_v1);
    }
    if (here < threads)
      threads = here;
  }
  return threads;
}

static int affinity_threads(void) {
  /* The kernel wants a mask at least as large as its own; 1024 processors fit the usual one. */
  for (int processors = 1024; processors <= 1 << 16; processors *= 4) {
    cpu_set_t *mask = CPU_ALLOC(processors);
    if (!mask)
      break;
    size_t bytes = CPU_ALLOC_SIZE(processors);
    int found = sched_getaffinity(0, bytes, mask) == 0 ? CPU_COUNT_S(bytes, mask) : 0;
    CPU_FREE(mask);
    if (found > 0)
      return found;
  }
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int)online : 1;
}

int bnc_available_threads(void) {
  int threads = affinity_threads();
  int quota = bnc_cgroup_threads("/proc/self/cgroup", "/sys/fs/cgroup");
  if (quota < threads)
    threads = quota;
  return threads < BNC_MAX_THREADS ? threads : BNC_MAX_THREADS;
}

enum { HUGE_PAGE = 2 << 20, LARGE_BYTES = 4 << 20 };

static void *default_allocate(void *context, size_t bytes, size_t alignment) {
  (void)context;
#if defined(__linux__)
  /* Weights and arenas are walked from one end to the other: small pages cost more than what they hold. */
  if (bytes >= LARGE_BYTES) {
    size_t whole = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *data = aligned_alloc(HUGE_PAGE, whole);
    if (data)
      (void)madvise(data, whole, MADV_HUGEPAGE); /* without them it is as before */
    return data;
  }
#endif
  return aligned_alloc(alignment, bytes);
}

static void default_release(void *context, void *memory, size_t bytes) {
  (void)context;
  (void)bytes;
  free(memory);
}

void bnc_options_init(bnc_options *options) {
  memset(options, 0, sizeof *options);
  options->struct_size = sizeof *options;
}

bnc_status bnc_options_resolve(const bnc_options *options, bnc_options *resolved) {
  bnc_options_init(resolved);
  if (options) {
    size_t known = sizeof *resolved;
    if (options->struct_size < sizeof options->struct_size)
      return bnc_fail(NULL, BNC_INVALID_ARGUMENT,
                      "bnc_options.struct_size is %zu: prepare the options with bnc_options_init",
                      options->struct_size);
    for (size_t i = known; i < options->struct_size; ++i)
      if (((const unsigned char *)options)[i])
        return bnc_fail(NULL, BNC_INCOMPATIBLE,
                        "bnc_options holds a setting that runtime %s does not know: link a newer libbnc_runtime.a",
                        bnc_version());
    memcpy(resolved, options, options->struct_size < known ? options->struct_size : known);
    resolved->struct_size = known;
  }
  if (resolved->threads < 0 || resolved->threads > BNC_MAX_THREADS)
    return bnc_fail(NULL, BNC_INVALID_ARGUMENT, "bnc_options.threads is %d: use 1 to %d, or 0 for all that are allowed",
                    resolved->threads, BNC_MAX_THREADS);
  if (resolved->max_batch < 0)
    return bnc_fail(NULL, BNC_INVALID_ARGUMENT, "bnc_options.max_batch is %lld: use 1 or more, or 0 for the default",
                    (long long)resolved->max_batch);
  if (!resolved->allocator.allocate != !resolved->allocator.release)
    return bnc_fail(NULL, BNC_INVALID_ARGUMENT,
                    "bnc_options.allocator has only one of allocate and release: give both or neither");
  if (resolved->threads == 0)
    resolved->threads = bnc_available_threads();
  if (!resolved->allocator.allocate)
    resolved->allocator = (bnc_allocator){NULL, default_allocate, default_release};
  return BNC_OK;
}
