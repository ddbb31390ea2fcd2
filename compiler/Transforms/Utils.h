//===- Utils.h - what several passes share ------------------------*- C++ -*-===//

#ifndef COMPILER_TRANSFORMS_UTILS_H
#define COMPILER_TRANSFORMS_UTILS_H

#include "ir/BncOps.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/Support/Regex.h"

#include <optional>
#include <string>

namespace bnc {

/// Result attribute of a training graph between bnc-differentiate and bnc-add-optimizer: the parameter whose gradient
/// the result is.
constexpr llvm::StringLiteral kGradientAttr = "bnc.gradient";
/// Argument attribute of a training graph without a loss: the argument is the gradient of the result with this index.
constexpr llvm::StringLiteral kOutputGradientAttr = "bnc.output_gradient";
/// Graph attributes: the smallest batch a training step takes, and the name of the node that asks for it.
constexpr llvm::StringLiteral kMinimumBatchAttr = "bnc.minimum_batch";
constexpr llvm::StringLiteral kMinimumBatchNodeAttr = "bnc.minimum_batch_node";

/// Attribute of a bnc.affine between bnc-fold-batch-norm and bnc-report-carried: the rule that forbade to fold it.
constexpr llvm::StringLiteral kRuleAttr = "bnc.rule";

/// The op in a sentence: mnemonic and, if it has one, node name: "conv 'conv1'".
std::string describe(mlir::Operation *op);
/// The same for what makes a value; an argument of a graph is "input 'x'".
std::string describeSource(mlir::Value value);

/// True for ops that a kernel is formed around (bnc-form-kernels).
bool isAnchor(mlir::Operation *op);

/// The module's one graph of `kind`; null, with an error at the module, if there is none or more than one.
GraphOp findGraph(mlir::ModuleOp module, GraphKind kind);

/// Reports the ops of a graph for which `whyForbidden` gives a reason: one error per kind of op, at the first of them,
/// with their number.
llvm::LogicalResult reportForbidden(GraphOp graph, llvm::function_ref<llvm::StringRef(mlir::Operation *)> whyForbidden);

/// Checks that the module's phase is that of `kind` and that no model graph is left.
llvm::LogicalResult checkPhase(mlir::ModuleOp module, GraphKind kind);

/// What the forward pass of a training graph has to run (phase `kernels`): all that its results and the running statistics
/// depend on. The rest is backward and update.
llvm::SetVector<mlir::Operation *> forwardOps(GraphOp graph);

/// The terminator of a graph.
ReturnOp getReturn(GraphOp graph);

/// Replaces the results of a graph: values, and one dictionary of result attributes for each.
void setResults(GraphOp graph, mlir::ValueRange values, llvm::ArrayRef<mlir::DictionaryAttr> attributes);

/// The variable that `value` is a plain bnc.read of, or null.
VariableOp getReadVariable(mlir::Value value, mlir::SymbolTable &symbols);

/// True if `value` can be computed without the graph's inputs.
bool dependsOnVariablesOnly(mlir::Value value);

/// Compiles a user's regular expression; an error at `loc` that names `option` if it is none.
std::optional<llvm::Regex> compileRegex(mlir::Location loc, llvm::StringRef option, llvm::StringRef expression);

} // namespace bnc

#endif // COMPILER_TRANSFORMS_UTILS_H
