#include "json.h"

bool bnc_json_fail(bnc_json *json, const char *wrong) {
  if (!json->wrong)
    json->wrong = wrong;
  return false;
}

static void skip_space(bnc_json *json) {
  while (json->at < json->end && (*json->at == ' ' || *json->at == '\t' || *json->at == '\n' || *json->at == '\r'))
    json->at++;
}

bool bnc_json_take(bnc_json *json, char token) {
  skip_space(json);
  if (json->wrong || json->at == json->end || *json->at != token)
    return false;
  json->at++;
  return true;
}

bool bnc_json_expect(bnc_json *json, char token, const char *wrong) {
  return bnc_json_take(json, token) || bnc_json_fail(json, wrong);
}

bool bnc_json_done(bnc_json *json) {
  skip_space(json);
  return !json->wrong && json->at == json->end;
}

static bool hex4(bnc_json *json, uint32_t *code) {
  *code = 0;
  if (json->end - json->at < 4)
    return false;
  for (int i = 0; i < 4; ++i) {
    char c = *json->at++;
    uint32_t digit;
    if (c >= '0' && c <= '9')
      digit = (uint32_t)(c - '0');
    else if ((c | 32) >= 'a' && (c | 32) <= 'f')
      digit = (uint32_t)((c | 32) - 'a' + 10);
    else
      return false;
    *code = *code * 16 + digit;
  }
  return true;
}

/* After "\u": one code point, from two escapes outside the basic plane. */
static bool escaped_code(bnc_json *json, uint32_t *code) {
  if (!hex4(json, code))
    return false;
  if (*code >= 0xdc00 && *code < 0xe000)
    return false;
  if (*code < 0xd800 || *code >= 0xdc00)
    return true;
  uint32_t low;
  if (json->end - json->at < 2 || json->at[0] != '\\' || json->at[1] != 'u')
    return false;
  json->at += 2;
  if (!hex4(json, &low) || low < 0xdc00 || low >= 0xe000)
    return false;
  *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
  return true;
}

static size_t encode(uint32_t code, char *bytes) {
  if (code < 0x80) {
    bytes[0] = (char)code;
    return 1;
  }
  size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  static const uint32_t lead[] = {0, 0xc0, 0xe0, 0xf0};
  bytes[0] = (char)(lead[more] | code >> (6 * more));
  for (size_t i = 1; i <= more; ++i)
    bytes[i] = (char)(0x80 | (code >> (6 * (more - i)) & 0x3f));
  return more + 1;
}

/* Length of the UTF-8 sequence at `at`, 0 for none: no overlong forms, surrogates or codes past U+10FFFF. */
static size_t sequence(const char *at, const char *end) {
  const unsigned char *bytes = (const unsigned char *)at;
  size_t left = (size_t)(end - at);
  if (bytes[0] < 0x80)
    return 1;
  if (bytes[0] < 0xc2 || bytes[0] > 0xf4)
    return 0;
  size_t length = bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
  if (left < length)
    return 0;
  for (size_t i = 1; i < length; ++i)
    if ((bytes[i] & 0xc0) != 0x80)
      return 0;
  if ((bytes[0] == 0xe0 && bytes[1] < 0xa0) || (bytes[0] == 0xed && bytes[1] >= 0xa0) ||
      (bytes[0] == 0xf0 && bytes[1] < 0x90) || (bytes[0] == 0xf4 && bytes[1] >= 0x90))
    return 0;
  return length;
}

static bool escape(bnc_json *json, char *bytes, size_t *count) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  if (json->at == json->end)
    return bnc_json_fail(json, "the end of a string");
  char c = *json->at++;
  if (c == 'u') {
    uint32_t code;
    if (!escaped_code(json, &code))
      return bnc_json_fail(json, "four hexadecimal digits that make a character");
    *count = encode(code, bytes);
    return true;
  }
  for (int i = 0; from[i]; ++i)
    if (c == from[i]) {
      bytes[0] = to[i];
      *count = 1;
      return true;
    }
  return bnc_json_fail(json, "a known escape");
}

bool bnc_json_string(bnc_json *json, char *text, size_t *length) {
  *length = 0;
  if (!bnc_json_expect(json, '"', "a string"))
    return false;
  while (json->at < json->end) {
    char bytes[4];
    size_t count;
    if (*json->at == '"') {
      json->at++;
      return true;
    }
    if (*json->at == '\\') {
      json->at++;
      if (!escape(json, bytes, &count))
        return false;
    } else {
      count = sequence(json->at, json->end);
      if (count == 0 || (unsigned char)*json->at < 0x20)
        return bnc_json_fail(json, "UTF-8 without control characters");
      for (size_t i = 0; i < count; ++i)
        bytes[i] = *json->at++;
    }
    for (size_t i = 0; text && i < count; ++i)
      text[*length + i] = bytes[i];
    *length += count;
  }
  return bnc_json_fail(json, "the end of a string");
}

bool bnc_json_number(bnc_json *json, int64_t *number) {
  skip_space(json);
  const char *first = json->at;
  *number = 0;
  for (; json->at < json->end && *json->at >= '0' && *json->at <= '9'; json->at++)
    if (__builtin_mul_overflow(*number, 10, number) || __builtin_add_overflow(*number, *json->at - '0', number))
      return bnc_json_fail(json, "a number below 2^63");
  if (json->wrong || json->at == first)
    return bnc_json_fail(json, "a whole number");
  if (*first == '0' && json->at - first > 1)
    return bnc_json_fail(json, "a number without leading zeros");
  return true;
}
