//===- Metrics.h - what a training writes down ----------------------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_METRICS_H
#define COMPILER_DRIVER_METRICS_H

#include "compiler/Driver/LearningCurve.h"

#include "llvm/Support/LogicalResult.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>

namespace bnc {

/// One step. What has no value is NaN: an accuracy without classes, and the test but at the end of an epoch.
struct StepRecord {
  int64_t step = 0, epoch = 0;
  double loss = NAN, accuracy = NAN, lr = NAN, gradientNorm = NAN, testLoss = NAN, testAccuracy = NAN;
};

/// A CSV file with a line a step, each on disk before the next step begins.
class MetricsFile {
public:
  MetricsFile() = default;
  MetricsFile(const MetricsFile &) = delete;
  ~MetricsFile();

  /// Begins the file anew, but for its lines of steps 1 to `keep`, which go into `history` too.
  llvm::LogicalResult open(const std::string &path, int64_t keep, TrainingHistory &history);
  llvm::LogicalResult add(const StepRecord &record);

private:
  llvm::LogicalResult fail();

  std::FILE *file = nullptr;
  std::string path;
};

} // namespace bnc

#endif // COMPILER_DRIVER_METRICS_H
