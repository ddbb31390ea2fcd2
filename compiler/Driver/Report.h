//===- Report.h - one sentence for a user's mistake ---------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_REPORT_H
#define COMPILER_DRIVER_REPORT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/LogicalResult.h"

#include <optional>
#include <string>

namespace bnc {

/// Prints "error: MESSAGE" to stderr and returns failure. For mistakes that have no place in a model; those that
/// do are diagnostics of the MLIR context. A caller that sees failure prints nothing more.
llvm::LogicalResult reportError(const llvm::Twine &message);

/// Prints "warning: MESSAGE" to stderr.
void reportWarning(const llvm::Twine &message);

/// The candidate that `word` was probably meant to be (edit distance at most a third of its length, at least 2), or
/// nothing.
std::optional<std::string> nearest(llvm::StringRef word, llvm::ArrayRef<std::string> candidates);

/// "; did you mean 'X'?" for the nearest candidate, or "".
std::string didYouMean(llvm::StringRef word, llvm::ArrayRef<std::string> candidates, llvm::StringRef prefix = "");

/// The settings of an option's value "NAME:SETTING,SETTING"; an empty one is kept, for the caller to refuse.
llvm::SmallVector<llvm::StringRef> settingsOf(llvm::StringRef text);

/// 1234567 as "1,234,567".
std::string withSeparators(int64_t number);

/// The shortest decimal that has `digits` significant digits.
std::string formatNumber(double number, int digits = 6);

} // namespace bnc

#endif // COMPILER_DRIVER_REPORT_H
