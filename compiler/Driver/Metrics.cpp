//===- Metrics.cpp - what a training writes down --------------------------------------===//

#include "compiler/Driver/Metrics.h"

#include "compiler/Driver/AtomicFile.h"
#include "compiler/Driver/Report.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cerrno>

using namespace llvm;
using namespace bnc;

static constexpr StringLiteral kHeader = "step,epoch,loss,accuracy,lr,gradient_norm,test_loss,test_accuracy\n";

/// The numbers of a line; empty cells are NaN.
static std::optional<StepRecord> parseLine(StringRef line) {
  SmallVector<StringRef> cells;
  line.split(cells, ',');
  StepRecord record;
  if (cells.size() != 8 || cells[0].getAsInteger(10, record.step) || cells[1].getAsInteger(10, record.epoch))
    return std::nullopt;
  double *const values[] = {&record.loss,         &record.accuracy, &record.lr,
                            &record.gradientNorm, &record.testLoss, &record.testAccuracy};
  for (auto [cell, value] : zip(ArrayRef(cells).drop_front(2), values))
    if (!cell.empty() && cell.getAsDouble(*value))
      return std::nullopt;
  return record;
}

MetricsFile::~MetricsFile() {
  if (file)
    std::fclose(file);
}

LogicalResult MetricsFile::open(const std::string &path, int64_t keep, TrainingHistory &history) {
  this->path = path;
  std::string kept = kHeader.str();
  if (keep > 0 && sys::fs::is_regular_file(path)) {
    ErrorOr<std::unique_ptr<MemoryBuffer>> read = MemoryBuffer::getFile(path);
    if (!read)
      return reportError("cannot read '" + path + "': " + read.getError().message());
    StringRef text = (*read)->getBuffer();
    if (!text.consume_front(kHeader))
      return reportError("'" + path + "' holds no metrics of an earlier run (its first line differs); give another file "
                         "to --metrics");
    double epochAccuracy = 0;
    int64_t epochSteps = 0;
    while (!text.empty()) {
      auto [line, rest] = text.split('\n');
      text = rest;
      std::optional<StepRecord> record = parseLine(line);
      if (!record || record->step > keep) // a last line may have been cut off
        break;
      kept += (line + "\n").str();
      double at = record->step;
      history.stepLoss.push_back({at, record->loss});
      epochAccuracy += record->accuracy;
      ++epochSteps;
      if (std::isnan(record->testLoss))
        continue;
      history.trainAccuracy.push_back({at, epochAccuracy / epochSteps});
      history.testLoss.push_back({at, record->testLoss});
      history.testAccuracy.push_back({at, record->testAccuracy});
      epochAccuracy = epochSteps = 0;
    }
    if (failed(writeFile(path, kept)))
      return failure();
    file = std::fopen(path.c_str(), "a");
    return file ? success() : fail();
  }
  file = std::fopen(path.c_str(), "w");
  if (!file)
    return fail();
  std::fputs(kHeader.data(), file);
  return success();
}

LogicalResult MetricsFile::add(const StepRecord &record) {
  if (!file)
    return success();
  std::fprintf(file, "%lld,%lld", static_cast<long long>(record.step), static_cast<long long>(record.epoch));
  for (double value :
       {record.loss, record.accuracy, record.lr, record.gradientNorm, record.testLoss, record.testAccuracy})
    std::isnan(value) ? std::fputc(',', file) : std::fprintf(file, ",%.9g", value); // no value: an empty cell
  std::fputc('\n', file);
  return std::fflush(file) == 0 && !std::ferror(file) ? success() : fail();
}

LogicalResult MetricsFile::fail() {
  return reportError("cannot write '" + path + "': " + std::error_code(errno, std::generic_category()).message());
}
