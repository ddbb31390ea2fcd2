#define _POSIX_C_SOURCE 200809L
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The only state outside objects: a failed `_create` has no object to keep its sentence in. */
static _Thread_local bnc_error last;

static void keep(bnc_error *error) {
  if (error)
    *error = last;
}

bnc_status bnc_fail(bnc_error *error, bnc_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(last.text, sizeof last.text, format, arguments);
  va_end(arguments);
  keep(error);
  return status;
}

bnc_status bnc_fail_system(bnc_error *error, bnc_status status, int number, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(last.text, sizeof last.text, format, arguments);
  va_end(arguments);
  size_t length = strlen(last.text);
  char reason[128];
  if (strerror_r(number, reason, sizeof reason) != 0)
    snprintf(reason, sizeof reason, "error %d", number);
  snprintf(last.text + length, sizeof last.text - length, ": %s", reason);
  keep(error);
  return status;
}

const char *bnc_error_text(void) { return last.text; }

const char *bnc_status_name(bnc_status status) {
  switch (status) {
  case BNC_OK:
    return "ok";
  case BNC_INVALID_ARGUMENT:
    return "invalid argument";
  case BNC_NOT_FINITE:
    return "not finite";
  case BNC_OUT_OF_MEMORY:
    return "out of memory";
  case BNC_IO_ERROR:
    return "input/output error";
  case BNC_BAD_FILE:
    return "bad file";
  case BNC_INCOMPATIBLE:
    return "incompatible";
  case BNC_NOT_READY:
    return "not ready";
  case BNC_UNSUPPORTED:
    return "unsupported";
  }
  return "unknown status";
}

const char *bnc_version(void) { return BNC_VERSION; }
