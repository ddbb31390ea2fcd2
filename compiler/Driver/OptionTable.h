//===- OptionTable.h - verbs and their options as tables -----------*- C++ -*-===//
//
// One table per verb says everything about its options: parsing, --help, shell completion and the guess after a
// typing error are all made from it.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_OPTIONTABLE_H
#define COMPILER_DRIVER_OPTIONTABLE_H

#include "compiler/Driver/Report.h"

#include "llvm/Support/raw_ostream.h"

#include <functional>
#include <string>
#include <vector>

namespace bnc {

/// Takes the text after '=' ("" for a flag). Returns what was expected instead, or "" if the value is fine.
using OptionSetter = std::function<std::string(llvm::StringRef value)>;

struct Option {
  std::string name;    // without the dashes
  char letter;         // short form, 0: none
  std::string metavar; // what the value is called, "": a flag without a value
  std::string help;    // one or two sentences for a newcomer
  OptionSetter set;
  std::vector<std::string> values = {}; // all values, where they can be listed (for completion)
};

struct OptionGroup {
  std::string title;
  std::vector<Option> options;
};

struct Verb {
  std::string name;
  std::string operand;     // "MODEL", or "" where the verb takes none
  std::string summary;     // one line, for the list of verbs
  std::string description; // a paragraph, for --help
  std::vector<OptionGroup> groups = {};
  std::vector<std::string> examples = {};
  std::function<void(llvm::StringRef)> setOperand = {};
  std::function<llvm::LogicalResult()> run = {};
  bool operandRequired = true;
};

/// What the command line asked for beyond a verb's own options.
struct ParsedCommand {
  bool help = false;
  std::vector<std::string> mlirFlags; // --mlir-*, for MLIR's own parser
};

/// Hands every argument to its option. Unknown options are refused with the nearest known one.
llvm::LogicalResult parseArguments(const Verb &verb, llvm::ArrayRef<llvm::StringRef> arguments, ParsedCommand &parsed);

void printVerbHelp(const Verb &verb, llvm::raw_ostream &os);
void printOverview(llvm::ArrayRef<Verb> verbs, llvm::raw_ostream &os);

/// A completion script for `shell` (bash, zsh or fish).
llvm::LogicalResult printCompletion(llvm::ArrayRef<Verb> verbs, llvm::StringRef shell, llvm::raw_ostream &os);

//===-- Setters for the common kinds of value --------------------------------===//

OptionSetter setString(std::string &target);
OptionSetter setFlag(bool &target, bool value = true);
/// A whole number of at least `minimum`.
OptionSetter setInteger(int64_t &target, int64_t minimum);
OptionSetter setUnsigned(uint64_t &target);
/// A finite number of at least `minimum`.
OptionSetter setNumber(double &target, double minimum);
OptionSetter appendString(std::vector<std::string> &target);
/// A comma-separated list of finite numbers.
OptionSetter setNumbers(std::vector<double> &target);
/// One of `names`; its index is stored.
OptionSetter setChoice(std::function<void(size_t)> store, std::vector<std::string> names);

} // namespace bnc

#endif // COMPILER_DRIVER_OPTIONTABLE_H
