//===- MlirFlags.cpp - --mlir-* on the command line ---------------------------------===//

#include "compiler/Driver/MlirFlags.h"

#include "compiler/Driver/Report.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/CommandLine.h"

using namespace llvm;
using namespace bnc;

LogicalResult bnc::parseMlirFlags(ArrayRef<std::string> flags) {
  mlir::registerMLIRContextCLOptions();
  mlir::registerAsmPrinterCLOptions();
  mlir::registerPassManagerCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  std::vector<const char *> arguments{"bnc"};
  std::vector<std::string> known;
  for (const auto &entry : cl::getRegisteredOptions())
    if (StringRef(entry.first).starts_with("mlir-"))
      known.push_back(StringRef(entry.first).str());
  for (const std::string &flag : flags) {
    StringRef name = StringRef(flag).drop_front(2).split('=').first;
    if (!is_contained(known, name))
      return reportError("MLIR has no flag '--" + name + "'" + didYouMean(name, known, "--"));
    arguments.push_back(flag.c_str());
  }
  std::string errors;
  raw_string_ostream os(errors);
  if (cl::ParseCommandLineOptions(arguments.size(), arguments.data(), "", &os))
    return success();
  StringRef line = StringRef(errors).split('\n').first;
  line.consume_front("bnc: ");
  return reportError(line);
}
