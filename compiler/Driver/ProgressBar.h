//===- ProgressBar.h - how far a long task is ----------------------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_PROGRESSBAR_H
#define COMPILER_DRIVER_PROGRESSBAR_H

#include "llvm/ADT/StringRef.h"

#include <chrono>
#include <string>

namespace bnc {

/// One line on stderr that is drawn over, and only if stderr is a terminal. Erased when the bar goes.
class ProgressBar {
public:
  ProgressBar(llvm::StringRef title, bool enabled = true);
  ~ProgressBar();
  ProgressBar(const ProgressBar &) = delete;

  /// Draws `done` of `all`, then `detail`, then the time that is left at the pace so far. At most ten times a second,
  /// and at the end.
  void show(size_t done, size_t all, llvm::StringRef detail = "");
  /// Makes room for other output; the next show() draws the bar again.
  void clear();
  /// Seconds since the bar was made.
  double seconds() const;

private:
  std::string title;
  bool enabled, drawn = false;
  std::chrono::steady_clock::time_point start, last;
};

/// 75 as "1:15", 3675 as "1:01:15".
std::string formatDuration(double seconds);

} // namespace bnc

#endif // COMPILER_DRIVER_PROGRESSBAR_H
