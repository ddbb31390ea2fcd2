//===- Data.h - arrays and data sets from files -----------------------*- C++ -*-===//
//
// .npy and .npz (NumPy), and IDX (the format of MNIST and its kin), the latter also compressed by gzip.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_DATA_H
#define COMPILER_DRIVER_DATA_H

#include "compiler/Support/Npy.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/LogicalResult.h"

#include <cstdint>
#include <string>
#include <vector>

namespace bnc {

/// What a file holds. The first dimension counts samples.
struct Array {
  std::string path; // for messages
  NpyArray values;

  int64_t count() const { return values.shape.empty() ? 0 : values.shape.front(); }
  llvm::ArrayRef<int64_t> sampleShape() const;
  int64_t elementsPerSample() const;
};

/// Reads `path`, whose contents say which format it is. "FILE.npz:NAME" takes one array of an archive; without NAME it
/// must hold only one. What cannot be read is reported, with the file's name.
llvm::FailureOr<Array> readArray(llvm::StringRef path);

/// "[NAME=]PATH" as options give it. A '=' after a '/' belongs to the path.
struct NamedPath {
  std::string name, path;
};
NamedPath parseNamedPath(llvm::StringRef text);

/// Fails if `output`, which is to be written, is the model or one of the arrays (as options give them) that are read.
llvm::LogicalResult checkOverwrites(llvm::StringRef output, llvm::StringRef model, llvm::ArrayRef<std::string> arrays);

/// "(2, 3)".
std::string formatShape(llvm::ArrayRef<int64_t> shape);

/// How values become a model's input.
struct Preprocessing {
  std::vector<double> mean, deviation; // per channel, or one for all; empty: 0 and 1
};

/// What a model takes as an input.
struct SampleFormat {
  std::string name;           // of the input
  std::vector<int64_t> shape; // of one sample
  bool bytes = false, channelsLast = false;
};

/// Samples of one model input. Bytes stay bytes until they are asked for.
class Samples {
public:
  /// The array may drop or add dimensions of size 1. Reports a shape or type that does not fit and the first value that
  /// is not finite.
  static llvm::FailureOr<Samples> create(Array array, const SampleFormat &format, const Preprocessing &preprocessing);
  int64_t count() const { return array.count(); }
  const std::string &path() const { return array.path; }
  int64_t elements() const { return array.elementsPerSample(); }
  size_t bytesPerSample() const { return elements() * (bytes ? 1 : sizeof(float)); }
  /// Writes sample `index`: as it is where the model takes bytes, else (value [/ 255 for bytes] - mean) / deviation.
  void copy(int64_t index, void *result) const;

private:
  Array array;
  bool bytes = false;              // the model takes them
  std::vector<double> mean, scale; // per channel: (value - mean) * scale, byte / 255 included
  int64_t channels = 1, inner = 1; // element i of a sample is of channel i / inner % channels
};

/// Class ids as int32, or float targets.
class Labels {
public:
  /// `classes` > 0: ids in [0, classes), one per sample; 0: `elements` floats per sample. Reports the first sample
  /// whose label does not fit.
  static llvm::FailureOr<Labels> create(const Array &array, int64_t classes, int64_t elements);
  int64_t count() const { return samples; }
  const std::string &path() const { return source; }
  size_t bytesPerSample() const { return stride; }
  void copy(int64_t index, void *result) const;

private:
  std::string source;
  int64_t samples = 0;
  size_t stride = 4;
  std::vector<uint8_t> bytes;
};

} // namespace bnc

#endif // COMPILER_DRIVER_DATA_H
