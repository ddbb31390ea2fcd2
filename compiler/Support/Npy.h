//===- Npy.h - read and write .npy files ------------------------*- C++ -*-===//
//
// NumPy's format for one array: magic, version, a header that is a Python dictionary, then the elements, dense.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SUPPORT_NPY_H
#define COMPILER_SUPPORT_NPY_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace bnc {

enum class NpyType { F32, F64, I32, I64, U8 };

/// NumPy's name: "float32".
llvm::StringRef getNpyTypeName(NpyType type);
/// Bytes of an element.
size_t getNpyTypeSize(NpyType type);

/// A dense array in row-major order.
struct NpyArray {
  NpyType type;
  llvm::SmallVector<int64_t> shape;
  std::vector<char> bytes; // little endian; as many as type and shape say

  int64_t size() const;
  /// The elements, converted. Exact but for i64 to double beyond 2^53.
  std::vector<double> toDoubles() const;
  /// The elements of an integer array; must not be called on floats.
  std::vector<int64_t> toIntegers() const;
};

/// An array of float64.
NpyArray makeNpyArray(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<double> values);
/// An array of int64.
NpyArray makeNpyArray(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> values);

/// Parses the contents of a .npy file of version 1 or 2, in C order, little endian. Anything else is an error whose
/// text is one sentence (without the file's name, a capital or a period).
llvm::Expected<NpyArray> parseNpy(llvm::StringRef contents);

/// Reads a file. The same errors, and that the file cannot be read.
llvm::Expected<NpyArray> readNpy(llvm::StringRef path);

/// The contents of a file of version 1.
std::string formatNpy(const NpyArray &array);

/// Writes a file of version 1; an error says why it cannot be written.
llvm::Error writeNpy(llvm::StringRef path, const NpyArray &array);

} // namespace bnc

#endif // COMPILER_SUPPORT_NPY_H
