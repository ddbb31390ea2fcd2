//===- LearningCurve.h - loss and accuracy over a training, as a picture --*- C++ -*-===//

#ifndef COMPILER_DRIVER_LEARNINGCURVE_H
#define COMPILER_DRIVER_LEARNINGCURVE_H

#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace bnc {

/// A point of a curve; `step` counts from 1.
struct CurvePoint {
  double step, value;
};

/// What a training went through. Accuracies are shares, 0 to 1; curves may be empty.
struct TrainingHistory {
  std::vector<CurvePoint> stepLoss;               // every step
  std::vector<CurvePoint> trainAccuracy;          // of an epoch, at its end
  std::vector<CurvePoint> testLoss, testAccuracy; // at the end of an epoch
};

/// An SVG picture: the loss, and below it the accuracy if there is one.
std::string drawLearningCurve(const TrainingHistory &history, llvm::StringRef title);

} // namespace bnc

#endif // COMPILER_DRIVER_LEARNINGCURVE_H
