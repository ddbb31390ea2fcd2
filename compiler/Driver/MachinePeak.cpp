//===- MachinePeak.cpp - what this machine can do at most ----------------------------===//

#include "compiler/Driver/MachinePeak.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace bnc;
using Clock = std::chrono::steady_clock;

/// Runs `body` on `threads` threads at once, several times; returns the seconds of the fastest.
template <typename Body> static double fastest(int threads, const Body &body) {
  double best = 1e9;
  for (int repetition = 0; repetition < 40; ++repetition) {
    std::atomic<int> waiting{threads};
    std::vector<double> seconds(threads);
    std::vector<std::thread> pool;
    for (int i = 0; i < threads; ++i)
      pool.emplace_back([&, i] {
        for (--waiting; waiting > 0;) // so that all begin together
          ;
        Clock::time_point start = Clock::now();
        body(i);
        seconds[i] = std::chrono::duration<double>(Clock::now() - start).count();
      });
    for (std::thread &thread : pool)
      thread.join();
    best = std::min(best, *std::max_element(seconds.begin(), seconds.end()));
  }
  return best;
}

static constexpr int64_t kRounds = 200000;
static constexpr int kChains = 12; // enough to hide the latency of a multiply-add, and fit sixteen registers

#if defined(__x86_64__)
// One function per vector: attributes do not reach into templates. The chains stay in registers.
#define BNC_MULTIPLY_ADD(NAME, VECTOR, FMA, TARGET)                                                                    \
  __attribute__((target(TARGET), noinline)) static float NAME() {                                                      \
    VECTOR sum[kChains], factor, term;                                                                                 \
    for (int lane = 0; lane < int(sizeof(VECTOR) / sizeof(float)); ++lane) {                                           \
      factor[lane] = 0.999f;                                                                                           \
      term[lane] = 0.001f;                                                                                             \
      for (int chain = 0; chain < kChains; ++chain)                                                                    \
        sum[chain][lane] = float(chain);                                                                               \
    }                                                                                                                  \
    for (int64_t round = 0; round < kRounds; ++round) {                                                                \
      _Pragma("GCC unroll 12") for (int chain = 0; chain < kChains; ++chain)                                           \
        sum[chain] = FMA(sum[chain], factor, term);                                                                    \
    }                                                                                                                  \
    VECTOR all = sum[0];                                                                                               \
    for (int chain = 1; chain < kChains; ++chain)                                                                      \
      all += sum[chain];                                                                                               \
    return all[0];                                                                                                     \
  }
BNC_MULTIPLY_ADD(multiplyAdd8, __m256, _mm256_fmadd_ps, "avx2,fma")
BNC_MULTIPLY_ADD(multiplyAdd16, __m512, _mm512_fmadd_ps, "avx512f")

static double measureFlops(int threads, int64_t lanes) {
  auto body = lanes == 16 ? multiplyAdd16 : lanes == 8 ? multiplyAdd8 : nullptr;
  if (!body)
    return 0;
  std::vector<float> results(threads);
  double seconds = fastest(threads, [&](int thread) { results[thread] = body(); });
  return 2.0 * threads * kRounds * kChains * lanes / seconds;
}
#else
static double measureFlops(int, int64_t) { return 0; }
#endif

static double measureBytes(int threads) {
  constexpr int64_t words = 4 << 20; // 32 MB a thread, more than a share of any cache
  std::vector<std::vector<uint64_t>> memory(threads);
  std::vector<uint64_t> results(threads);
  for (std::vector<uint64_t> &block : memory)
    block.assign(words, 1);
  double seconds = fastest(threads, [&](int thread) {
    const uint64_t *at = memory[thread].data();
    uint64_t sum = 0;
    for (int64_t i = 0; i < words; i += 8) // a word of each cache line
      sum += at[i];
    results[thread] += sum;
  });
  return double(threads) * words * sizeof(uint64_t) / seconds;
}

MachinePeak bnc::measurePeak(int threads, const Target &target) {
  return {measureFlops(threads, target.lanes), measureBytes(threads)};
}
