//===- GraphImporter.h - from nodes to ops ----------------------*- C++ -*-===//
//
// GraphImporter walks the nodes of a file and knows what every name stands for; NodeImporter is what the function of
// one op type sees: the node's attributes and inputs, and a builder for ops.
//
// Functions of NodeImporter that fail report the error and make every later build() and error() of the node do nothing,
// so that an import function reads as if all went well and returns what bind() says.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_IMPORT_ONNX_GRAPHIMPORTER_H
#define COMPILER_IMPORT_ONNX_GRAPHIMPORTER_H

#include "compiler/Import/Model.h"
#include "compiler/Import/Onnx/HostTensor.h"
#include "compiler/Import/Onnx/OnnxFile.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

#include <memory>

namespace bnc::onnx {

/// Opsets whose ops the import table describes.
constexpr int64_t kOldestOpset = 7, kNewestOpset = 28;

/// A tensor of the file, or what transposes and reshapes make of it. It becomes a variable (under the name and shape it
/// has in the file) or a constant, depending on who uses it.
struct StoredView {
  const Tensor *tensor;
  std::string name;    // of the initializer, or the output of the Constant node
  bool isConstantNode; // not an initializer
  struct Step {
    bool isTranspose;
    llvm::SmallVector<int64_t> argument; // permutation, or the new shape
  };
  llvm::SmallVector<Step> steps;
  llvm::SmallVector<int64_t> shape; // after the steps
};

/// What a name of the ONNX graph stands for. Transposes are not built before an op needs them: what is elementwise
/// works on the tensor before them, so that the pairs around NHWC layers cancel.
struct Binding {
  enum class Kind { Unsupported, Computed, Stored, Constant, Sequence, Comparison };
  Kind kind = Kind::Unsupported;
  mlir::Value value;                          // Computed; what a Comparison says is greater than its threshold
  llvm::SmallVector<int64_t> permutation;     // Computed: not empty if the tensor is a transpose of `value`
  mlir::Value transposed;                     // Computed: that transpose, once somebody needed it
  bool fromData = false;                      // Computed: depends on an input of the graph
  std::shared_ptr<const StoredView> stored;   // Stored
  std::shared_ptr<const HostTensor> constant; // Constant; a cache for Stored; the threshold of a Comparison
  std::vector<Binding> elements;              // Sequence

  static Binding computed(mlir::Value value, bool fromData);
  static Binding of(StoredView view);
  static Binding of(HostTensor constant);
};

class NodeImporter;

class GraphImporter {
public:
  GraphImporter(mlir::MLIRContext &context, llvm::StringRef file, const Model &model, const ImportOptions &options);

  /// Imports the whole graph. On failure one error has been reported.
  mlir::FailureOr<ImportedModel> run();

  /// The value of a variable, which is created when `node` is its first user; null after an error.
  mlir::Value readVariable(NodeImporter &node, const StoredView &view, Collection collection);

  const Model &model;
  const ImportOptions &options;
  mlir::OpBuilder builder; // inside the graph
  RunningVariance runningVariance;
  llvm::StringMap<Binding> bindings;
  llvm::StringMap<unsigned> numUses; // readers of a name: live nodes and graph outputs
  int64_t fileBatch = -1;            // the inputs' batch in the file; -1: unknown until run time
  bool weightsAreConstantNodes;      // Paddle writes no initializers

  /// BatchNormalization nodes with a momentum that is legal but seldom meant: number and first node.
  struct OddMomentum {
    unsigned count = 0;
    std::optional<mlir::Location> first;
  };
  OddMomentum momentumOne, momentumZero;
  bool movesStatistics = false; // a BatchNormalization has running ones

private:
  mlir::LogicalResult indexNames();
  mlir::LogicalResult orderNodes();
  mlir::LogicalResult checkOps();
  mlir::LogicalResult bindInputs();
  mlir::LogicalResult importNodes();
  mlir::LogicalResult importOutputs();
  void remarkOnUnused();
  void warnAboutMomentum();
  mlir::Location locate(const Node &node);

  mlir::MLIRContext &context;
  std::string file, graphName;
  mlir::Location fileLoc;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  GraphOp graph;
  Weights weights;

  llvm::StringMap<const Tensor *> initializers;
  llvm::StringMap<const Node *> producers;
  std::vector<const Node *> order; // live nodes, producers first
  struct Variable {
    Collection collection;
    mlir::Value read;
  };
  llvm::StringMap<Variable> variables;
};

/// An error being written, or one that is dropped. Converts to failure as a diagnostic does.
class NodeError {
public:
  NodeError() = default;
  explicit NodeError(mlir::InFlightDiagnostic diag) : diag(std::move(diag)) {}

  template <typename T> NodeError &operator<<(T &&part) {
    if (diag)
      *diag << std::forward<T>(part);
    return *this;
  }
  operator llvm::LogicalResult() const { return mlir::failure(); }
  template <typename T> operator mlir::FailureOr<T>() const { return mlir::failure(); }

private:
  std::optional<mlir::InFlightDiagnostic> diag;
};

class NodeImporter {
public:
  NodeImporter(GraphImporter &graph, const Node &node, mlir::Location loc)
      : graph(graph), node(node), loc(loc), opset(graph.model.opset) {}

  //===-- Errors -------------------------------------------------------------===//
  /// Starts the error about this node; later ones are dropped.
  NodeError error();
  bool hasFailed() const { return failed; }

  //===-- Attributes: the default if absent, an error if of another kind ---------===//
  bool hasAttribute(llvm::StringRef name) const { return node.find(name); }
  int64_t getInt(llvm::StringRef name, int64_t absent);
  double getFloat(llvm::StringRef name, float absent);
  llvm::StringRef getString(llvm::StringRef name, llvm::StringRef absent);
  llvm::SmallVector<int64_t> getInts(llvm::StringRef name);
  /// A list of `count` sizes below 2^31; `absent` everywhere if there is none.
  llvm::SmallVector<int64_t> getSizes(llvm::StringRef name, size_t count, int64_t absent);

  //===-- Inputs ------------------------------------------------------------------===//
  unsigned getNumInputs() const { return node.inputs.size(); }
  bool hasInput(unsigned index) const { return index < node.inputs.size() && !node.inputs[index].empty(); }
  /// What input `index` is; null after an error.
  Binding *input(unsigned index);
  /// Its value in the program. A stored tensor is a parameter if it looks like one (isParameter), else a constant.
  mlir::Value data(unsigned index);
  /// Its value for an elementwise op of one operand: of a transpose, the tensor before it. The transpose is then of
  /// the node's result: bind() remembers it.
  mlir::Value elementwise(unsigned index);
  /// The same for an op whose operands broadcast: one value per input; false after an error.
  bool broadcastable(llvm::SmallVectorImpl<mlir::Value> &values);
  /// The transpose that bind() says the result has, with respect to the value it is given.
  void setPermutation(llvm::ArrayRef<int64_t> axes) { permutation.assign(axes.begin(), axes.end()); }
  /// The tensor that a Computed binding stands for.
  mlir::Value materialize(Binding &binding);
  /// Its value where only something that does not depend on the graph's inputs may stand; stored tensors are variables.
  mlir::Value parameter(unsigned index, Collection collection = Collection::Params);
  mlir::Value parameter(Binding &binding, llvm::StringRef what, Collection collection = Collection::Params);
  /// Its values at import; null after an error.
  const HostTensor *constant(unsigned index);
  /// Integers that do not depend on the batch; false after an error.
  bool getConstantInts(unsigned index, llvm::SmallVectorImpl<int64_t> &values);
  /// A single number; `absent` if there is no such input.
  double getConstantFloat(unsigned index, double absent);
  /// Axes of an attribute, or from some opset on of an input, normalized to [0, rank) and different.
  llvm::SmallVector<int64_t> getAxes(bool asInput, unsigned index, int64_t rank);
  /// `axis` in [0, rank), from [-rank, rank); 0 after an error.
  int64_t normalizeAxis(int64_t axis, int64_t rank);
  /// The constant that `binding` is, be it stored or computed at import; null without an error if it is none.
  const HostTensor *asConstant(Binding &binding);
  /// A stored tensor that training should move when it is an operand of arithmetic: an initializer (in a file without
  /// them: a Constant) of rank 1 or more whose name is not one that exporters make up for literals.
  bool isParameter(const StoredView &view) const;

  //===-- Ops ------------------------------------------------------------------------===//
  /// Builds an op of one result at this node's location; null if an operand is null, if the op would be malformed or
  /// if the node has failed before.
  template <typename OpTy> mlir::Value build(mlir::ValueRange operands, typename OpTy::Properties properties) {
    llvm::SmallVector<mlir::Type> types;
    if (!mayBuild(operands))
      return {};
    bool inferred = succeeded(
        OpTy::inferReturnTypes(loc.getContext(), loc, operands, /*attributes=*/{}, &properties, /*regions=*/{}, types));
    if (!checkTypes(inferred, types))
      return {};
    return OpTy::create(graph.builder, loc, types, operands, properties).getResult();
  }
  template <typename OpTy> mlir::Value build(mlir::ValueRange operands) {
    llvm::SmallVector<mlir::Type> types;
    if (!mayBuild(operands))
      return {};
    bool inferred = succeeded(OpTy::inferReturnTypes(loc.getContext(), loc, operands, /*attributes=*/{},
                                                     /*properties=*/nullptr, /*regions=*/{}, types));
    if (!checkTypes(inferred, types))
      return {};
    return OpTy::create(graph.builder, loc, types, operands).getResult();
  }
  mlir::Value scalar(double value);
  mlir::Value literal(const HostTensor &tensor);
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape); // -1: the batch
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
  mlir::DenseI64ArrayAttr ints(llvm::ArrayRef<int64_t> values) { return graph.builder.getDenseI64ArrayAttr(values); }
  mlir::FloatAttr number(double value) { return graph.builder.getF64FloatAttr(value); }
  mlir::IntegerAttr integer(int64_t value) { return graph.builder.getI64IntegerAttr(value); }
  mlir::UnitAttr flag(bool value) { return value ? graph.builder.getUnitAttr() : mlir::UnitAttr(); }

  //===-- Results ----------------------------------------------------------------------===//
  /// True if anything live reads output `index`.
  bool isUsed(unsigned index) const;
  /// Says what output `index` is. Failure if the node has failed or the value is null.
  mlir::LogicalResult bind(unsigned index, mlir::Value value);
  mlir::LogicalResult bind(unsigned index, Binding binding);
  /// Reports every output from `first` on that is used.
  mlir::LogicalResult refuseOutputs(unsigned first);

  GraphImporter &graph;
  const Node &node;
  mlir::Location loc;
  int64_t opset;

private:
  bool mayBuild(mlir::ValueRange operands) const;
  bool checkTypes(bool inferred, llvm::ArrayRef<mlir::Type> types);
  const Attribute *findAttribute(llvm::StringRef name, Attribute::Kind kind);

  bool failed = false;
  llvm::SmallVector<int64_t> permutation; // of the result
};

/// Shape of a value; mlir::ShapedType::kDynamic for the batch.
llvm::ArrayRef<int64_t> getShape(mlir::Value value);
/// "(?, 3, 8, 8)".
std::string formatShape(llvm::ArrayRef<int64_t> shape);

/// How an op type is imported between two opsets (both included).
struct ImportRule {
  llvm::StringLiteral opType;
  int64_t since, until;
  mlir::LogicalResult (*import)(NodeImporter &node);
};

/// The rule of an op type; null if there is none.
const ImportRule *findImportRule(llvm::StringRef opType, int64_t opset);
/// The op's type as in the table: with its domain, if that is not the standard one.
inline std::string nameOfOp(const Node &node) { return node.domain.empty() ? node.opType : node.domain + "::" + node.opType; }

/// What a user can do about an op type without a rule; empty if nothing is known.
llvm::StringRef getUnsupportedOpHint(llvm::StringRef opType);

/// Computes a node whose inputs are all known. `inputs` has null for absent ones. False without an error of the node
/// where the values do not allow it.
using FoldFunction = std::optional<HostTensor> (*)(NodeImporter &node, llvm::ArrayRef<const HostTensor *> inputs);

struct FoldRule {
  llvm::StringLiteral opType;
  FoldFunction fold;
  bool keepsStored; // a stored tensor stays one: the op is a view of it, which importing handles
};

/// The rule of an op type; null if it is not computed at import.
const FoldRule *findFoldRule(llvm::StringRef opType);

} // namespace bnc::onnx

#endif // COMPILER_IMPORT_ONNX_GRAPHIMPORTER_H
