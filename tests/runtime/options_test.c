/* Options, and how many threads the system leaves to a program. */
#define _GNU_SOURCE
#include "check.h"
#include "options.h"

#include <limits.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/bnc-options-XXXXXX";

static void write_file(const char *name, const char *text) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", root, name);
  for (char *slash = path + sizeof root; (slash = strchr(slash, '/')); ++slash) {
    *slash = 0;
    mkdir(path, 0777);
    *slash = '/';
  }
  FILE *file = fopen(path, "w");
  CHECK(file != NULL);
  if (!file)
    return;
  fputs(text, file);
  fclose(file);
}

static int cgroup_threads(const char *membership) {
  char path[512], mount[512];
  write_file("membership", membership);
  snprintf(path, sizeof path, "%s/membership", root);
  snprintf(mount, sizeof mount, "%s/cgroup", root);
  return bnc_cgroup_threads(path, mount);
}

static void test_cgroups(void) {
  CHECK(mkdtemp(root) != NULL);
  write_file("cgroup/a/cpu.max", "max 100000\n");
  CHECK(cgroup_threads("0::/a\n") == INT_MAX);
  write_file("cgroup/a/b/cpu.max", "250000 100000\n");
  CHECK(cgroup_threads("0::/a/b\n") == 3);
  CHECK(cgroup_threads("0::/a/b/c\n") == 3);
  write_file("cgroup/a/cpu.max", "50000 100000\n");
  CHECK(cgroup_threads("0::/a/b\n") == 1);
  CHECK(cgroup_threads("0::/elsewhere\n") == INT_MAX);
  write_file("cgroup/cpu.max", "700000 100000\n");
  CHECK(cgroup_threads("0::/elsewhere\n") == 7);
  CHECK(cgroup_threads("0::/\n") == 7);
  /* Version 1, beside controllers that say nothing about processors. */
  write_file("cgroup/cpu/box/cpu.cfs_quota_us", "400000\n");
  write_file("cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
  write_file("cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  write_file("cgroup/cpu/cpu.cfs_period_us", "100000\n");
  CHECK(cgroup_threads("12:memory:/box\n5:cpu,cpuacct:/box\n1:name=systemd:/box\n") == 4);
  CHECK(cgroup_threads("12:memory:/box\n5:cpuset:/box\n") == INT_MAX);
  CHECK(cgroup_threads("5:cpuacct,cpu:/other\n") == INT_MAX);
  CHECK(cgroup_threads("nonsense\n\n:::\n") <= INT_MAX);
  CHECK(bnc_cgroup_threads("/nonexistent/file", root) == INT_MAX);
  char command[600];
  snprintf(command, sizeof command, "rm -r %s", root);
  CHECK(system(command) == 0);
}

static void test_affinity(void) {
  cpu_set_t all, one;
  CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
  CHECK(bnc_available_threads() >= 1 && bnc_available_threads() <= CPU_COUNT(&all));
  CPU_ZERO(&one);
  for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++i)
    if (CPU_ISSET(i, &all))
      CPU_SET(i, &one);
  CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
  CHECK(bnc_available_threads() == 1);
  CHECK(sched_setaffinity(0, sizeof all, &all) == 0);
}

static void test_options(void) {
  bnc_options options, resolved;
  struct {
    bnc_options known;
    int64_t newer;
  } longer = {.newer = 0};
  CHECK(bnc_options_resolve(NULL, &resolved) == BNC_OK && resolved.threads >= 1 && resolved.allocator.allocate);
  memset(&options, 0, sizeof options);
  CHECK(bnc_options_resolve(&options, &resolved) == BNC_INVALID_ARGUMENT);
  CHECK_CONTAINS(bnc_error_text(), "bnc_options_init");
  bnc_options_init(&options);
  CHECK(options.struct_size == sizeof options && bnc_options_resolve(&options, &resolved) == BNC_OK);
  options.threads = -3;
  CHECK(bnc_options_resolve(&options, &resolved) == BNC_INVALID_ARGUMENT);
  CHECK_CONTAINS(bnc_error_text(), "bnc_options.threads is -3");
  options.threads = 7;
  options.max_batch = -1;
  CHECK(bnc_options_resolve(&options, &resolved) == BNC_INVALID_ARGUMENT);
  /* An application compiled against a header without the later fields. */
  options.struct_size = offsetof(bnc_options, max_batch);
  CHECK(bnc_options_resolve(&options, &resolved) == BNC_OK && resolved.threads == 7 && resolved.max_batch == 0);
  bnc_options_init(&options);
  options.allocator.allocate = resolved.allocator.allocate;
  CHECK(bnc_options_resolve(&options, &resolved) == BNC_INVALID_ARGUMENT);
  /* One compiled against a newer header is served as long as it asks for nothing new. */
  bnc_options_init(&longer.known);
  longer.known.struct_size = sizeof longer;
  CHECK(bnc_options_resolve(&longer.known, &resolved) == BNC_OK);
  longer.newer = 1;
  CHECK(bnc_options_resolve(&longer.known, &resolved) == BNC_INCOMPATIBLE);
}

int main(void) {
  test_cgroups();
  test_affinity();
  test_options();
  return report();
}
