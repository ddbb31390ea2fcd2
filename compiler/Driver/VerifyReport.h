//===- VerifyReport.h - errors as a table, as JSON, as a sentence ----------*- C++ -*-===//

#ifndef COMPILER_DRIVER_VERIFYREPORT_H
#define COMPILER_DRIVER_VERIFYREPORT_H

#include "llvm/Support/JSON.h"

#include <optional>
#include <string>
#include <vector>

namespace bnc {

/// How far a value is from the evaluator's.
struct ValueError {
  double error = 0;   // the largest, as a share of the largest element of the evaluator's; infinity where one is no number
  double allowed = 0;
  double float32 = 0, kinks = 0; // of training: errors of the step with results rounded to float32, and beyond kinks

  bool holds() const { return error <= allowed; }
};

/// One value: its error in every program that stores it.
struct ValueRow {
  std::string node, what;
  double largest = 0; // element of the evaluator's value
  std::vector<std::optional<ValueError>> errors; // by program
};

struct ValueTable {
  std::string title;
  std::vector<std::string> programs;
  std::vector<ValueRow> rows; // in the order in which they are computed
  bool isOfTraining = false;

  void print() const;
  llvm::json::Value toJson() const;
  /// The sentence about the first value that does not hold; "" if all do.
  std::string firstError() const;
};

} // namespace bnc

#endif // COMPILER_DRIVER_VERIFYREPORT_H
