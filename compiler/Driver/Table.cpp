//===- Table.cpp - columns of text ---------------------------------------------------===//

#include "compiler/Driver/Table.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"

using namespace llvm;
using namespace bnc;

void Table::print(raw_ostream &os) const {
  std::vector<size_t> widths(rows.front().size());
  for (const std::vector<std::string> &row : rows)
    for (auto [width, cell] : zip(widths, row))
      width = std::max(width, cell.size());
  for (const std::vector<std::string> &row : rows) {
    std::string line;
    for (auto [column, cell] : enumerate(row)) {
      size_t space = widths[column] - cell.size();
      line += "  ";
      line += column >= firstNumber ? std::string(space, ' ') + cell : cell + std::string(space, ' ');
    }
    os << StringRef(line).rtrim() << "\n";
  }
}
