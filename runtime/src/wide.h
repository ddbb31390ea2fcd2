/* wide.h: functions that are compiled for wider vectors too. The processor that runs them decides which it takes; as
 * nothing is contracted, the bits are the same. */
#ifndef BNC_WIDE_H
#define BNC_WIDE_H

#include <stdint.h> /* says whether the C library is glibc, which makes the choice */

/* A sanitizer is not ready yet when it is made. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BNC_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BNC_SANITIZED 1
#endif
#endif

/* Before a function that is called or pointed to; what it calls has to be BNC_INLINE to be compiled with it. */
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(BNC_SANITIZED)
#define BNC_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define BNC_WIDE
#endif
#define BNC_INLINE static inline __attribute__((always_inline))

#endif
