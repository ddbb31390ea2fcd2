/* error.h: one sentence for every failure, kept per thread and per object. */
#ifndef BNC_ERROR_H
#define BNC_ERROR_H

#include "bnc/runtime.h"

typedef struct bnc_error {
  char text[512];
} bnc_error;

/* Formats the sentence into the thread's text and, where there is an object, into its own. Returns status. */
bnc_status bnc_fail(bnc_error *error, bnc_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with ": <what the system says about number>" at the end. */
bnc_status bnc_fail_system(bnc_error *error, bnc_status status, int number, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
