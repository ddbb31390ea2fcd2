/* json.h: a strict reader for the little JSON that weights files hold. */
#ifndef BNC_JSON_H
#define BNC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bnc_json {
  const char *at, *end;
  const char *wrong; /* what was expected where reading stopped; NULL while all is well */
} bnc_json;

/* Each skips white space before it, and fails once something is wrong. */
bool bnc_json_take(bnc_json *json, char token); /* takes the token if it comes next, else leaves it there */
bool bnc_json_expect(bnc_json *json, char token, const char *wrong);
/* A string, unescaped into `text` (at most as long as it is in the file), which may be NULL. */
bool bnc_json_string(bnc_json *json, char *text, size_t *length);
/* A whole number in [0, INT64_MAX]. */
bool bnc_json_number(bnc_json *json, int64_t *number);

/* Nothing but white space is left. */
bool bnc_json_done(bnc_json *json);

bool bnc_json_fail(bnc_json *json, const char *wrong);

#endif
