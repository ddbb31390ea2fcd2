#include "launch.h"
#include "parallel.h"

#include <string.h>

static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t bnc_grid_tasks(int64_t grid, int64_t strips, int64_t block, int64_t elements, int64_t batch) {
  switch (grid) {
  case BNC_GRID_ROWS:
    return batch * strips;
  case BNC_GRID_IMAGES:
    return divide_up(batch, block);
  default:
    return divide_up(elements, block);
  }
}

int64_t bnc_grid_chains(int64_t tasks, int64_t chains) { return chains == 0 || chains > tasks ? tasks : chains; }

static int64_t tasks_of_block(const bnc_launch *launch, int64_t batch) {
  return bnc_grid_tasks(launch->grid, launch->strips, launch->block, launch->elements, batch);
}

int64_t bnc_rt_task_count(const bnc_launch *launch, int64_t batch) {
  return launch->blocks * tasks_of_block(launch, batch);
}

int64_t bnc_rt_chain_count(const bnc_launch *launch, int64_t batch) {
  return launch->blocks * bnc_grid_chains(tasks_of_block(launch, batch), launch->chains);
}

typedef struct launch_state {
  const bnc_exec *exec;
  bnc_kernel kernel;
  const bnc_launch *launch;
  const bnc_argument *arguments;
  const int64_t *rows;
  int64_t tasks, chains; /* of one block */
} launch_state;

/* What a task covers: images [image, image + images), and rows or elements where an argument has them. */
typedef struct task_extent {
  int64_t image, images, strip, first_element, elements;
} task_extent;

static task_extent extent_of(const launch_state *state, int64_t task) {
  const bnc_launch *launch = state->launch;
  task_extent extent = {0, 1, 0, 0, 0};
  switch (launch->grid) {
  case BNC_GRID_ROWS:
    extent.image = task / launch->strips;
    extent.strip = task % launch->strips;
    break;
  case BNC_GRID_IMAGES:
    extent.image = task * launch->block;
    extent.images = state->exec->batch - extent.image;
    if (extent.images > launch->block)
      extent.images = launch->block;
    break;
  default:
    extent.first_element = task * launch->block;
    extent.elements = launch->elements - extent.first_element;
    if (extent.elements > launch->block)
      extent.elements = launch->block;
  }
  return extent;
}

static uint8_t *argument_base(const bnc_exec *exec, const bnc_argument *argument, uint8_t *scratch) {
  uint8_t *base = argument->space == BNC_SPACE_SCRATCH ? scratch + argument->offset
                                                       : bnc_address(exec, argument->space, argument->offset);
  return base + argument->displacement;
}

/* Everything of a buffer that no task of a block changes. */
static void prepare(bnc_buffer *buffer, bnc_dim *dims, const bnc_argument *argument, int64_t block) {
  memset(buffer, 0, sizeof *buffer);
  buffer->type_code = (uint8_t)argument->type_code;
  buffer->type_bits = (uint8_t)argument->type_bits;
  buffer->type_lanes = 1;
  buffer->dimensions = (int32_t)argument->dimensions;
  buffer->dim = dims;
  for (int64_t d = 0; d < argument->dimensions; ++d)
    dims[d] = (bnc_dim){(int32_t)argument->min[d], (int32_t)argument->extent[d], (int32_t)argument->stride[d], 0};
  int64_t left = argument->ragged_extent - block * argument->extent[0];
  if (argument->ragged_extent && left < argument->extent[0])
    dims[0].extent = (int32_t)left;
}

static void place(bnc_buffer *buffer, const launch_state *state, int64_t index, uint8_t *base, int64_t task,
                  int64_t chain, const task_extent *extent) {
  const bnc_argument *argument = &state->arguments[index];
  uint8_t *host =
      base + extent->image * argument->image_stride + task * argument->task_stride + chain * argument->chain_stride;
  int64_t d = argument->row_dimension;
  if (d >= 0) {
    int64_t first = extent->first_element, count = extent->elements;
    if (state->launch->grid != BNC_GRID_ELEMENTS) {
      const int64_t *row = state->rows + 2 * (extent->strip * state->launch->arguments + index);
      first = row[0];
      count = row[1];
    }
    buffer->dim[d].min = (int32_t)first;
    buffer->dim[d].extent = (int32_t)count;
    if (argument->space != BNC_SPACE_SCRATCH)
      host += first * argument->stride[d] * ((argument->type_bits + 7) / 8);
  }
  if (argument->image_dimension >= 0) {
    int64_t multiple = argument->image_multiple > 0 && extent->images > 1 ? argument->image_multiple : 1;
    buffer->dim[argument->image_dimension].extent = (int32_t)(divide_up(extent->images, multiple) * multiple);
  }
  buffer->host = host;
}

/* The error that is kept does not depend on the threads' order only if all failing kernels return the same;
 * it serves a diagnostic of an internal fault. */
static void note_error(const bnc_exec *exec, int error) {
  bnc_context *context = exec->runtime;
  if (error && context)
    atomic_store_explicit(&context->kernel_error, error, memory_order_relaxed);
}

static void run_chain(void *data, int64_t index, int64_t worker) {
  const launch_state *state = data;
  int64_t block = index / state->chains, chain = index % state->chains;
  const bnc_exec *exec = state->exec;
  const bnc_context *context = exec->runtime;
  uint8_t *scratch = context ? context->scratch + worker * context->scratch_stride : exec->base[BNC_SPACE_SCRATCH];
  int64_t count = state->launch->arguments;
  bnc_buffer buffers[count];
  bnc_dim dims[count][BNC_MAX_DIMS];
  void *pointers[count];
  uint8_t *bases[count];
  for (int64_t i = 0; i < count; ++i) {
    const bnc_argument *argument = &state->arguments[i];
    bases[i] = argument_base(exec, argument, scratch) + block * argument->block_stride;
    pointers[i] = &buffers[i];
    prepare(&buffers[i], dims[i], argument, block);
  }
  int64_t first = chain * state->tasks / state->chains, end = (chain + 1) * state->tasks / state->chains;
  for (int64_t task = first; task < end; ++task) {
    task_extent extent = extent_of(state, task);
    for (int64_t i = 0; i < count; ++i) {
      place(&buffers[i], state, i, bases[i], task, chain, &extent);
      if (state->arguments[i].chain_dimension)
        dims[i][state->arguments[i].chain_dimension].min = task > first;
    }
    note_error(exec, state->kernel(pointers));
  }
}

void bnc_rt_launch(bnc_exec *exec, bnc_kernel kernel, const bnc_launch *launch) {
  const bnc_argument *arguments = (const bnc_argument *)(launch + 1);
  launch_state state = {.exec = exec,
                        .kernel = kernel,
                        .launch = launch,
                        .arguments = arguments,
                        .rows = (const int64_t *)(arguments + launch->arguments),
                        .tasks = tasks_of_block(launch, exec->batch)};
  state.chains = bnc_grid_chains(state.tasks, launch->chains);
  bnc_parallel(exec, launch->blocks * state.chains, run_chain, &state);
}
