#include "safetensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct header {
  bnc_sink sink; /* write NULL: only count */
  uint64_t bytes;
  int error;
} header;

static void put(header *out, const void *data, size_t bytes) {
  out->bytes += bytes;
  if (out->sink.write && !out->error && bytes)
    out->error = out->sink.write(out->sink.context, data, bytes);
}

static void put_string(header *out, const char *string) { put(out, string, strlen(string)); }

static void put_escaped(header *out, bnc_text text) {
  size_t plain = 0; /* characters that wait to be written as they are */
  for (size_t i = 0; i < text.length; ++i) {
    unsigned char c = (unsigned char)text.data[i];
    if (c >= 0x20 && c != '"' && c != '\\') {
      plain++;
      continue;
    }
    char escape[8];
    put(out, text.data + i - plain, plain);
    plain = 0;
    snprintf(escape, sizeof escape, c < 0x20 ? "\\u%04x" : "\\%c", c);
    put_string(out, escape);
  }
  put(out, text.data + text.length - plain, plain);
}

static void put_number(header *out, int64_t number) {
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRId64, number);
  put_string(out, digits);
}

static void put_tensor(header *out, const bnc_text *name, const bnc_stored *tensor, int64_t begin) {
  put_string(out, "\"");
  for (int i = 0; i < BNC_NAME_PARTS; ++i)
    put_escaped(out, name[i]);
  put_string(out, "\":{\"dtype\":\"");
  put_escaped(out, tensor->dtype);
  put_string(out, "\",\"shape\":[");
  for (int64_t d = 0; d < tensor->rank; ++d) {
    if (d)
      put_string(out, ",");
    put_number(out, tensor->shape[d]);
  }
  put_string(out, "],\"data_offsets\":[");
  put_number(out, begin);
  put_string(out, ",");
  put_number(out, begin + tensor->bytes);
  put_string(out, "]}");
}

/* Wide elements first, as other writers do: every tensor then begins at a multiple of its element. Types of
 * unknown width come last. */
static const int64_t widths[] = {8, 4, 2, 1, 0};
enum { WIDTHS = sizeof widths / sizeof *widths };

static void put_header(header *out, const bnc_source *source) {
  int64_t begin = 0;
  const char *separator = "";
  put_string(out, "{");
  if (source->metadata_count) {
    put_string(out, "\"__metadata__\":{");
    for (int64_t i = 0; i < source->metadata_count; ++i) {
      bnc_pair pair = source->metadata(source->context, i);
      put_string(out, i ? ",\"" : "\"");
      put_escaped(out, pair.key);
      put_string(out, "\":\"");
      put_escaped(out, pair.value);
      put_string(out, "\"");
    }
    put_string(out, "}");
    separator = ",";
  }
  for (int w = 0; w < WIDTHS; ++w)
    for (int64_t i = 0; i < source->tensor_count; ++i) {
      bnc_text name[BNC_NAME_PARTS] = {{NULL, 0}};
      bnc_stored tensor;
      if (!source->tensor(source->context, i, name, &tensor) || bnc_dtype_bytes(tensor.dtype) != widths[w])
        continue;
      put_string(out, separator);
      put_tensor(out, name, &tensor, begin);
      begin += tensor.bytes;
      separator = ",";
    }
  put_string(out, "}");
  while (out->bytes % 8) /* the data begins aligned, after a header padded with spaces */
    put_string(out, " ");
}

int bnc_safetensors_write(const bnc_source *source, bnc_sink sink) {
  header count = {{NULL, NULL}, 0, 0}, out = {sink, 0, 0};
  put_header(&count, source);
  int error = sink.write(sink.context, &count.bytes, sizeof count.bytes);
  if (error)
    return error;
  put_header(&out, source);
  for (int w = 0; w < WIDTHS && !out.error; ++w)
    for (int64_t i = 0; i < source->tensor_count; ++i) {
      bnc_text name[BNC_NAME_PARTS] = {{NULL, 0}};
      bnc_stored tensor;
      if (source->tensor(source->context, i, name, &tensor) && bnc_dtype_bytes(tensor.dtype) == widths[w])
        put(&out, tensor.data, (size_t)tensor.bytes);
    }
  return out.error;
}
