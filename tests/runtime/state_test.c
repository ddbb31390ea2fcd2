/* Loading and saving: what a file must hold, what is kept, and that a refused file changes nothing. */
#include "check.h"
#include "fake_model.h"

static bnc_train *make_train(void) {
  static bnc_model_descriptor model;
  model = fake_model();
  bnc_train *train = NULL;
  CHECK(bnc_train_create(&model, NULL, NULL, &train) == BNC_OK);
  return train;
}

static void *save(const bnc_train *train, size_t *bytes) {
  *bytes = 0;
  CHECK(bnc_train_save_memory(train, NULL, bytes) == BNC_OK);
  void *data = malloc(*bytes);
  CHECK(bnc_train_save_memory(train, data, bytes) == BNC_OK);
  return data;
}

/* A file from one line per tensor: name, type, shape, number of elements, bytes of an element. */
typedef struct line {
  const char *name, *dtype, *shape;
  int count, width;
} line;

static void *make_file(const line *lines, int count, const char *metadata, size_t *bytes) {
  char header[4096];
  uint64_t length = (uint64_t)snprintf(header, sizeof header, "{\"__metadata__\":{%s}", metadata);
  int at = 0;
  for (int i = 0; i < count; ++i) {
    int end = at + lines[i].count * lines[i].width;
    length += (uint64_t)snprintf(header + length, sizeof header - length,
                                 ",\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}", lines[i].name,
                                 lines[i].dtype, lines[i].shape, at, end);
    at = end;
  }
  length += (uint64_t)snprintf(header + length, sizeof header - length, "}");
  *bytes = 8 + length + (size_t)at;
  uint8_t *file = calloc(1, *bytes);
  memcpy(file, &length, 8);
  memcpy(file + 8, header, length);
  return file;
}

static const line complete[] = {{"fc.weight", "F32", "[2,3]", 6, 4},
                                {"bn.weight", "F32", "[3]", 3, 4},
                                {"bn.bias", "F32", "[3]", 3, 4},
                                {"bn.running_mean", "F32", "[3]", 3, 4},
                                {"bn.running_var", "F32", "[3]", 3, 4},
                                {"bn.num_batches_tracked", "I64", "[]", 1, 8},
                                {"bnc.optimizer/momentum/fc.weight", "F32", "[2,3]", 6, 4},
                                {"bnc.optimizer/momentum/bn.weight", "F32", "[3]", 3, 4},
                                {"bnc.optimizer/momentum/bn.bias", "F32", "[3]", 3, 4}};
enum { COMPLETE = sizeof complete / sizeof *complete };

static void check_refused(const line *lines, int count, const char *metadata, const char *sentence) {
  bnc_train *train = make_train();
  CHECK(bnc_train_init(train, 5, BNC_INIT_XAVIER_NORMAL) == BNC_OK);
  size_t bytes, before_bytes, after_bytes;
  void *file = make_file(lines, count, metadata, &bytes), *before = save(train, &before_bytes);
  CHECK(bnc_train_load_memory(train, file, bytes) == BNC_BAD_FILE);
  CHECK_CONTAINS(bnc_train_error(train), sentence);
  void *after = save(train, &after_bytes);
  CHECK(before_bytes == after_bytes && memcmp(before, after, before_bytes) == 0);
  free(file);
  free(before);
  free(after);
  bnc_train_destroy(train);
}

static void test_refused(void) {
  line lines[COMPLETE + 1];
  memcpy(lines, complete, sizeof complete);
  check_refused(complete, 3, "", "2 of the 5 variables of model 'fake' are missing, 'bn.running_mean' first: give a file");
  lines[0].shape = "[3,2]";
  check_refused(lines, COMPLETE, "", "'fc.weight' has shape [3, 2], the model expects [2, 3]");
  lines[0].shape = "[6]";
  check_refused(lines, COMPLETE, "", "'fc.weight' has shape [6], the model expects [2, 3]");
  lines[0].shape = "[2,3]";
  lines[1] = (line){"bn.weight", "I32", "[3]", 3, 4};
  check_refused(lines, COMPLETE, "", "'bn.weight' has type I32, expected F32");
  lines[1] = complete[1];
  lines[6] = (line){"bnc.optimizer/momentum/fc.weight", "F32", "[6]", 6, 4};
  check_refused(lines, COMPLETE, "\"bnc.optimizer.name\":\"sgd\"", "'bnc.optimizer/momentum/fc.weight' has shape [6]");
  check_refused(complete, COMPLETE, "\"bnc.optimizer.name\":\"sgd\",\"bnc.optimizer.step\":\"-1\"",
                "metadata 'bnc.optimizer.step' is '-1', expected a number of steps");
  check_refused(complete, COMPLETE, "\"bnc.optimizer.name\":\"sgd\",\"bnc.optimizer.step\":\"99999999999999999999\"",
                "expected a number of steps");
}

/* A saved object comes back as it was: variables, optimizer state, steps, and what the model does not know. */
static void test_round_trip(void) {
  bnc_train *train = make_train(), *other = make_train();
  size_t bytes, again_bytes;
  uint8_t *file = make_file(
      complete, COMPLETE,
      "\"bnc.optimizer.name\":\"sgd\",\"bnc.optimizer.step\":\"41\",\"note\":\"a \\\"b\\\" \\u0001\"", &bytes);
  for (size_t i = bytes - 48 - 8 - 18 * 4; i < bytes; ++i)
    file[i] = (uint8_t)(i * 11 % 64); /* small positive floats */
  CHECK(bnc_train_load_memory(train, file, bytes) == BNC_OK);
  CHECK(bnc_train_steps(train) == 41);
  float x[2 * SAMPLE] = {1, 2, 3, 4}, prior[2 * CLASSES] = {0};
  int32_t labels[2] = {0, 1};
  const void *inputs[] = {x, prior};
  CHECK(bnc_train_step(train, inputs, labels, 2, 0.1, NULL) == BNC_OK);
  void *saved = save(train, &again_bytes);
  free(file);
  CHECK(bnc_train_load_memory(other, saved, again_bytes) == BNC_OK);
  CHECK(bnc_train_steps(other) == 42);
  size_t third_bytes;
  void *third = save(other, &third_bytes);
  CHECK(third_bytes == again_bytes && memcmp(saved, third, again_bytes) == 0);
  /* Momentum came along: both take the same next step. */
  float w[2][6];
  CHECK(bnc_train_step(train, inputs, labels, 2, 0.1, NULL) == BNC_OK);
  CHECK(bnc_train_step(other, inputs, labels, 2, 0.1, NULL) == BNC_OK);
  CHECK(bnc_train_get_variable(train, "fc.weight", w[0], 6) == BNC_OK);
  CHECK(bnc_train_get_variable(other, "fc.weight", w[1], 6) == BNC_OK);
  CHECK(memcmp(w[0], w[1], sizeof w[0]) == 0);
  /* The header: wide elements first, everything named, aligned. */
  uint64_t header;
  memcpy(&header, saved, 8);
  char *text = calloc(1, header + 1);
  memcpy(text, (char *)saved + 8, header);
  CHECK(header % 8 == 0);
  CHECK_CONTAINS(text, "\"bn.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}");
  CHECK_CONTAINS(text, "\"bnc.optimizer/momentum/bn.bias\":{\"dtype\":\"F32\",\"shape\":[3],");
  CHECK_CONTAINS(text, "\"note\":\"a \\\"b\\\" \\u0001\"");
  CHECK_CONTAINS(text, "\"bnc.optimizer.step\":\"42\"");
  CHECK(!strstr(text, "momentum/bn.running_mean"));
  free(text);
  /* A buffer that is too small is not touched. */
  uint8_t small[8] = {7, 7, 7, 7, 7, 7, 7, 7};
  size_t capacity = sizeof small;
  CHECK(bnc_train_save_memory(train, small, &capacity) == BNC_INVALID_ARGUMENT && capacity == again_bytes &&
        small[0] == 7);
  free(saved);
  free(third);
  bnc_train_destroy(train);
  bnc_train_destroy(other);
}

/* Another optimizer's state, or one of other parameters, is refused; the variables alone are not. */
static void test_other_optimizer(void) {
  bnc_train *train = make_train();
  size_t bytes, saved_bytes;
  void *file = make_file(complete, COMPLETE - 1, "\"bnc.optimizer.name\":\"sgd\",\"bnc.optimizer.step\":\"41\"", &bytes);
  CHECK(bnc_train_load_memory(train, file, bytes) == BNC_BAD_FILE);
  CHECK_CONTAINS(bnc_train_error(train), "holds no optimizer state 'momentum' of variable 'bn.bias': other parameters");
  free(file);
  file = make_file(complete, COMPLETE, "\"bnc.optimizer.name\":\"adam\",\"bnc.optimizer.step\":\"41\"", &bytes);
  CHECK(bnc_train_load_memory(train, file, bytes) == BNC_INCOMPATIBLE);
  CHECK_CONTAINS(bnc_train_error(train), "holds the state of the optimizer 'adam', but model 'fake' was compiled with 'sgd'");
  char path[] = "other_optimizer.safetensors";
  FILE *out = fopen(path, "wb");
  CHECK(out && fwrite(file, 1, bytes, out) == bytes && fclose(out) == 0);
  CHECK(bnc_train_load_variables(train, path) == BNC_OK);
  remove(path);
  CHECK(bnc_train_steps(train) == 0);
  char *saved = save(train, &saved_bytes);
  uint64_t header;
  memcpy(&header, saved, 8);
  saved[8 + header - 1] = 0;
  CHECK(!strstr(saved + 8, "adam"));
  CHECK_CONTAINS(saved + 8, "bn.num_batches_tracked");
  free(file);
  free(saved);
  bnc_train_destroy(train);
}

/* Half, bfloat and double variables are converted. */
static void test_conversion(void) {
  static const line lines[] = {{"fc.weight", "F16", "[2,3]", 6, 2},
                               {"bn.weight", "BF16", "[3]", 3, 2},
                               {"bn.bias", "F64", "[3]", 3, 8},
                               {"bn.running_mean", "F32", "[3]", 3, 4},
                               {"bn.running_var", "F32", "[3]", 3, 4}};
  static const uint16_t half[6] = {0x3c00, 0xc000, 0x0001, 0x83ff, 0x7c00, 0x7bff},
                        bfloat[3] = {0x3f80, 0xc120, 0x0001};
  static const double wide[3] = {0.1, -1e-40, 1e300};
  static const float expected[6] = {1, -2, 0x1p-24f, -1023 * 0x1p-24f, INFINITY, 65504};
  bnc_train *train = make_train();
  size_t bytes;
  uint8_t *file = make_file(lines, 5, "", &bytes), *data = file + bytes - 12 - 6 - 24 - 24;
  memcpy(data, half, 12);
  memcpy(data + 12, bfloat, 6);
  memcpy(data + 18, wide, 24);
  CHECK(bnc_train_load_memory(train, file, bytes) == BNC_OK);
  float w[6], scale[3], offset[3];
  CHECK(bnc_train_get_variable(train, "fc.weight", w, 6) == BNC_OK && memcmp(w, expected, sizeof w) == 0);
  CHECK(bnc_train_get_variable(train, "bn.weight", scale, 3) == BNC_OK);
  CHECK(scale[0] == 1 && scale[1] == -10 && scale[2] > 0);
  CHECK(bnc_train_get_variable(train, "bn.bias", offset, 3) == BNC_OK);
  CHECK(offset[0] == 0.1f && offset[1] == -1e-40f && isinf(offset[2]));
  free(file);
  bnc_train_destroy(train);
}

/* Variables can be set one by one; the object is ready with the last. */
static void test_set_all(void) {
  bnc_train *train = make_train();
  size_t bytes = 0;
  bnc_model_descriptor model = fake_model();
  bnc_variable_info variable;
  for (int64_t i = 0; i < bnc_variables(&model, BNC_VARIABLES, i, &variable); ++i) {
    float value[6] = {1, 2, 3, 4, 5, 6}, found[6];
    size_t count = i == 0 ? 6 : 3;
    const char *name = variable.name;
    CHECK(bnc_train_save_memory(train, NULL, &bytes) == BNC_NOT_READY);
    CHECK(bnc_train_get_variable(train, name, found, count) == BNC_NOT_READY);
    CHECK(bnc_train_set_variable(train, name, value, count) == BNC_OK);
    CHECK(bnc_train_get_variable(train, name, found, count) == BNC_OK && memcmp(value, found, count * 4) == 0);
  }
  CHECK(bnc_train_save_memory(train, NULL, &bytes) == BNC_OK);
  bnc_train_destroy(train);
}

/* Values that the library embeds make an object ready at once; they are read only. */
static void test_embedded(void) {
  static float values[VARIABLES] = {1, 2, 3, 4, 5, 6, 1, 1, 1, 0, 0, 0, 0.5f, 0, 0, 1, 2, 3};
  static _Alignas(BNC_ALIGNMENT) uint8_t folded[FOLDED_BYTES], kept[FOLDED_BYTES], fixed[INFER_FIXED_BYTES];
  bnc_model_descriptor model = fake_model();
  bnc_exec exec = {.max_batch = 1};
  exec.base[BNC_SPACE_VARIABLES] = (uint8_t *)values;
  exec.base[BNC_SPACE_FOLDED] = folded;
  exec.base[BNC_SPACE_FIXED] = fixed;
  model.infer_fold(&exec);
  memcpy(kept, folded, sizeof kept);
  model.values = values;
  model.folded = folded;
  bnc_train *train;
  bnc_infer *infer;
  CHECK(bnc_train_create(&model, NULL, NULL, &train) == BNC_OK);
  CHECK(bnc_infer_create(&model, NULL, NULL, &infer) == BNC_OK);
  float found[6], x[2 * SAMPLE] = {1, 2}, prior[2 * CLASSES] = {0}, a[CLASSES], b[CLASSES], pooled[CHANNELS];
  int labels[2] = {1, 0};
  const void *inputs[] = {x, prior};
  void *one[] = {a, pooled}, *two[] = {b, pooled};
  CHECK(bnc_train_get_variable(train, "fc.weight", found, 6) == BNC_OK && found[5] == 6);
  CHECK(bnc_infer_run(infer, inputs, 1, one) == BNC_OK && bnc_train_predict(train, inputs, 1, two) == BNC_OK);
  CHECK(memcmp(a, b, sizeof a) == 0);
  /* What is folded later goes to memory of the object. */
  CHECK(bnc_train_step(train, inputs, labels, 2, 0.5, NULL) == BNC_OK && bnc_fold(train, infer) == BNC_OK);
  CHECK(bnc_infer_run(infer, inputs, 1, one) == BNC_OK && memcmp(a, b, sizeof a) != 0);
  CHECK(bnc_train_predict(train, inputs, 1, two) == BNC_OK && memcmp(a, b, sizeof a) == 0);
  CHECK(memcmp(folded, kept, sizeof kept) == 0);
  bnc_infer_destroy(infer);
  bnc_train_destroy(train);
}

int main(void) {
  test_refused();
  test_round_trip();
  test_other_optimizer();
  test_conversion();
  test_set_all();
  test_embedded();
  return report();
}
