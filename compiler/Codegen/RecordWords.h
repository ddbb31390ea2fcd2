//===- RecordWords.h - what makes records -------------------------*- C++ -*-===//
//
// Private to the files that write records.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CODEGEN_RECORDWORDS_H
#define COMPILER_CODEGEN_RECORDWORDS_H

#include "compiler/Codegen/Records.h"
#include "compiler/Kernels/Interface.h"

#include "bnc/model_abi.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cstring>

namespace bnc {

template <typename Record> std::vector<int64_t> wordsOf(const Record &record) {
  static_assert(sizeof(Record) % sizeof(int64_t) == 0, "records hold only words");
  std::vector<int64_t> words(sizeof(Record) / sizeof(int64_t));
  std::memcpy(words.data(), &record, sizeof(Record));
  return words;
}

inline int64_t bits(const llvm::APFloat &value) { return llvm::bit_cast<int64_t>(value.convertToDouble()); }

inline mlir::RankedTensorType typeOf(mlir::Value value) { return llvm::cast<mlir::RankedTensorType>(value.getType()); }
inline int64_t bitsOf(mlir::Value value) { return typeOf(value).getElementTypeBitWidth(); }

inline bnc_location locationOf(mlir::Value value) {
  if (!value)
    return {-1, 0};
  StorageAttr storage = storageOf(value);
  return {static_cast<int64_t>(storage.getSpace()), storage.getOffset()};
}

/// A dimension of a strided copy.
struct CopyDim {
  int64_t extent, source, result;
};

/// A strided copy to floats.
bnc_pack packRecord(bnc_location source, int64_t sourceBits, bnc_location result, int64_t resultCount,
                    llvm::ArrayRef<CopyDim> dims);

/// The calls of an op on folded weights: the arithmetic of folding, and what moves elements; nothing for other ops.
std::optional<std::vector<Step>> foldStepsOf(mlir::Operation *op);

} // namespace bnc

#endif // COMPILER_CODEGEN_RECORDWORDS_H
