//===- Safetensors.h - read and write .safetensors files --------*- C++ -*-===//
//
// Format: u64 (little endian) size of the header, the header in JSON (name -> dtype, shape, data_offsets; optional
// "__metadata__" of strings), then the elements, dense and without holes.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SUPPORT_SAFETENSORS_H
#define COMPILER_SUPPORT_SAFETENSORS_H

#include "compiler/Support/Weights.h"

#include "llvm/Support/Error.h"

#include <utility>

namespace bnc {

/// A tensor of an element type that is no weight (PyTorch's num_batches_tracked is I64). Kept so that a file that was
/// read can be written back whole.
struct OpaqueTensor {
  std::string name;
  std::string dtype; // as the format spells it: "I64", "BOOL", ...
  llvm::SmallVector<int64_t> shape;
  std::string bytes; // little endian
};

struct SafetensorsFile {
  Weights weights; // F32, and F64, F16 and BF16 converted to it (rounding to nearest)
  std::vector<OpaqueTensor> others;
  std::vector<std::pair<std::string, std::string>> metadata;

  /// The tensor of that name among the weights, or null. A single I64, as PyTorch counts batches in, becomes one of them:
  /// here such a count is a float.
  const NamedTensor *findWeight(llvm::StringRef name);
};

/// Reads a file. Any malformed input is an error whose text is one sentence (without the file's name, a capital or a
/// period).
llvm::Expected<SafetensorsFile> readSafetensors(llvm::StringRef path);

/// The same from memory.
llvm::Expected<SafetensorsFile> parseSafetensors(llvm::StringRef bytes);

/// Writes weights as F32 and the others as they are, in order; the elements start at a multiple of 64 bytes. The file
/// appears under its name only when it is complete, and replaces one that is there.
llvm::Error writeSafetensors(llvm::StringRef path, const SafetensorsFile &file);

/// The same without anything but weights.
llvm::Error writeSafetensors(llvm::StringRef path, const Weights &weights);

/// Half (1-5-10) and bfloat16 bit patterns as floats; exact.
float halfToFloat(uint16_t bits);
float bfloat16ToFloat(uint16_t bits);

} // namespace bnc

#endif // COMPILER_SUPPORT_SAFETENSORS_H
