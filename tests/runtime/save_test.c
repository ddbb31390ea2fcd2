/* Files are replaced whole or not at all. */
#define _XOPEN_SOURCE 700
#include "check.h"
#include "fake_model.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/bnc-save-XXXXXX";

static const char *in_directory(const char *name) {
  static char path[2][256];
  static int which;
  which = !which;
  snprintf(path[which], sizeof path[which], "%s/%s", directory, name);
  return path[which];
}

static int files(void) {
  int count = 0;
  DIR *listing = opendir(directory);
  CHECK(listing != NULL);
  while (listing && readdir(listing))
    count++;
  if (listing)
    closedir(listing);
  return count - 2;
}

static void *contents(const char *path, size_t *bytes) {
  FILE *file = fopen(path, "rb");
  void *data = malloc(1 << 16);
  *bytes = file ? fread(data, 1, 1 << 16, file) : 0;
  CHECK(file != NULL);
  if (file)
    fclose(file);
  return data;
}

static int same_contents(const char *path, const void *expected, size_t expected_bytes) {
  size_t bytes;
  void *data = contents(path, &bytes);
  int same = bytes == expected_bytes && memcmp(data, expected, bytes) == 0;
  free(data);
  return same;
}

static void test_save(bnc_train *train) {
  const char *path = in_directory("w.safetensors");
  CHECK(bnc_train_save(train, path) == BNC_OK && files() == 1);
  size_t bytes, memory_bytes = 1 << 16;
  void *file = contents(path, &bytes), *memory = malloc(memory_bytes);
  CHECK(bnc_train_save_memory(train, memory, &memory_bytes) == BNC_OK);
  CHECK(bytes == memory_bytes && memcmp(file, memory, bytes) == 0);
  free(memory);
  /* The old file's permissions stay; a link stays a link. */
  struct stat info;
  CHECK(chmod(path, 0640) == 0 && symlink("w.safetensors", in_directory("link")) == 0);
  CHECK(bnc_train_init(train, 2, BNC_INIT_XAVIER_UNIFORM) == BNC_OK);
  CHECK(bnc_train_save(train, in_directory("link")) == BNC_OK && files() == 2);
  CHECK(lstat(in_directory("link"), &info) == 0 && S_ISLNK(info.st_mode));
  CHECK(stat(path, &info) == 0 && (info.st_mode & 0777) == 0640);
  CHECK(!same_contents(path, file, bytes));
  bnc_train *other;
  bnc_model_descriptor model = fake_model();
  CHECK(bnc_train_create(&model, path, NULL, &other) == BNC_OK);
  float a[6], b[6];
  CHECK(bnc_train_get_variable(train, "fc.weight", a, 6) == BNC_OK);
  CHECK(bnc_train_get_variable(other, "fc.weight", b, 6) == BNC_OK && memcmp(a, b, sizeof a) == 0);
  bnc_train_destroy(other);
  free(file);
}

/* A file-size limit stands for a full disk: the write fails in the middle. */
static void test_full_disk(bnc_train *train) {
  const char *path = in_directory("w.safetensors");
  size_t bytes;
  void *before = contents(path, &bytes);
  int count = files();
  struct rlimit old, limit;
  CHECK(getrlimit(RLIMIT_FSIZE, &old) == 0);
  limit = old;
  signal(SIGXFSZ, SIG_IGN);
  CHECK(bnc_train_init(train, 3, BNC_INIT_XAVIER_UNIFORM) == BNC_OK);
  for (rlim_t size = 0; size < bytes; size += 97) {
    limit.rlim_cur = size;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHECK(bnc_train_save(train, path) == BNC_IO_ERROR);
    CHECK_CONTAINS(bnc_train_error(train), "which is left as it was: File too large");
    CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
    CHECK(same_contents(path, before, bytes) && files() == count);
  }
  limit.rlim_cur = bytes;
  CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  CHECK(bnc_train_save(train, path) == BNC_OK && files() == count);
  CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
  free(before);
}

static void test_places(bnc_train *train) {
  int count = files();
  CHECK(bnc_train_save(train, in_directory("no/such/place")) == BNC_IO_ERROR);
  CHECK_CONTAINS(bnc_train_error(train), "No such file or directory");
  CHECK(bnc_train_save(train, directory) == BNC_IO_ERROR);
  CHECK(bnc_train_save(train, "/dev/null") == BNC_IO_ERROR);
  CHECK_TEXT(bnc_train_error(train), "cannot save to '/dev/null': it is not a regular file");
  struct stat info;
  CHECK(stat("/dev/null", &info) == 0 && S_ISCHR(info.st_mode));
  char longest[5000];
  memset(longest, 'a', sizeof longest - 1);
  longest[sizeof longest - 1] = 0;
  CHECK(bnc_train_save(train, longest) == BNC_IO_ERROR);
  CHECK(bnc_train_save(train, NULL) == BNC_INVALID_ARGUMENT);
  CHECK(bnc_train_load(train, in_directory("absent")) == BNC_IO_ERROR);
  CHECK_CONTAINS(bnc_train_error(train), "cannot open '/tmp/bnc-save-");
  CHECK(bnc_train_load(train, directory) == BNC_IO_ERROR);
  CHECK(bnc_train_load(train, NULL) == BNC_INVALID_ARGUMENT);
  /* A file in the current directory, named without one. */
  CHECK(chdir(directory) == 0);
  CHECK(bnc_train_save(train, "here.safetensors") == BNC_OK && files() == count + 1);
  CHECK(bnc_train_load(train, "here.safetensors") == BNC_OK);
  FILE *file = fopen("text", "w");
  CHECK(file && fputs("not weights", file) >= 0 && fclose(file) == 0);
  CHECK(bnc_train_load(train, "text") == BNC_BAD_FILE);
  CHECK_CONTAINS(bnc_train_error(train), "text is not a complete safetensors file");
  bnc_model_descriptor model = fake_model();
  bnc_infer *infer;
  CHECK(bnc_infer_create(&model, "text", NULL, &infer) == BNC_BAD_FILE && !infer);
  CHECK(bnc_infer_create(&model, "here.safetensors", NULL, &infer) == BNC_OK);
  CHECK(bnc_infer_load(infer, "text") == BNC_BAD_FILE && bnc_infer_load(infer, "here.safetensors") == BNC_OK);
  bnc_infer_destroy(infer);
  CHECK(chdir("/") == 0);
}

int main(void) {
  bnc_model_descriptor model = fake_model();
  bnc_train *train = NULL;
  CHECK(mkdtemp(directory) != NULL);
  CHECK(bnc_train_create(&model, NULL, NULL, &train) == BNC_OK);
  CHECK(bnc_train_save(train, in_directory("early")) == BNC_NOT_READY && files() == 0);
  CHECK(bnc_train_init(train, 1, BNC_INIT_XAVIER_UNIFORM) == BNC_OK);
  test_save(train);
  test_full_disk(train);
  test_places(train);
  bnc_train_destroy(train);
  char command[300];
  snprintf(command, sizeof command, "rm -r %s", directory);
  CHECK(system(command) == 0);
  return report();
}
