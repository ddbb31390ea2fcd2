/* fpmode.h: the floating-point mode of the runtime's work.
 *
 * An application may have changed rounding or denormal handling, and threads may differ in it. Every entry
 * point therefore sets the mode it needs and restores what it found; parallel work carries the mode of the
 * thread that started it. Kernels run in BNC_FP_FAST: round to nearest, denormals flushed to zero, because
 * gradients of saturated layers are full of denormals and cost a hundred cycles each otherwise. Folding
 * runs in BNC_FP_IEEE: its results must not depend on the processor. */
#ifndef BNC_FPMODE_H
#define BNC_FPMODE_H

#include <stdint.h>

#if defined(__x86_64__)

enum { BNC_FP_IEEE = 0x1f80, BNC_FP_FAST = 0x1f80 | 0x8000 | 0x0040 }; /* MXCSR: masks, FTZ, DAZ */
static inline uint64_t bnc_fp_get(void) { return __builtin_ia32_stmxcsr(); }
static inline void bnc_fp_set(uint64_t mode) { __builtin_ia32_ldmxcsr((unsigned)mode); }

#elif defined(__aarch64__)

enum { BNC_FP_IEEE = 0, BNC_FP_FAST = 1 << 24 }; /* FPCR: FZ */
static inline uint64_t bnc_fp_get(void) {
  uint64_t mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
static inline void bnc_fp_set(uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }

#else /* no flush to zero, as on RISC-V */

#include <fenv.h>
enum { BNC_FP_IEEE = FE_TONEAREST, BNC_FP_FAST = FE_TONEAREST };
static inline uint64_t bnc_fp_get(void) { return (uint64_t)fegetround(); }
static inline void bnc_fp_set(uint64_t mode) { fesetround((int)mode); }

#endif

static inline uint64_t bnc_fp_enter(uint64_t mode) {
  uint64_t found = bnc_fp_get();
  bnc_fp_set(mode);
  return found;
}

#endif
