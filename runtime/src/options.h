/* options.h: what an object was asked to be. */
#ifndef BNC_OPTIONS_H
#define BNC_OPTIONS_H

#include "error.h"

enum { BNC_MAX_THREADS = 1024 };

/* Defaults filled in, checked. `options` may be NULL. */
bnc_status bnc_options_resolve(const bnc_options *options, bnc_options *resolved);

/* Processors that the affinity mask leaves, reduced to the cgroup quota; at least 1. */
int bnc_available_threads(void);

/* The quota of the control groups listed in `membership` (the format of /proc/self/cgroup), whose trees are
 * mounted under `root`; rounded up, INT_MAX without one. */
int bnc_cgroup_threads(const char *membership, const char *root);

/* Reads up to capacity - 1 bytes and ends them with 0. Returns the length, -1 where that is not possible. */
long bnc_read_text(const char *path, char *text, long capacity);

#endif
