//===- EventFile.h - curves for TensorBoard -------------------------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_EVENTFILE_H
#define COMPILER_DRIVER_EVENTFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/LogicalResult.h"

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

namespace bnc {

/// A file of scalars that TensorBoard reads. Several in one folder are one run to it, the last one's values for a step
/// count: so a training that goes on makes a new file.
class EventFile {
public:
  EventFile() = default;
  EventFile(const EventFile &) = delete;
  ~EventFile();

  /// Makes a new file in `folder`, which is made if need be.
  llvm::LogicalResult open(llvm::StringRef folder);

  /// Adds the values of `step`, each under its tag; those that are not finite are left out.
  llvm::LogicalResult add(int64_t step, llvm::ArrayRef<std::pair<llvm::StringRef, double>> values);

private:
  llvm::LogicalResult write(const std::string &record);

  std::FILE *file = nullptr;
  std::string path;
};

} // namespace bnc

#endif // COMPILER_DRIVER_EVENTFILE_H
