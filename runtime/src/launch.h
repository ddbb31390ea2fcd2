/* launch.h: the task lists of launches, for the steps that merge what they left behind. */
#ifndef BNC_LAUNCH_H
#define BNC_LAUNCH_H

#include <stdint.h>

int64_t bnc_grid_tasks(int64_t grid, int64_t strips, int64_t block, int64_t elements, int64_t batch);

/* Chains in use; without chains every task is one of its own. */
int64_t bnc_grid_chains(int64_t tasks, int64_t chains);

#endif
