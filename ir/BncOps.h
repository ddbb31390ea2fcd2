//===- BncOps.h - the bnc dialect -------------------------------*- C++ -*-===//

#ifndef IR_BNCOPS_H
#define IR_BNCOPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/BitVector.h"

#include "ir/BncEnums.h.inc"

#include "ir/BncDialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "ir/BncAttrs.h.inc"

#include "ir/BncInterfaces.h.inc"

namespace bnc {

/// Names of the discardable attributes that the dialect gives a meaning to.
constexpr llvm::StringLiteral kNameAttr = "bnc.name";       // graph argument or result: name in the model file
constexpr llvm::StringLiteral kLayoutAttr = "bnc.layout";   // graph argument: kChannelsLast if it is not the model file's
constexpr llvm::StringLiteral kChannelsLast = "nhwc";       // (N, spatial..., C)
constexpr llvm::StringLiteral kPhaseAttr = "bnc.phase";     // module: the phase it is in
constexpr llvm::StringLiteral kWeightsAttr = "bnc.weights"; // module: file with the variables' values

/// Result type inference shared by families of ops (BncInferTypes.cpp). Each reports what is wrong at `loc`.
llvm::LogicalResult inferBroadcast(std::optional<mlir::Location> loc, llvm::StringRef op, mlir::Value lhs,
                                   mlir::Value rhs, llvm::SmallVectorImpl<mlir::Type> &types);
llvm::LogicalResult inferReduction(std::optional<mlir::Location> loc, llvm::StringRef op, mlir::Value input,
                                   llvm::ArrayRef<int64_t> axes, bool keepDims,
                                   llvm::SmallVectorImpl<mlir::Type> &types);

/// True if `produced` may stand where `printed` does: equal element types and ranks, and every dimension equal or
/// unknown on one side.
bool areCompatibleTypes(mlir::TypeRange produced, mlir::TypeRange printed);

/// Elements between the first and one past the last input position that a window covers.
inline int64_t windowExtent(int64_t kernel, int64_t dilation) { return (kernel - 1) * dilation + 1; }

/// The positions of a padded convolution's result along one dimension, told apart by the taps of the window that lie on
/// the input: the first `low` and the last `high` are places of their own, those between see every tap. Where none do,
/// every position is a place (low = size).
struct BorderPlaces {
  int64_t size, low, high;

  static BorderPlaces of(int64_t input, int64_t output, int64_t kernel, int64_t stride, int64_t padBefore,
                         int64_t dilation);
  int64_t count() const { return low + high < size ? low + 1 + high : size; }
  /// A position of a place.
  int64_t position(int64_t place) const { return place <= low ? place : place + size - count(); }
};

} // namespace bnc

#define GET_OP_CLASSES
#include "ir/BncOps.h.inc"

#endif // IR_BNCOPS_H
