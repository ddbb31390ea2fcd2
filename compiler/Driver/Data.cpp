//===- Data.cpp - samples and labels of a data set --------------------------===//

#include "compiler/Driver/Data.h"

#include "compiler/Driver/Report.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>

using namespace llvm;
using namespace bnc;

//===-- Array -------------------------------------------------------------------===//

ArrayRef<int64_t> Array::sampleShape() const {
  return values.shape.empty() ? ArrayRef<int64_t>() : ArrayRef<int64_t>(values.shape).drop_front();
}

int64_t Array::elementsPerSample() const {
  if (values.shape.empty())
    return 0;
  ArrayRef<int64_t> shape = sampleShape();
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<int64_t>());
}

template <typename T> static T load(const char *bytes, size_t index) {
  T value;
  std::memcpy(&value, bytes + index * sizeof(T), sizeof(T));
  return value;
}

static double elementAt(const NpyArray &array, size_t index) {
  const char *data = array.bytes.data();
  switch (array.type) {
  case NpyType::U8:
    return static_cast<uint8_t>(data[index]);
  case NpyType::I32:
    return load<int32_t>(data, index);
  case NpyType::I64:
    return static_cast<double>(load<int64_t>(data, index));
  case NpyType::F32:
    return load<float>(data, index);
  case NpyType::F64:
    return load<double>(data, index);
  }
  llvm_unreachable("every type has a case");
}

std::string bnc::formatShape(ArrayRef<int64_t> shape) {
  return "(" + join(map_range(shape, [](int64_t size) { return std::to_string(size); }), ", ") + ")";
}

static std::vector<int64_t> withoutOnes(ArrayRef<int64_t> shape) {
  std::vector<int64_t> result;
  copy_if(shape, std::back_inserter(result), [](int64_t size) { return size != 1; });
  return result;
}

NamedPath bnc::parseNamedPath(StringRef text) {
  size_t equals = text.find('=');
  if (equals == StringRef::npos || equals > text.find('/'))
    return {"", text.str()};
  return {text.take_front(equals).str(), text.drop_front(equals + 1).str()};
}

LogicalResult bnc::checkOverwrites(StringRef output, StringRef model, ArrayRef<std::string> arrays) {
  if (sys::fs::equivalent(output, model))
    return reportError("cannot write '" + output + "': it is the model; choose another file for the output");
  for (const std::string &array : arrays) {
    std::string path = parseNamedPath(array).path;
    if (size_t member = path.find(".npz:"); member != std::string::npos)
      path.resize(member + 4);
    if (sys::fs::equivalent(output, path))
      return reportError("cannot write '" + output + "': it holds the data; choose another file for the output");
  }
  return success();
}

//===-- Samples -----------------------------------------------------------------===//

static LogicalResult checkFinite(const Array &array) {
  if (array.values.type != NpyType::F32 && array.values.type != NpyType::F64)
    return success();
  size_t elements = array.elementsPerSample(), total = elements * array.count();
  for (size_t i = 0; i < total; ++i)
    if (double value = elementAt(array.values, i); !std::isfinite(value))
      return reportError("'" + array.path + "': sample " + Twine(i / elements) + " holds " +
                         (std::isnan(value) ? "NaN" : "infinity") + " (element " + Twine(i % elements) +
                         " of the sample); remove or repair that sample");
  return success();
}

FailureOr<Samples> Samples::create(Array array, const SampleFormat &format, const Preprocessing &preprocessing) {
  StringRef input = format.name;
  ArrayRef<int64_t> shape = format.shape;
  if (array.count() == 0 || array.elementsPerSample() == 0)
    return reportError("'" + array.path + "' holds no samples; expected an array whose first dimension counts them");
  ArrayRef<int64_t> found = array.sampleShape();
  if (withoutOnes(found) != withoutOnes(shape)) {
    std::string hint;
    std::vector<int64_t> moved = withoutOnes(found), wanted = withoutOnes(shape);
    if (moved.size() > 1) {
      if (format.channelsLast)
        std::rotate(moved.begin(), moved.begin() + 1, moved.end());
      else
        std::rotate(moved.begin(), moved.end() - 1, moved.end());
      if (moved == wanted)
        hint = format.channelsLast
                   ? "; the channels come first in the file but last in the compiled input: leave --input-layout out"
                   : "; the channels come last in the file but first in the model: give --input-layout=nhwc, or "
                     "transpose the array to (N, C, ...)";
    }
    return reportError("'" + array.path + "': each sample has shape " + formatShape(found) + ", but input '" + input +
                       "' of the model expects " + formatShape(shape) + hint);
  }
  if (failed(checkFinite(array)))
    return failure();

  Samples samples;
  samples.bytes = format.bytes;
  if (format.bytes) {
    if (array.values.type != NpyType::U8)
      return reportError("'" + array.path + "' holds " + getNpyTypeName(array.values.type) + ", but input '" + input +
                         "' was compiled for bytes (--input-type=u8); give an array of type uint8");
    if (!preprocessing.mean.empty() || !preprocessing.deviation.empty())
      return reportError("input '" + input + "' takes bytes as they are: --mean and --std have to be compiled in, with "
                         "--input-type=u8");
  }
  if (shape.size() > 1 && format.channelsLast) {
    samples.channels = shape.back();
  } else if (shape.size() > 1) {
    samples.channels = shape.front();
    samples.inner = std::accumulate(shape.begin() + 1, shape.end(), int64_t{1}, std::multiplies<int64_t>());
  } else if (shape.size() == 1) {
    samples.channels = shape.front();
  }
  auto fits = [&](ArrayRef<double> values, StringRef option) -> LogicalResult {
    if (values.size() <= 1 || static_cast<int64_t>(values.size()) == samples.channels)
      return success();
    return reportError("option '" + option + "' has " + Twine(values.size()) + " numbers, but input '" + input +
                       "' has " + Twine(samples.channels) + (samples.channels == 1 ? " channel" : " channels") +
                       "; expected one number, or one per channel");
  };
  if (failed(fits(preprocessing.mean, "--mean")) || failed(fits(preprocessing.deviation, "--std")))
    return failure();
  auto pick = [](ArrayRef<double> values, int64_t channel, double otherwise) {
    return values.empty() ? otherwise : values[values.size() == 1 ? 0 : channel];
  };
  // Bytes count from 0 to 1, and so do --mean and --std.
  double unit = array.values.type == NpyType::U8 ? 255 : 1;
  for (int64_t channel = 0; channel < samples.channels; ++channel) {
    samples.mean.push_back(pick(preprocessing.mean, channel, 0) * unit);
    samples.scale.push_back(1 / (pick(preprocessing.deviation, channel, 1) * unit));
  }
  samples.array = std::move(array);
  return samples;
}

void Samples::copy(int64_t index, void *result) const {
  const NpyArray &values = array.values;
  size_t at = static_cast<size_t>(index) * elements(), end = at + elements();
  if (bytes) {
    std::memcpy(result, values.bytes.data() + at, end - at);
    return;
  }
  float *to = static_cast<float *>(result);
  while (at < end)
    for (int64_t channel = 0; channel < channels; ++channel) {
      double center = mean[channel], factor = scale[channel];
      for (int64_t i = 0; i < inner; ++i, ++at, ++to)
        *to = static_cast<float>((elementAt(values, at) - center) * factor);
    }
}

//===-- Labels ------------------------------------------------------------------===//

FailureOr<Labels> Labels::create(const Array &array, int64_t classes, int64_t elements) {
  Labels labels;
  labels.source = array.path;
  labels.samples = array.count();
  if (labels.samples == 0)
    return reportError("'" + array.path + "' holds no labels; expected an array whose first dimension counts them");

  if (classes > 0) {
    if (array.elementsPerSample() != 1)
      return reportError(
          "'" + array.path + "': labels have shape " + formatShape(array.values.shape) +
          ", expected one class number per sample" +
          (array.elementsPerSample() == classes ? "; this looks like one-hot rows: store their argmax" : ""));
    labels.bytes.resize(labels.samples * sizeof(int32_t));
    for (int64_t i = 0; i < labels.samples; ++i) {
      double value = elementAt(array.values, i);
      if (!(value >= 0 && value < static_cast<double>(classes)) || value != std::floor(value))
        return reportError("'" + array.path + "': label " + formatNumber(value) + " of sample " + Twine(i) +
                           " is no class of the model; expected a whole number from 0 to " + Twine(classes - 1));
      int32_t id = static_cast<int32_t>(value);
      std::memcpy(labels.bytes.data() + i * sizeof(id), &id, sizeof(id));
    }
    return labels;
  }

  if (array.elementsPerSample() != elements)
    return reportError("'" + array.path + "': labels have shape " + formatShape(array.values.shape) + ", expected " +
                       Twine(elements) + (elements == 1 ? " number" : " numbers") +
                       " per sample, as many as the model's output has; class numbers are for --loss=softmax-cross-entropy");
  if (failed(checkFinite(array)))
    return failure();
  labels.stride = elements * sizeof(float);
  labels.bytes.resize(labels.samples * labels.stride);
  for (int64_t i = 0, total = labels.samples * elements; i < total; ++i) {
    float value = static_cast<float>(elementAt(array.values, i));
    std::memcpy(labels.bytes.data() + i * sizeof(value), &value, sizeof(value));
  }
  return labels;
}

void Labels::copy(int64_t index, void *result) const { std::memcpy(result, bytes.data() + index * stride, stride); }
