/* wide.h: functions that are compiled for wider vectors too. The processor that runs them decides which it takes; as
 * nothing is contracted, the bits are the same. */
#ifndef BNC_WIDE_H
#define BNC_WIDE_H

#include <stdint.h>

/* Before a function that other files or pointers reach. What it calls has to be BNC_INLINE to be compiled with it. A
 * sanitizer is not ready yet when the choice is made. */
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define BNC_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define BNC_WIDE
#endif
#define BNC_INLINE static inline __attribute__((always_inline))

#endif
