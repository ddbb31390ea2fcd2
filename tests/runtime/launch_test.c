/* What a kernel is handed for each task: addresses, extents, slots, and in which order. */
#include "check.h"
#include "options.h"
#include "parallel.h"

#include <stdlib.h>

enum { MAX_TASKS = 64, ARGUMENTS = 4 };

/* Tasks note what they see in a slot of their own. */
typedef struct seen {
  float *host[ARGUMENTS];
  bnc_dim dims[ARGUMENTS][3];
  int lanes, bits, dimensions;
} seen;

static seen notes[MAX_TASKS];

/* Argument 3 is the task's place in `notes`, found by its task stride. */
static int note_kernel(void **args) {
  seen *note = (seen *)((bnc_buffer *)args[3])->host;
  for (int i = 0; i < ARGUMENTS; ++i) {
    const bnc_buffer *buffer = args[i];
    note->host[i] = (float *)buffer->host;
    for (int d = 0; d < buffer->dimensions; ++d)
      note->dims[i][d] = buffer->dim[d];
  }
  const bnc_buffer *first = args[0];
  note->lanes = first->type_lanes;
  note->bits = first->type_bits;
  note->dimensions = first->dimensions;
  return 0;
}

typedef struct launch_record {
  bnc_launch launch;
  bnc_argument arguments[ARGUMENTS];
  int64_t rows[3][ARGUMENTS][2];
} launch_record;

static launch_record make_record(int64_t grid, int64_t strips, int64_t block, int64_t elements) {
  launch_record record = {.launch = {grid, strips, block, elements, 0, 1, ARGUMENTS}};
  for (int i = 0; i < ARGUMENTS; ++i)
    record.arguments[i] = (bnc_argument){.type_code = 2, .type_bits = 32, .row_dimension = -1, .image_dimension = -1};
  bnc_argument *input = &record.arguments[0], *scaled = &record.arguments[1], *scratch = &record.arguments[2];
  input->space = BNC_SPACE_INPUT;
  input->offset = 1;
  scaled->space = BNC_SPACE_SCALED;
  scaled->offset = 64;
  scratch->space = BNC_SPACE_SCRATCH;
  scratch->offset = 128;
  record.arguments[3].space = BNC_SPACE_FIXED;
  record.arguments[3].task_stride = sizeof(seen);
  return record;
}

static void check_tensor(launch_record *record, int i, int64_t width, int64_t rows, int64_t images) {
  bnc_argument *argument = &record->arguments[i];
  argument->dimensions = 3;
  argument->row_dimension = 1;
  argument->image_dimension = 2;
  argument->image_stride = width * rows * 4;
  argument->extent[0] = width;
  argument->extent[1] = rows;
  argument->extent[2] = images;
  argument->stride[0] = 1;
  argument->stride[1] = width;
  argument->stride[2] = width * rows;
}

static uint8_t arena[1 << 16], scratch[4096];
static float input[4096];

static bnc_exec make_exec(int64_t batch) {
  static const void *inputs[2] = {NULL, input};
  bnc_exec exec = {.batch = batch, .max_batch = 10, .inputs = inputs};
  exec.base[BNC_SPACE_SCALED] = arena;
  exec.base[BNC_SPACE_FIXED] = (uint8_t *)notes;
  exec.base[BNC_SPACE_SCRATCH] = scratch;
  memset(notes, 0, sizeof notes);
  return exec;
}

static void test_rows(void) {
  static const int64_t table[3][2] = {{0, 3}, {2, 4}, {5, 2}};
  launch_record record = make_record(BNC_GRID_ROWS, 3, 1, 0);
  check_tensor(&record, 0, 5, 7, 1);
  check_tensor(&record, 1, 5, 7, 1);
  check_tensor(&record, 2, 5, 4, 1);
  record.arguments[2].image_stride = 0;
  for (int strip = 0; strip < 3; ++strip)
    for (int i = 0; i < 3; ++i) {
      record.rows[strip][i][0] = table[strip][0];
      record.rows[strip][i][1] = table[strip][1];
    }
  bnc_exec exec = make_exec(4);
  CHECK(bnc_rt_task_count(&record.launch, 4) == 12);
  CHECK(bnc_rt_chain_count(&record.launch, 4) == 12);
  bnc_rt_launch(&exec, note_kernel, &record.launch);
  for (int task = 0; task < 12; ++task) {
    int image = task / 3, first = (int)table[task % 3][0], rows = (int)table[task % 3][1];
    const seen *note = &notes[task];
    CHECK(note->host[0] == input + image * 35 + first * 5);
    /* Offsets in the scaled arena grow with the largest batch, not with this one. */
    CHECK(note->host[1] == (float *)(arena + 64 * 10) + image * 35 + first * 5);
    CHECK(note->host[2] == (float *)(scratch + 128));
    CHECK(note->dims[0][0].extent == 5 && note->dims[0][0].min == 0 && note->dims[0][0].stride == 1);
    CHECK(note->dims[0][1].extent == rows && note->dims[0][1].min == first && note->dims[0][1].stride == 5);
    CHECK(note->dims[0][2].extent == 1);
    CHECK(note->dims[2][1].extent == rows && note->dims[2][1].min == first);
    CHECK(note->lanes == 1 && note->bits == 32 && note->dimensions == 3);
  }
}

static void test_images(void) {
  launch_record record = make_record(BNC_GRID_IMAGES, 1, 3, 0);
  check_tensor(&record, 0, 5, 7, 1);
  record.rows[0][0][0] = 1;
  record.rows[0][0][1] = 6;
  record.arguments[2].dimensions = 1;
  record.arguments[2].image_dimension = 0;
  record.arguments[2].image_multiple = 4;
  bnc_exec exec = make_exec(8);
  CHECK(bnc_rt_task_count(&record.launch, 8) == 3);
  bnc_rt_launch(&exec, note_kernel, &record.launch);
  for (int task = 0; task < 3; ++task) {
    CHECK(notes[task].host[0] == input + task * 3 * 35 + 5);
    CHECK(notes[task].dims[0][1].extent == 6);
    CHECK(notes[task].dims[0][2].extent == (task < 2 ? 3 : 2));
    CHECK(notes[task].dims[2][0].extent == 4);
  }
  CHECK(notes[3].bits == 0);
}

static void test_elements(void) {
  launch_record record = make_record(BNC_GRID_ELEMENTS, 1, 100, 250);
  record.arguments[0].dimensions = 1;
  record.arguments[0].row_dimension = 0;
  record.arguments[0].stride[0] = 1;
  bnc_exec exec = make_exec(1);
  CHECK(bnc_rt_task_count(&record.launch, 1) == 3);
  bnc_rt_launch(&exec, note_kernel, &record.launch);
  for (int task = 0; task < 3; ++task) {
    CHECK(notes[task].host[0] == input + task * 100);
    CHECK(notes[task].dims[0][0].min == task * 100);
    CHECK(notes[task].dims[0][0].extent == (task < 2 ? 100 : 50));
  }
}

/* Blocks of channels: the tasks of one follow those of the other, each argument at its own block; the slots of partials
 * are those of the tasks of one block. Of 7 channels the last of 3 blocks has one. */
static void test_blocks(void) {
  enum { BLOCKS = 3, TASKS = 4 };
  launch_record record = make_record(BNC_GRID_ROWS, 2, 1, 0);
  record.launch.blocks = BLOCKS;
  for (int i = 0; i < 2; ++i) {
    check_tensor(&record, i, 3, 7, 1);
    record.arguments[i].row_dimension = -1;
  }
  record.arguments[0].image_stride = 1000;
  record.arguments[0].block_stride = 12;
  record.arguments[0].ragged_extent = 7;
  record.arguments[3].block_stride = TASKS * sizeof(seen);
  bnc_exec exec = make_exec(2);
  CHECK(bnc_rt_task_count(&record.launch, 2) == BLOCKS * TASKS);
  CHECK(bnc_rt_chain_count(&record.launch, 2) == BLOCKS * TASKS);
  bnc_rt_launch(&exec, note_kernel, &record.launch);
  for (int block = 0; block < BLOCKS; ++block)
    for (int task = 0; task < TASKS; ++task) {
      const seen *note = &notes[block * TASKS + task];
      CHECK(note->host[0] == input + task / 2 * 250 + block * 3);
      CHECK(note->dims[0][0].extent == (block < 2 ? 3 : 1));
      CHECK(note->dims[0][0].stride == 1 && note->dims[0][1].extent == 7);
      CHECK(note->host[1] == (float *)(arena + 64 * 10) + task / 2 * 21); /* the same for every block */
      CHECK(note->dims[1][0].extent == 3);
    }
}

/* ---- Chains, and equal bits for any number of threads --------------------------------------------------- */

/* (input image, slice): an addition whose result depends on the order. Both are two rows of four floats, of which a
 * block has some columns. */
static int chain_kernel(void **args) {
  const bnc_buffer *source = args[0], *result = args[1];
  const float *image = (const float *)source->host;
  float *slice = (float *)result->host;
  for (int row = 0; row < 2; ++row)
    for (int i = 0; i < result->dim[0].extent; ++i)
      slice[row * 4 + i] = (result->dim[1].min ? slice[row * 4 + i] * 0.999f : 0) + image[row * 4 + i];
  return 0;
}

typedef struct chain_record {
  bnc_launch launch;
  bnc_argument arguments[2];
  int64_t rows[1][2][2];
} chain_record;

static void run_chains(int threads, bnc_parallel_for parallel_for, int64_t batch, int64_t chains, int64_t blocks,
                       float *slices) {
  chain_record record = {.launch = {BNC_GRID_IMAGES, 1, 1, 0, chains, blocks, 2}};
  for (int i = 0; i < 2; ++i)
    record.arguments[i] = (bnc_argument){.space = i ? BNC_SPACE_FIXED : BNC_SPACE_INPUT,
                                         .type_code = 2,
                                         .type_bits = 32,
                                         .dimensions = 1,
                                         .row_dimension = -1,
                                         .image_dimension = -1,
                                         .extent = {4 / blocks},
                                         .block_stride = 16 / blocks};
  record.arguments[0].offset = 1;
  record.arguments[0].image_stride = 32;
  record.arguments[1].chain_stride = 64;
  record.arguments[1].dimensions = 2;
  record.arguments[1].extent[1] = 1;
  record.arguments[1].chain_dimension = 1;
  bnc_options options;
  bnc_memory memory = {.count = 0};
  bnc_context context = {.threads = threads, .scratch = scratch, .scratch_stride = 64, .parallel_for = parallel_for};
  bnc_exec exec = make_exec(batch);
  exec.base[BNC_SPACE_FIXED] = (uint8_t *)slices;
  exec.runtime = &context;
  CHECK(bnc_options_resolve(NULL, &options) == BNC_OK);
  memory.allocator = options.allocator;
  context.pool = parallel_for ? NULL : bnc_pool_create(&memory, threads);
  CHECK(bnc_rt_chain_count(&record.launch, batch) == blocks * (chains && chains < batch ? chains : batch));
  for (int repeat = 0; repeat < 3; ++repeat) { /* a chain's first task sets its slot each time */
    bnc_rt_launch(&exec, chain_kernel, &record.launch);
  }
  bnc_pool_destroy(context.pool);
  bnc_memory_release(&memory);
}

/* A serial executor that goes backwards. */
static void backwards(void *context, int64_t count, void (*body)(void *data, int64_t index), void *data) {
  (void)context;
  for (int64_t i = count; i-- > 0;)
    body(data, i);
}

static void test_chains(void) {
  enum { BATCH = 23, CHAINS = 5, FLOATS = 23 * 16 };
  float expected[FLOATS], found[FLOATS];
  unsigned seed = 3;
  for (int i = 0; i < BATCH * 8; ++i)
    input[i] = number(&seed);
  memset(expected, 0x55, sizeof expected); /* slots that hold something before */
  memcpy(found, expected, sizeof found);
  for (int chain = 0; chain < CHAINS; ++chain)
    for (int i = 0; i < 8; ++i) {
      float *sum = &expected[chain * 16 + i];
      *sum = 0;
      for (int task = chain * BATCH / CHAINS; task < (chain + 1) * BATCH / CHAINS; ++task)
        *sum = *sum * 0.999f + input[task * 8 + i];
    }
  for (int threads = 1; threads <= 7; threads += 2) {
    float run[FLOATS];
    memcpy(run, found, sizeof run);
    run_chains(threads, NULL, BATCH, CHAINS, 1, run);
    CHECK(memcmp(run, expected, sizeof run) == 0);
    memcpy(run, found, sizeof run);
    run_chains(threads, backwards, BATCH, CHAINS, 1, run);
    CHECK(memcmp(run, expected, sizeof run) == 0);
  }
  for (int threads = 1; threads <= 7; threads += 2) {
    float run[FLOATS];
    memcpy(run, found, sizeof run);
    run_chains(threads, NULL, BATCH, CHAINS, 2, run);
    CHECK(memcmp(run, expected, sizeof run) == 0);
  }
  /* Fewer tasks than chains: the slots past the last chain in use stay as they are. */
  float few[FLOATS];
  memcpy(few, found, sizeof few);
  run_chains(4, NULL, 3, CHAINS, 1, few);
  CHECK(memcmp(few, input, 32) == 0 && memcmp(few + 32, input + 16, 32) == 0);
  CHECK(memcmp(few + 48, found + 48, 64) == 0);
}

int main(void) {
  test_rows();
  test_images();
  test_elements();
  test_blocks();
  test_chains();
  return report();
}
