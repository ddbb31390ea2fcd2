//===- EntryPoints.h - the public functions of a model ---------------*- C++ -*-===//
//
// One table for the code that is generated and the header that declares it.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CODEGEN_ENTRYPOINTS_H
#define COMPILER_CODEGEN_ENTRYPOINTS_H

#include "llvm/ADT/ArrayRef.h"

#include <vector>

namespace bnc {

enum class Parameter {
  Model,       // the descriptor; not in the public signature
  DefaultInit, // the default of bnc_init; not in the public signature
  Pointer,     // passed on as it is; spelled out in EntryPoint::declaration
  Integer,     // int64_t or size_t or uint64_t
  Real,        // double
  Inputs,      // one pointer per input of the model
  Outputs      // one pointer per output
};

enum class Result { None, Status, Text, Integer };

struct EntryPoint {
  const char *name;    // after NAME_
  const char *runtime; // the function of runtime.h that does the work
  Result result;
  std::vector<Parameter> parameters;
  const char *declaration; // the public parameters; $M is NAME, $I the inputs, $O the outputs
  const char *comment;
  bool needsTraining;
  bool needsBoth;
};

/// In the order of the header.
const std::vector<EntryPoint> &entryPoints();

} // namespace bnc

#endif // COMPILER_CODEGEN_ENTRYPOINTS_H
