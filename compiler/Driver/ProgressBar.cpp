//===- ProgressBar.cpp - how far a long task is ----------------------------------===//

#include "compiler/Driver/ProgressBar.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace bnc;
using Clock = std::chrono::steady_clock;

ProgressBar::ProgressBar(StringRef title, bool enabled)
    : title(title.str()), enabled(enabled && sys::Process::StandardErrIsDisplayed()), start(Clock::now()) {}

ProgressBar::~ProgressBar() { clear(); }

double ProgressBar::seconds() const { return std::chrono::duration<double>(Clock::now() - start).count(); }

void ProgressBar::clear() {
  if (drawn)
    errs() << "\r\033[K";
  drawn = false;
}

void ProgressBar::show(size_t done, size_t all, StringRef detail) {
  Clock::time_point now = Clock::now();
  if (!enabled || all == 0 || (drawn && done < all && now - last < std::chrono::milliseconds(100)))
    return;
  last = now;
  constexpr size_t width = 24;
  size_t filled = std::min(done, all) * width / all;
  std::string line =
      formatv("\r{0} [{1}{2}] {3}/{4}", title, std::string(filled, '='), std::string(width - filled, ' '), done, all);
  if (!detail.empty())
    line += ("  " + detail).str();
  if (done > 0 && done < all)
    line += "  " + formatDuration(seconds() / done * (all - done)) + " left";
  unsigned columns = sys::Process::StandardErrColumns();
  if (columns > 1 && line.size() > columns) // a line that wraps cannot be drawn over
    line.resize(columns);
  errs() << line << "\033[K";
  errs().flush();
  drawn = true;
}

std::string bnc::formatDuration(double seconds) {
  int64_t whole = static_cast<int64_t>(seconds + 0.5);
  auto two = [](int64_t number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  if (whole < 3600)
    return std::to_string(whole / 60) + ":" + two(whole % 60);
  return std::to_string(whole / 3600) + ":" + two(whole / 60 % 60) + ":" + two(whole % 60);
}
