//===- EntryPoints.h - the public functions of a model ---------------*- C++ -*-===//
//
// One table for the code that is generated and the header that declares it.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CODEGEN_ENTRYPOINTS_H
#define COMPILER_CODEGEN_ENTRYPOINTS_H

#include "ir/BncOps.h"

#include <vector>

namespace bnc {

enum class Parameter {
  Model,       // the descriptor; not in the public signature
  DefaultInit, // the default of bnc_init; not in the public signature
  Pointer,     // passed on as it is; spelled out in EntryPoint::declaration
  Integer,     // int64_t or size_t or uint64_t
  Enumeration, // of C
  Real,        // double
  Inputs,      // one pointer per input of the model
  Outputs,     // one pointer per output
  OutputGradients // the same, of gradients
};

enum class Result { None, Status, Text, Integer };

/// Which compilations have the function.
enum class Needs {
  Training,
  Inference,
  Both,
  Loss,            // training with a loss of bnc's
  LossAndInference,
  CustomLoss       // training with a loss of the application's
};

struct EntryPoint {
  const char *name;    // after NAME_
  const char *runtime; // the function of runtime.h that does the work
  Result result;
  std::vector<Parameter> parameters;
  const char *declaration; // the public parameters; $M is NAME, $I the inputs, $O the outputs, $G their gradients
  const char *comment;
  Needs needs;
};

/// In the order of the header.
const std::vector<EntryPoint> &entryPoints();

/// Whether a model with these graphs (null: not compiled) has the function.
bool isPresent(const EntryPoint &entry, GraphOp training, GraphOp inference);

} // namespace bnc

#endif // COMPILER_CODEGEN_ENTRYPOINTS_H
