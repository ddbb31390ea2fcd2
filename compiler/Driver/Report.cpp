//===- Report.cpp - one sentence for a user's mistake -----------------------===//

#include "compiler/Driver/Report.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cstdio>

using namespace llvm;

/// A message may quote what a damaged file holds: that must not reach a terminal as it is.
static void print(StringRef kind, const Twine &message) {
  std::string text = message.str();
  errs() << kind << ": ";
  if (json::isUTF8(text) && none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }))
    errs() << text;
  else
    errs().write_escaped(text);
  errs() << "\n";
}

LogicalResult bnc::reportError(const Twine &message) {
  print("error", message);
  return failure();
}

void bnc::reportWarning(const Twine &message) { print("warning", message); }

std::optional<std::string> bnc::nearest(StringRef word, ArrayRef<std::string> candidates) {
  unsigned limit = word.size() <= 3 ? 1 : std::max<size_t>(2, word.size() / 3); // two: swapped letters
  std::optional<std::string> best;
  for (const std::string &candidate : candidates) {
    unsigned distance = word.edit_distance(candidate, /*AllowReplacements=*/true, limit);
    if (distance > limit)
      continue;
    limit = distance - (distance > 0); // only something nearer replaces it
    best = candidate;
    if (distance == 0)
      break;
  }
  return best;
}

std::string bnc::didYouMean(StringRef word, ArrayRef<std::string> candidates, StringRef prefix) {
  std::optional<std::string> guess = nearest(word, candidates);
  return guess ? ("; did you mean '" + prefix + *guess + "'?").str() : std::string();
}

SmallVector<StringRef> bnc::settingsOf(StringRef text) {
  SmallVector<StringRef> settings;
  if (text.contains(':'))
    text.split(':').second.split(settings, ',');
  for (StringRef &setting : settings)
    setting = setting.trim();
  return settings;
}

std::string bnc::withSeparators(int64_t number) {
  std::string digits = std::to_string(number < 0 ? -number : number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(at, ",");
  return (number < 0 ? "-" : "") + digits;
}

std::string bnc::formatNumber(double number, int digits) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.*g", digits, number);
  return text;
}
