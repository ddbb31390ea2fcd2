//===- Table.h - columns of text ------------------------------------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_TABLE_H
#define COMPILER_DRIVER_TABLE_H

#include "llvm/Support/raw_ostream.h"

#include <string>
#include <vector>

namespace bnc {

/// Rows of text in columns as wide as need be. Columns from `firstNumber` on are flush right.
class Table {
public:
  explicit Table(std::vector<std::string> head, size_t firstNumber) : rows{std::move(head)}, firstNumber(firstNumber) {}
  void add(std::vector<std::string> row) { rows.push_back(std::move(row)); }
  void print(llvm::raw_ostream &os) const;

private:
  std::vector<std::vector<std::string>> rows;
  size_t firstNumber;
};

} // namespace bnc

#endif // COMPILER_DRIVER_TABLE_H
