//===- RandomSamples.h - a batch for a model where no data is given -------*- C++ -*-===//

#ifndef COMPILER_DRIVER_RANDOMSAMPLES_H
#define COMPILER_DRIVER_RANDOMSAMPLES_H

#include "bnc/model_abi.h"

#include <cstdint>
#include <random>
#include <vector>

namespace bnc {

/// `batch` samples with labels, the same for the same seed: floats normally distributed, every byte and every class as
/// likely as any other.
struct RandomSamples {
  RandomSamples(const bnc_model_descriptor &model, int64_t batch, uint64_t seed);

  std::vector<std::vector<char>> buffers; // an input of the model each
  std::vector<const void *> pointers;     // to them
  std::vector<char> labels;               // empty where the model has no training graph with a loss

private:
  /// Whole numbers are less than `end`.
  std::vector<char> fill(const bnc_tensor &tensor, int64_t batch, int32_t end);

  std::mt19937_64 random;
};

} // namespace bnc

#endif // COMPILER_DRIVER_RANDOMSAMPLES_H
