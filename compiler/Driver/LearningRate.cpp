//===- LearningRate.cpp - the learning rate over a training -----------------------===//

#include "compiler/Driver/LearningRate.h"

#include "compiler/Driver/Report.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace llvm;
using namespace bnc;

std::string Stretch::parse(StringRef text, int64_t minimum) {
  StringRef number = text.take_while([](char c) { return c == '-' || isDigit(c); });
  StringRef unit = text.drop_front(number.size()).trim();
  bool counted = unit == "epochs" || unit == "epoch";
  constexpr int64_t most = int64_t(1) << 40; // so that no product overflows
  if (number.getAsInteger(10, count) || count < minimum || count > most ||
      !(counted || unit.empty() || unit == "steps" || unit == "step"))
    return "a number of steps or epochs of at least " + std::to_string(minimum) + ", such as 500 or 2epochs";
  epochs = counted;
  return "";
}

std::vector<std::string> LearningRateSchedule::names() { return {"constant", "step", "cosine", "one-cycle"}; }

std::string LearningRateSchedule::parse(StringRef text) {
  LearningRateSchedule read;
  // What can be set, and by which schedules (a bit for each, in the order of names()).
  struct Setting {
    StringLiteral name;
    unsigned kinds;
    Stretch *stretch; // one of these
    double *share;
  };
  const Setting settings[] = {{"warm-up", 0b0111, &read.warmUp, nullptr}, {"start", 0b1111, nullptr, &read.start},
                              {"every", 0b0010, &read.every, nullptr},    {"factor", 0b0010, nullptr, &read.factor},
                              {"final", 0b1100, nullptr, &read.final},    {"rise", 0b1000, nullptr, &read.rise}};
  std::vector<std::string> known = names();
  StringRef name = text.split(':').first;
  auto row = find(known, name.str());
  if (row == known.end())
    return "one of " + join(known, ", ") + ", then perhaps ':' and settings";
  read.kind = static_cast<Kind>(row - known.begin());
  if (read.kind == Kind::OneCycle) { // PyTorch's div_factor and final_div_factor
    read.start = 1.0 / 25;
    read.final = 1.0 / 25 / 1e4;
  }
  std::vector<std::string> mine;
  for (const Setting &setting : settings)
    if (setting.kinds >> unsigned(read.kind) & 1)
      mine.push_back(setting.name.str());
  SmallVector<StringRef> seen;
  for (StringRef one : settingsOf(text)) {
    auto [key, value] = one.split('=');
    if (!is_contained(mine, key))
      return "settings of " + name.str() + " (" + join(mine, ", ") + "), not '" + key.str() + "'" + didYouMean(key, mine);
    if (is_contained(seen, key))
      return "each setting of " + name.str() + " once, not '" + key.str() + "' twice";
    seen.push_back(key);
    const Setting &setting = *find_if(settings, [key = key](const Setting &s) { return s.name == key; });
    if (setting.stretch) {
      if (std::string expected = setting.stretch->parse(value, 1); !expected.empty())
        return expected + ", for " + key.str();
    } else if (value.getAsDouble(*setting.share) || !(*setting.share >= 0 && *setting.share <= 1)) {
      return "a number from 0 to 1 for " + key.str();
    }
  }
  if (is_contained(seen, "start") && read.kind != Kind::OneCycle && !is_contained(seen, "warm-up"))
    return "a warm-up with start (" + name.str() + ":warm-up=500,start=0.1)";
  *this = read;
  return "";
}

std::string LearningRateSchedule::fit(int64_t total, int64_t stepsPerEpoch) {
  steps = total;
  warmUpSteps = warmUp.steps(stepsPerEpoch);
  everySteps = every.count ? every.steps(stepsPerEpoch) : std::max<int64_t>(1, (total + 2) / 3);
  if (warmUpSteps && warmUpSteps >= steps)
    return "a warm-up of " + withSeparators(warmUpSteps) + " steps fills the training of " + withSeparators(total) +
           "; give a shorter one";
  return "";
}

/// Half a period of a cosine from `from` to `to`, `share` of the way.
static double anneal(double from, double to, double share) { return to + (from - to) * (1 + std::cos(M_PI * share)) / 2; }

double LearningRateSchedule::factorAt(int64_t step) const {
  double s = step;
  if (s < warmUpSteps)
    return start + (1 - start) * s / warmUpSteps;
  switch (kind) {
  case Kind::Constant:
    return 1;
  case Kind::Step:
    return std::pow(factor, std::floor((s - warmUpSteps) / everySteps));
  case Kind::Cosine:
    return anneal(1, final, (s - warmUpSteps) / (steps - warmUpSteps));
  case Kind::OneCycle: {
    double top = std::max(0.0, rise * steps - 1), last = steps - 1;
    return s < top ? anneal(start, 1, s / top) : top < last ? anneal(1, final, (s - top) / (last - top)) : 1;
  }
  }
  llvm_unreachable("a schedule without a formula");
}
