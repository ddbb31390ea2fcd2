//===- AtomicFile.h - files that are whole or not there -------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_ATOMICFILE_H
#define COMPILER_DRIVER_ATOMICFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/LogicalResult.h"

#include <string>

namespace bnc {

/// Makes `folder`, and those it is in, unless they are there.
llvm::LogicalResult makeFolder(llvm::StringRef folder);

struct NamedFile {
  std::string name; // relative to the folder
  llvm::StringRef contents;
};

/// Writes `files` into `folder`, which is made if need be. All of them are written beside their place first and
/// renamed only when every byte is on disk: a failure (which is reported) leaves what was there before.
llvm::LogicalResult writeFiles(llvm::StringRef folder, llvm::ArrayRef<NamedFile> files);

/// The same for one file; its folder must exist.
llvm::LogicalResult writeFile(llvm::StringRef path, llvm::StringRef contents);

} // namespace bnc

#endif // COMPILER_DRIVER_ATOMICFILE_H
