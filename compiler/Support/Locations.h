//===- Locations.h - where an op of the model comes from --------*- C++ -*-===//
//
// The only place that builds and reads bnc locations. An op of a model file carries
//   NameLoc("<node name, or OpType#index>", FileLineColLoc("<file>", node index, 0))
// and what concerns the whole file FileLineColLoc("<file>", 0, 0). Locations of .mlir text are MLIR's own.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SUPPORT_LOCATIONS_H
#define COMPILER_SUPPORT_LOCATIONS_H

#include "mlir/IR/Location.h"
#include "llvm/ADT/SmallVector.h"

namespace bnc {

/// The location of a whole model file.
mlir::Location getFileLocation(mlir::MLIRContext *context, llvm::StringRef file);

/// The location of node `index` of a model file. An unnamed node is called `<opType>#<index>`.
mlir::Location getNodeLocation(mlir::MLIRContext *context, llvm::StringRef file, llvm::StringRef name,
                               llvm::StringRef opType, unsigned index);

/// Names of the nodes that `location` stands for, each once, in order (several for a fused location; none for a
/// location of a file or of text).
llvm::SmallVector<llvm::StringRef> getNodeNames(mlir::Location location);

/// The first of getNodeNames, or empty.
llvm::StringRef getNodeName(mlir::Location location);

/// A place in a file. `line` is 0 where the file has no lines; then `column` means nothing.
struct FilePosition {
  llvm::StringRef file; // empty: unknown
  unsigned line = 0;
  unsigned column = 0;
};

/// The file that `location` (or the first part of it that knows one) points into. For a node of a model file `line`
/// is 0.
FilePosition getFilePosition(mlir::Location location);

} // namespace bnc

#endif // COMPILER_SUPPORT_LOCATIONS_H
