/* The reader of weights files: what it accepts, and every way a file can be wrong. */
#include "check.h"
#include "options.h"
#include "safetensors.h"

static bnc_allocator allocator;
static int64_t blocks;

static void *counting_allocate(void *context, size_t bytes, size_t alignment) {
  (void)context;
  blocks++;
  return aligned_alloc(alignment, bytes);
}

static void counting_release(void *context, void *memory, size_t bytes) {
  (void)context;
  (void)bytes;
  blocks--;
  free(memory);
}

/* A file of this header and `bytes` of data 0, 1, 2, ..., of exactly its size so that a sanitizer sees every
 * byte too many that is read. */
static uint8_t *make_file(const char *header, size_t length, size_t bytes, size_t *size) {
  uint64_t header_bytes = length;
  *size = 8 + length + bytes;
  uint8_t *file = malloc(*size);
  memcpy(file, &header_bytes, 8);
  memcpy(file + 8, header, length);
  for (size_t i = 0; i < bytes; ++i)
    file[8 + length + i] = (uint8_t)i;
  return file;
}

static bnc_status parse(const char *header, size_t bytes, bnc_archive *archive, uint8_t **file) {
  size_t size;
  *file = make_file(header, strlen(header), bytes, &size);
  return bnc_archive_parse(*file, size, "f", &allocator, NULL, archive);
}

#define TENSOR(NAME, DTYPE, SHAPE, OFFSETS)                                                                            \
  "\"" NAME "\":{\"dtype\":\"" DTYPE "\",\"shape\":" SHAPE ",\"data_offsets\":" OFFSETS "}"

static void check_good(const char *header, size_t bytes) {
  bnc_archive archive;
  uint8_t *file;
  if (parse(header, bytes, &archive, &file) != BNC_OK) {
    failures++;
    fprintf(stderr, "refused %s\n  %s\n", header, bnc_error_text());
  } else {
    bnc_archive_release(&allocator, &archive);
  }
  free(file);
}

static void check_bad(const char *header, size_t bytes, const char *sentence) {
  bnc_archive archive;
  uint8_t *file;
  if (parse(header, bytes, &archive, &file) != BNC_BAD_FILE) {
    failures++;
    fprintf(stderr, "accepted %s\n", header);
    bnc_archive_release(&allocator, &archive);
  } else if (!strstr(bnc_error_text(), sentence)) {
    failures++;
    fprintf(stderr, "%s\n  says   %s\n  not    %s\n", header, bnc_error_text(), sentence);
  }
  free(file);
}

static void test_good(void) {
  check_good("{}", 0);
  check_good("{}       ", 0);
  check_good("{\"__metadata__\":{}}", 0);
  check_good("{\"__metadata__\":{\"format\":\"pt\"}}", 0);
  check_good("{" TENSOR("a", "F32", "[2]", "[0,8]") "}", 8);
  check_good("{" TENSOR("a", "F32", "[]", "[0,4]") "}", 4);
  check_good("{" TENSOR("a", "F32", "[0,5]", "[0,0]") "}", 0);
  check_good("{" TENSOR("", "U8", "[3]", "[0,3]") "}", 3);
  check_good("{" TENSOR("b", "I64", "[1]", "[4,12]") "," TENSOR("a", "F32", "[1]", "[0,4]") "}", 12);
  check_good("{" TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR("e", "F32", "[0]", "[4,4]") "}", 4);
  check_good("{ \"a\" : { \"data_offsets\" : [ 0 , 4 ] , \"shape\" : [ 1 ] ,\n\t\"dtype\" : \"F32\" } }\r\n", 4);
  check_good("{" TENSOR("a", "F4_NEW", "[3]", "[0,2]") "}", 2);
  check_good("{" TENSOR("gr\xc3\xb6\xc3\x9f"
                        "e \\\"\\\\\\u0041\\ud83d\\ude00",
                        "U8", "[1]", "[0,1]") "}",
             1);
  check_good(
      "{" TENSOR("a", "U8", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,1]") "}",
      1);
}

static void test_contents(void) {
  bnc_archive archive;
  uint8_t *file;
  const char *header =
      "{" TENSOR("b", "F32", "[2,1]", "[2,10]") ",\"__metadata__\":{\"k\\n\":\"v\\u00e9\",\"a\":\"\"}," TENSOR(
          "a.\\u0062", "I16", "[]", "[0,2]") "}";
  CHECK(parse(header, 10, &archive, &file) == BNC_OK);
  CHECK(archive.tensor_count == 2 && archive.metadata_count == 2);
  const bnc_stored *a = bnc_archive_find(&archive, "a", ".b"), *b = bnc_archive_find(&archive, "", "b");
  CHECK(a && b && !bnc_archive_find(&archive, "", "a") && !bnc_archive_find(&archive, "bb", "") &&
        !bnc_archive_find(&archive, "b", "b"));
  CHECK(a && a->rank == 0 && a->bytes == 2 && a->data[1] == 1);
  CHECK(b && b->rank == 2 && b->shape[0] == 2 && b->shape[1] == 1 && b->bytes == 8 && b->data[0] == 2);
  CHECK_TEXT(bnc_archive_metadata(&archive, "k\n")->data, "v\xc3\xa9");
  CHECK(bnc_archive_metadata(&archive, "k") == NULL);
  bnc_archive_release(&allocator, &archive);
  free(file);
}

static void test_bad_headers(void) {
  check_bad("", 0, "expected '{'");
  check_bad(" {}", 0, "expected '{'");
  check_bad("[]", 0, "expected '{'");
  check_bad("{", 0, "byte 1 of its header is wrong, expected a string");
  check_bad("{}x", 0, "expected spaces up to the end");
  check_bad("{}{}", 0, "expected spaces up to the end");
  check_bad("{,}", 0, "expected a string");
  check_bad("{" TENSOR("a", "F32", "[1]", "[0,4]") ",}", 4, "expected a string");
  check_bad("{" TENSOR("a", "F32", "[1]", "[0,4]"), 4, "expected ',' or '}'");
  check_bad("{\"a\" {}}", 0, "expected ':'");
  check_bad("{\"a\":[]}", 0, "expected '{'");
  check_bad("{\"a\":{}}", 0, "expected dtype, shape or data_offsets");
  check_bad("{\"a\":null}", 0, "expected '{'");
  check_bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", 0, "expected dtype, shape and data_offsets");
  check_bad("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 0, "once each");
  check_bad("{\"a\":{\"dtype\":\"F32\",\"color\":1}}", 0, "once each");
  check_bad("{\"a\":{\"a key that is far too long for the reader\":\"F32\"}}", 0, "dtype, shape or data_offsets");
  check_bad("{\"a\":{\"dtype\":4}}", 0, "expected a string");
  check_bad("{" TENSOR("a", "F32", "1", "[0,4]") "}", 4, "expected '['");
  check_bad("{" TENSOR("a", "F32", "[1", "[0,4]") "}", 4, "expected a whole number");
  check_bad("{" TENSOR("a", "F32", "[-1]", "[0,4]") "}", 4, "expected a whole number");
  check_bad("{" TENSOR("a", "F32", "[1.0]", "[0,4]") "}", 4, "expected ',' or ']'");
  check_bad("{" TENSOR("a", "F32", "[01]", "[0,4]") "}", 4, "without leading zeros");
  check_bad("{" TENSOR("a", "F32", "[9223372036854775808]", "[0,4]") "}", 4, "a number below 2^63");
  check_bad("{" TENSOR("a", "F32", "[99999999999999999999999]", "[0,4]") "}", 4, "a number below 2^63");
  check_bad("{" TENSOR("a", "F32", "[4611686018427387904,4]", "[0,4]") "}", 4, "more than 2^63 bytes");
  check_bad("{" TENSOR("a", "F32", "[1]", "[0]") "}", 4, "expected ','");
  check_bad("{" TENSOR("a", "F32", "[1]", "[0,4,8]") "}", 4, "expected ']'");
  check_bad("{" TENSOR("a", "F32", "[1]", "[4,0]") "}", 4, "data_offsets inside the file");
  check_bad("{" TENSOR("a", "F32", "[1]", "[0,5]") "}", 4, "data_offsets inside the file");
  check_bad("{" TENSOR("a", "F32", "[1]", "[9223372036854775800,9223372036854775804]") "}", 4, "inside the file");
  check_bad("{" TENSOR("a", "F32", "[2]", "[0,4]") "}", 4, "has 4 bytes of data, but its shape and type (F32) need 8");
  check_bad("{" TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR("b", "F32", "[1]", "[2,6]") "}", 6,
            "the data of tensor 'b' begins at byte 2, expected 4");
  check_bad("{" TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR("b", "F32", "[1]", "[0,4]") "}", 4, "may not overlap");
  check_bad("{" TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR("b", "F32", "[1]", "[5,9]") "}", 9, "or leave holes");
  check_bad("{" TENSOR("a", "F32", "[1]", "[1,5]") "}", 5, "begins at byte 1, expected 0");
  check_bad("{" TENSOR("a", "F32", "[1]", "[0,4]") "}", 6, "2 bytes follow the data of the last tensor");
  check_bad("{" TENSOR("a", "U8", "[1]", "[0,1]") "," TENSOR("\\u0061", "U8", "[1]", "[1,2]") "}", 2,
            "two tensors have the name 'a'");
  check_bad("{\"__metadata__\":{\"a\":1}}", 0, "expected a string");
  check_bad("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0, "two entries of __metadata__ have the name 'a'");
  check_bad("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "one __metadata__");
  check_bad("{\"__metadata__\":[]}", 0, "expected '{'");
  check_bad("{\"a", 0, "the end of a string");
  check_bad("{\"a\\", 0, "the end of a string");
  check_bad("{\"a\\x\":", 0, "a known escape");
  check_bad("{\"\\u12\":", 0, "four hexadecimal digits");
  check_bad("{\"\\u12", 0, "four hexadecimal digits");
  check_bad("{\"\\ud800\":", 0, "four hexadecimal digits");
  check_bad("{\"\\ud800\\u0041\":", 0, "four hexadecimal digits");
  check_bad("{\"\\udc00\":", 0, "four hexadecimal digits");
  check_bad("{\"a\nb\":", 0, "without control characters");
  static const char *const not_utf8[] = {"\xff",
                                         "\x80",
                                         "\xc0\xaf",
                                         "\xe0\x80\xaf",
                                         "\xed\xa0\x80",
                                         "\xf0\x80\x80\xaf",
                                         "\xf4\x90\x80\x80",
                                         "\xf8\x88\x80\x80\x80",
                                         "\xe2\x82",
                                         "\xc3("};
  for (size_t i = 0; i < sizeof not_utf8 / sizeof *not_utf8; ++i) {
    char header[64];
    snprintf(header, sizeof header, "{\"%s\":{}}", not_utf8[i]);
    check_bad(header, 0, "UTF-8");
  }
}

static void test_bad_lengths(void) {
  bnc_archive archive;
  const char *header = "{" TENSOR("a", "F32", "[1]", "[0,4]") "}";
  size_t size;
  uint8_t *file = make_file(header, strlen(header), 4, &size);
  /* Cut anywhere, it is refused, and no byte past the cut is read. */
  for (size_t cut = 0; cut < size; ++cut) {
    uint8_t *part = malloc(cut ? cut : 1);
    memcpy(part, file, cut);
    CHECK(bnc_archive_parse(part, cut, "f", &allocator, NULL, &archive) == BNC_BAD_FILE);
    free(part);
  }
  static const uint64_t lengths[] = {UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63, 100000001, 1 << 20};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; ++i) {
    memcpy(file, &lengths[i], 8);
    CHECK(bnc_archive_parse(file, size, "f", &allocator, NULL, &archive) == BNC_BAD_FILE);
    CHECK_CONTAINS(bnc_error_text(), "is not a complete safetensors file");
  }
  free(file);
}

/* One byte changed anywhere in a good file: refused or accepted, never more. The sanitizers watch. */
static void test_damage(void) {
  const char *header = "{\"__metadata__\":{\"k\":\"v\"}," TENSOR("a\\u00e9", "F32", "[1]", "[0,4]") "," TENSOR(
      "b", "BF16", "[3,2]", "[4,16]") "}  ";
  size_t size;
  uint8_t *file = make_file(header, strlen(header), 16, &size);
  for (size_t at = 0; at < size; ++at)
    for (int value = 0; value < 256; ++value) {
      bnc_archive archive;
      uint8_t before = file[at];
      file[at] = (uint8_t)value;
      if (bnc_archive_parse(file, size, "f", &allocator, NULL, &archive) == BNC_OK)
        bnc_archive_release(&allocator, &archive);
      file[at] = before;
    }
  free(file);
}

/* A header of many tensors is read in reasonable time, in any order of names and places. */
static void test_many(void) {
  enum { COUNT = 50000, CAPACITY = COUNT * 96 };
  char *header = calloc(1, CAPACITY);
  size_t length = (size_t)snprintf(header, CAPACITY, "{");
  for (int i = 0; i < COUNT; ++i) {
    int place = COUNT - 1 - i;
    length += (size_t)snprintf(header + length, CAPACITY - length,
                               "%s\"t%d\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%d,%d]}", i ? "," : "",
                               (int)(i * 7919LL % COUNT), place, place + 1);
  }
  snprintf(header + length, CAPACITY - length, "}");
  bnc_archive archive;
  uint8_t *file;
  CHECK(parse(header, COUNT, &archive, &file) == BNC_OK);
  CHECK(archive.tensor_count == COUNT && bnc_archive_find(&archive, "t", "49999") &&
        bnc_archive_find(&archive, "t0", ""));
  bnc_archive_release(&allocator, &archive);
  free(file);
  free(header);
}

int main(void) {
  allocator = (bnc_allocator){NULL, counting_allocate, counting_release};
  test_good();
  test_contents();
  test_bad_headers();
  test_bad_lengths();
  test_damage();
  test_many();
  CHECK(blocks == 0);
  return report();
}
