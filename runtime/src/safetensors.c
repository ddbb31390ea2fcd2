#include "safetensors.h"
#include "json.h"

#include <inttypes.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "weights files are little endian and copied as they are"
#endif

/* The format's reference implementation has the same bound. */
enum { MOST_HEADER_BYTES = 100000000 };

int bnc_text_compare(bnc_text a, bnc_text b) {
  size_t shorter = a.length < b.length ? a.length : b.length;
  int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
  return order ? order : (a.length > b.length) - (a.length < b.length);
}

int64_t bnc_dtype_bytes(bnc_text dtype) {
  static const struct {
    const char *name;
    int64_t bytes;
  } known[] = {{"F32", 4},  {"F64", 8},     {"F16", 2},     {"BF16", 2}, {"I64", 8},    {"I32", 4},
               {"I16", 2},  {"I8", 1},      {"U64", 8},     {"U32", 4},  {"U16", 2},    {"U8", 1},
               {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"C64", 8},  {"F8_E8M0", 1}};
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
    if (bnc_text_compare(dtype, bnc_text_of(known[i].name)) == 0)
      return known[i].bytes;
  return 0;
}

/* ---- Reading ------------------------------------------------------------------------------------- */

/* The header is read twice: once to check it and to count, once to store into one block of that size. */
typedef struct reader {
  bnc_json json;
  const uint8_t *data; /* after the header */
  int64_t data_bytes;
  int64_t tensors, pairs, dimensions, characters;
  bool store;
  bnc_stored *tensor_out;
  bnc_pair *pair_out;
  int64_t *dimension_out;
  char *character_out;
} reader;

static bool read_text(reader *in, bnc_text *text) {
  char *target = in->store ? in->character_out + in->characters : NULL;
  size_t length;
  if (!bnc_json_string(&in->json, target, &length))
    return false;
  if (target)
    target[length] = 0;
  *text = (bnc_text){target, length};
  in->characters += (int64_t)length + 1;
  return true;
}

static bool read_shape(reader *in, bnc_stored *tensor) {
  tensor->shape = in->store ? in->dimension_out + in->dimensions : NULL;
  tensor->rank = 0;
  if (!bnc_json_expect(&in->json, '[', "'['"))
    return false;
  if (bnc_json_take(&in->json, ']'))
    return true;
  do {
    int64_t extent;
    if (!bnc_json_number(&in->json, &extent))
      return false;
    if (in->store)
      in->dimension_out[in->dimensions] = extent;
    in->dimensions++;
    tensor->rank++;
  } while (bnc_json_take(&in->json, ','));
  return bnc_json_expect(&in->json, ']', "',' or ']'");
}

static bool read_offsets(reader *in, bnc_stored *tensor) {
  int64_t begin, end;
  bnc_json *json = &in->json;
  if (!bnc_json_expect(json, '[', "'['") || !bnc_json_number(json, &begin) || !bnc_json_expect(json, ',', "','") ||
      !bnc_json_number(json, &end) || !bnc_json_expect(json, ']', "']'"))
    return false;
  if (begin > end || end > in->data_bytes)
    return bnc_json_fail(json, "data_offsets inside the file");
  tensor->data = in->data + begin;
  tensor->bytes = end - begin;
  return true;
}

static bool read_tensor(reader *in, bnc_stored *tensor) {
  bnc_json *json = &in->json;
  int seen = 0;
  if (!bnc_json_expect(json, '{', "'{'"))
    return false;
  do {
    char key[16];
    size_t length;
    bnc_json ahead = *json; /* the longest key has 12 characters: measure before storing */
    if (!bnc_json_string(&ahead, NULL, &length) || length >= sizeof key)
      return bnc_json_fail(json, "dtype, shape or data_offsets");
    if (!bnc_json_string(json, key, &length) || !bnc_json_expect(json, ':', "':'"))
      return false;
    bnc_text name = {key, length};
    int which = bnc_text_compare(name, bnc_text_of("dtype")) == 0          ? 1
                : bnc_text_compare(name, bnc_text_of("shape")) == 0        ? 2
                : bnc_text_compare(name, bnc_text_of("data_offsets")) == 0 ? 4
                                                                           : 0;
    if (which == 0 || (seen & which))
      return bnc_json_fail(json, "dtype, shape and data_offsets, once each");
    seen |= which;
    bool good = which == 1   ? read_text(in, &tensor->dtype)
                : which == 2 ? read_shape(in, tensor)
                             : read_offsets(in, tensor);
    if (!good)
      return false;
  } while (bnc_json_take(json, ','));
  return bnc_json_expect(json, '}', "',' or '}'") &&
         (seen == 7 || bnc_json_fail(json, "dtype, shape and data_offsets"));
}

static bool read_metadata(reader *in) {
  bnc_json *json = &in->json;
  if (!bnc_json_expect(json, '{', "'{'"))
    return false;
  if (bnc_json_take(json, '}'))
    return true;
  do {
    bnc_pair pair;
    if (!read_text(in, &pair.key) || !bnc_json_expect(json, ':', "':'") || !read_text(in, &pair.value))
      return false;
    if (in->store)
      in->pair_out[in->pairs] = pair;
    in->pairs++;
  } while (bnc_json_take(json, ','));
  return bnc_json_expect(json, '}', "',' or '}'");
}

static bool is_metadata(const bnc_json *json) {
  static const char name[] = "__metadata__";
  bnc_json ahead = *json;
  char text[sizeof name];
  size_t length;
  if (!bnc_json_string(&ahead, NULL, &length) || length != sizeof name - 1)
    return false;
  ahead = *json;
  return bnc_json_string(&ahead, text, &length) && memcmp(text, name, length) == 0;
}

static bool read_header(reader *in) {
  bnc_json *json = &in->json;
  bool metadata_seen = false;
  if (!bnc_json_expect(json, '{', "'{'"))
    return false;
  if (!bnc_json_take(json, '}')) {
    do {
      bnc_stored tensor = {0};
      if (is_metadata(json)) {
        size_t length;
        if (metadata_seen)
          return bnc_json_fail(json, "one __metadata__");
        metadata_seen = true;
        if (!bnc_json_string(json, NULL, &length) || !bnc_json_expect(json, ':', "':'") || !read_metadata(in))
          return false;
        continue;
      }
      if (!read_text(in, &tensor.name) || !bnc_json_expect(json, ':', "':'") || !read_tensor(in, &tensor))
        return false;
      if (in->store)
        in->tensor_out[in->tensors] = tensor;
      in->tensors++;
    } while (bnc_json_take(json, ','));
    if (!bnc_json_expect(json, '}', "',' or '}'"))
      return false;
  }
  return bnc_json_done(json) || bnc_json_fail(json, "spaces up to the end of the header");
}

/* Heap sort: no allocation, and no input makes it quadratic. */
static void sort(void *items, int64_t count, size_t size, int (*compare)(const void *a, const void *b)) {
  uint8_t *base = items, held[sizeof(bnc_stored)];
  for (int64_t end = count, start = count / 2; end > 1;) {
    if (start > 0) {
      start--;
    } else {
      end--;
      memcpy(held, base, size);
      memcpy(base, base + (size_t)end * size, size);
      memcpy(base + (size_t)end * size, held, size);
    }
    for (int64_t root = start, child; (child = 2 * root + 1) < end; root = child) {
      if (child + 1 < end && compare(base + (size_t)child * size, base + (size_t)(child + 1) * size) < 0)
        child++;
      uint8_t *parent = base + (size_t)root * size, *larger = base + (size_t)child * size;
      if (compare(parent, larger) >= 0)
        break;
      memcpy(held, parent, size);
      memcpy(parent, larger, size);
      memcpy(larger, held, size);
    }
  }
}

static int by_name(const void *a, const void *b) {
  return bnc_text_compare(((const bnc_stored *)a)->name, ((const bnc_stored *)b)->name);
}
static int by_key(const void *a, const void *b) {
  return bnc_text_compare(((const bnc_pair *)a)->key, ((const bnc_pair *)b)->key);
}
static int by_place(const void *a, const void *b) {
  const bnc_stored *x = a, *y = b;
  if (x->data != y->data)
    return x->data < y->data ? -1 : 1;
  return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* Lays the parts of an archive out in one block; false where that is not to be had. */
static bool reserve(bnc_archive *archive, const bnc_allocator *allocator, int64_t tensors, int64_t pairs,
                    int64_t dimensions, int64_t characters, int64_t data_bytes, int64_t **shapes, char **texts,
                    uint8_t **data) {
  int64_t bytes = data_bytes, tensor_bytes, pair_bytes, shape_bytes;
  if (__builtin_mul_overflow(tensors, (int64_t)sizeof(bnc_stored), &tensor_bytes) ||
      __builtin_mul_overflow(pairs, (int64_t)sizeof(bnc_pair), &pair_bytes) ||
      __builtin_mul_overflow(dimensions, (int64_t)sizeof(int64_t), &shape_bytes) ||
      __builtin_add_overflow(bytes, tensor_bytes, &bytes) || __builtin_add_overflow(bytes, pair_bytes, &bytes) ||
      __builtin_add_overflow(bytes, shape_bytes, &bytes) || __builtin_add_overflow(bytes, characters, &bytes))
    return false;
  archive->block = bnc_block_take(allocator, bytes, 1);
  uint8_t *at = archive->block.data;
  if (!at)
    return false;
  archive->tensors = (bnc_stored *)at;
  archive->metadata = (bnc_pair *)(at += tensor_bytes);
  *shapes = (int64_t *)(at += pair_bytes);
  *data = at += shape_bytes;
  *texts = (char *)(at + data_bytes);
  return true;
}

static bnc_status check_tensor(const bnc_stored *tensor, const char *origin, bnc_error *error) {
  int64_t width = bnc_dtype_bytes(tensor->dtype), bytes = width;
  for (int64_t d = 0; d < tensor->rank; ++d)
    if (width && __builtin_mul_overflow(bytes, tensor->shape[d], &bytes))
      return bnc_fail(error, BNC_BAD_FILE, "%s: the shape of tensor '%s' has more than 2^63 bytes", origin,
                      tensor->name.data);
  if (width && bytes != tensor->bytes)
    return bnc_fail(error, BNC_BAD_FILE,
                    "%s: tensor '%s' has %" PRId64 " bytes of data, but its shape and type (%s) need %" PRId64, origin,
                    tensor->name.data, tensor->bytes, tensor->dtype.data, bytes);
  return BNC_OK;
}

static bnc_status check_archive(bnc_archive *archive, const uint8_t *data, int64_t data_bytes, const char *origin,
                                bnc_error *error) {
  int64_t covered = 0;
  sort(archive->tensors, archive->tensor_count, sizeof(bnc_stored), by_place);
  for (int64_t i = 0; i < archive->tensor_count; ++i) {
    const bnc_stored *tensor = &archive->tensors[i];
    bnc_status status = check_tensor(tensor, origin, error);
    if (status != BNC_OK)
      return status;
    int64_t begin = tensor->data - data;
    if (begin != covered)
      return bnc_fail(error, BNC_BAD_FILE,
                      "%s: the data of tensor '%s' begins at byte %" PRId64 ", expected %" PRId64
                      ": tensors may not overlap or leave holes",
                      origin, tensor->name.data, begin, covered);
    covered += tensor->bytes;
  }
  if (covered != data_bytes)
    return bnc_fail(error, BNC_BAD_FILE, "%s: %" PRId64 " bytes follow the data of the last tensor, expected none",
                    origin, data_bytes - covered);
  sort(archive->tensors, archive->tensor_count, sizeof(bnc_stored), by_name);
  for (int64_t i = 1; i < archive->tensor_count; ++i)
    if (bnc_text_compare(archive->tensors[i - 1].name, archive->tensors[i].name) == 0)
      return bnc_fail(error, BNC_BAD_FILE, "%s: two tensors have the name '%s'", origin, archive->tensors[i].name.data);
  sort(archive->metadata, archive->metadata_count, sizeof(bnc_pair), by_key);
  for (int64_t i = 1; i < archive->metadata_count; ++i)
    if (bnc_text_compare(archive->metadata[i - 1].key, archive->metadata[i].key) == 0)
      return bnc_fail(error, BNC_BAD_FILE, "%s: two entries of __metadata__ have the name '%s'", origin,
                      archive->metadata[i].key.data);
  return BNC_OK;
}

bnc_status bnc_archive_parse(const uint8_t *bytes, size_t size, const char *origin, const bnc_allocator *allocator,
                             bnc_error *error, bnc_archive *archive) {
  uint64_t header;
  memset(archive, 0, sizeof *archive);
  if (size < sizeof header)
    return bnc_fail(error, BNC_BAD_FILE, "%s is not a safetensors file: it has %zu bytes, the shortest has 8", origin,
                    size);
  memcpy(&header, bytes, sizeof header);
  if (header > size - sizeof header || header > MOST_HEADER_BYTES)
    return bnc_fail(error, BNC_BAD_FILE,
                    "%s is not a complete safetensors file: its header should have %" PRIu64
                    " bytes, and %zu bytes follow",
                    origin, header, size - sizeof header);
  reader in = {.data = bytes + sizeof header + header, .data_bytes = (int64_t)(size - sizeof header - header)};
  const char *text = (const char *)bytes + sizeof header;
  in.json = (bnc_json){text, text + header, NULL};
  if (header && *text != '{') /* the format allows no space here */
    bnc_json_fail(&in.json, "'{'");
  if (!read_header(&in))
    return bnc_fail(error, BNC_BAD_FILE, "%s: byte %lld of its header is wrong, expected %s", origin,
                    (long long)(in.json.at - text), in.json.wrong);
  reader out = {.data = in.data, .data_bytes = in.data_bytes, .store = true};
  uint8_t *no_data;
  out.json = (bnc_json){text, text + header, NULL};
  if (!reserve(archive, allocator, in.tensors, in.pairs, in.dimensions, in.characters, 0, &out.dimension_out,
               &out.character_out, &no_data))
    return bnc_fail(error, BNC_OUT_OF_MEMORY, "%s: no memory for a header of %" PRIu64 " bytes", origin, header);
  out.tensor_out = archive->tensors;
  out.pair_out = archive->metadata;
  read_header(&out);
  archive->tensor_count = out.tensors;
  archive->metadata_count = out.pairs;
  bnc_status status = check_archive(archive, in.data, in.data_bytes, origin, error);
  if (status != BNC_OK)
    bnc_archive_release(allocator, archive);
  return status;
}

void bnc_archive_release(const bnc_allocator *allocator, bnc_archive *archive) {
  bnc_block_release(allocator, archive->block);
  memset(archive, 0, sizeof *archive);
}

static int compare_joined(bnc_text whole, bnc_text prefix, bnc_text name) {
  bnc_text head = {whole.data, whole.length < prefix.length ? whole.length : prefix.length};
  int order = bnc_text_compare(head, prefix);
  if (order)
    return order;
  return bnc_text_compare((bnc_text){whole.data + prefix.length, whole.length - prefix.length}, name);
}

const bnc_stored *bnc_archive_find(const bnc_archive *archive, const char *prefix, const char *name) {
  bnc_text front = bnc_text_of(prefix), back = bnc_text_of(name);
  for (int64_t low = 0, high = archive->tensor_count; low < high;) {
    int64_t middle = low + (high - low) / 2;
    int order = compare_joined(archive->tensors[middle].name, front, back);
    if (order == 0)
      return &archive->tensors[middle];
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}

const bnc_text *bnc_archive_metadata(const bnc_archive *archive, const char *key) {
  for (int64_t i = 0; i < archive->metadata_count; ++i)
    if (bnc_text_compare(archive->metadata[i].key, bnc_text_of(key)) == 0)
      return &archive->metadata[i].value;
  return NULL;
}

static bnc_text copy_text(bnc_text text, char **at) {
  bnc_text copy = {*at, text.length};
  memcpy(*at, text.data, text.length + 1);
  *at += text.length + 1;
  return copy;
}

bnc_status bnc_archive_keep(const bnc_archive *archive, bool (*wanted)(const void *context, const bnc_stored *tensor),
                            bool (*wanted_key)(const void *context, const bnc_text *key), const void *context,
                            const bnc_allocator *allocator, bnc_error *error, bnc_archive *kept) {
  int64_t tensors = 0, pairs = 0, dimensions = 0, characters = 0, bytes = 0;
  memset(kept, 0, sizeof *kept);
  for (int64_t i = 0; i < archive->tensor_count; ++i) {
    const bnc_stored *tensor = &archive->tensors[i];
    if (!wanted(context, tensor))
      continue;
    tensors++;
    dimensions += tensor->rank;
    characters += (int64_t)(tensor->name.length + tensor->dtype.length + 2);
    bytes += tensor->bytes;
  }
  for (int64_t i = 0; i < archive->metadata_count; ++i)
    if (wanted_key(context, &archive->metadata[i].key)) {
      pairs++;
      characters += (int64_t)(archive->metadata[i].key.length + archive->metadata[i].value.length + 2);
    }
  if (tensors + pairs == 0)
    return BNC_OK;
  int64_t *shapes;
  char *texts;
  uint8_t *data;
  if (!reserve(kept, allocator, tensors, pairs, dimensions, characters, bytes, &shapes, &texts, &data))
    return bnc_fail(error, BNC_OUT_OF_MEMORY,
                    "no memory to keep the %" PRId64 " bytes of tensors the model does not use", bytes);
  for (int64_t i = 0; i < archive->tensor_count; ++i) {
    const bnc_stored *tensor = &archive->tensors[i];
    if (!wanted(context, tensor))
      continue;
    bnc_stored *copy = &kept->tensors[kept->tensor_count++];
    *copy = *tensor;
    copy->name = copy_text(tensor->name, &texts);
    copy->dtype = copy_text(tensor->dtype, &texts);
    if (tensor->rank)
      memcpy(shapes, tensor->shape, (size_t)tensor->rank * sizeof *shapes);
    copy->shape = shapes;
    shapes += tensor->rank;
    if (tensor->bytes)
      memcpy(data, tensor->data, (size_t)tensor->bytes);
    copy->data = data;
    data += tensor->bytes;
  }
  for (int64_t i = 0; i < archive->metadata_count; ++i)
    if (wanted_key(context, &archive->metadata[i].key)) {
      bnc_pair *copy = &kept->metadata[kept->metadata_count++];
      copy->key = copy_text(archive->metadata[i].key, &texts);
      copy->value = copy_text(archive->metadata[i].value, &texts);
    }
  return BNC_OK;
}
