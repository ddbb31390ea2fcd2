//===- VerifyReport.cpp - errors as a table, as JSON, as a sentence -----------------===//

#include "compiler/Driver/VerifyReport.h"

#include "compiler/Driver/Report.h"
#include "compiler/Driver/Table.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace llvm;
using namespace bnc;

static std::string scientific(double number) {
  return std::isfinite(number) ? formatv("{0:e1}", number).str() : "not finite";
}

void ValueTable::print() const {
  std::vector<std::string> head{"node", "value", "largest"};
  append_range(head, programs);
  if (isOfTraining)
    head.insert(head.end(), {"float32", "kinks"});
  Table table(head, 2);
  for (const ValueRow &row : rows) {
    std::vector<std::string> cells{row.node, row.what, formatNumber(row.largest, 3)};
    for (const std::optional<ValueError> &error : row.errors)
      cells.push_back(error ? (error->holds() ? "" : "OFF ") + scientific(error->error) : "");
    if (isOfTraining)
      cells.insert(cells.end(), {scientific(row.errors.front()->float32), scientific(row.errors.front()->kinks)});
    table.add(std::move(cells));
  }
  outs() << "\n" << title << ":\n";
  table.print(outs());
}

json::Value ValueTable::toJson() const {
  auto number = [](double value) -> json::Value {
    return std::isfinite(value) ? json::Value(value) : json::Value(nullptr); // JSON has no infinity
  };
  json::Array array;
  for (const ValueRow &row : rows) {
    json::Object object{{"node", row.node}, {"value", row.what}, {"largest", number(row.largest)}};
    for (auto [program, error] : zip(programs, row.errors))
      if (error) {
        json::Object entry{{"error", number(error->error)}, {"allowed", number(error->allowed)}, {"holds", error->holds()}};
        if (isOfTraining) {
          entry["float32"] = number(error->float32);
          entry["kinks"] = number(error->kinks);
        }
        object[program] = std::move(entry);
      }
    array.push_back(std::move(object));
  }
  return array;
}

std::string ValueTable::firstError() const {
  for (const ValueRow &row : rows)
    for (auto [program, error] : zip(programs, row.errors))
      if (error && !error->holds()) {
        std::string where = row.node.empty() ? row.what : "node '" + row.node + "' (" + row.what + ")";
        std::string off = std::isfinite(error->error)
                              ? "by " + scientific(error->error) + " of its largest element, " +
                                    formatNumber(row.largest, 3) + ", where " + scientific(error->allowed) + " is allowed"
                              : "by no number at all: it overflows, where the largest element is " + formatNumber(row.largest, 3);
        return where + " is the first that is off: " + program + " differs from the evaluation in double precision " + off;
      }
  return "";
}
