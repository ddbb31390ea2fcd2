//===- RandomSamples.cpp - a batch for a model where no data is given --------------===//

#include "compiler/Driver/RandomSamples.h"

#include "llvm/ADT/ArrayRef.h"

#include <algorithm>

using namespace bnc;

RandomSamples::RandomSamples(const bnc_model_descriptor &model, int64_t batch, uint64_t seed) : random(seed) {
  for (const bnc_tensor &input : llvm::ArrayRef(model.inputs, model.input_count))
    buffers.push_back(fill(input, batch, 256));
  for (const std::vector<char> &buffer : buffers)
    pointers.push_back(buffer.data());
  if (model.train_forward)
    labels = fill(model.labels, batch, std::max<int64_t>(model.class_count, 1));
}

std::vector<char> RandomSamples::fill(const bnc_tensor &tensor, int64_t batch, int32_t end) {
  int64_t count = batch * tensor.count;
  std::vector<char> bytes(count * (tensor.element == 2 ? 1 : 4));
  std::uniform_int_distribution<int32_t> whole(0, end - 1);
  std::normal_distribution<float> real;
  for (int64_t i = 0; i < count; ++i)
    if (tensor.element == 2)
      bytes[i] = static_cast<char>(whole(random));
    else if (tensor.element == 1)
      reinterpret_cast<int32_t *>(bytes.data())[i] = whole(random);
    else
      reinterpret_cast<float *>(bytes.data())[i] = real(random);
  return bytes;
}
