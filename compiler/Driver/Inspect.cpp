//===- Inspect.cpp - bnc inspect -----------------------------------------------------------===//

#include "compiler/Driver/Report.h"
#include "compiler/Driver/Table.h"
#include "compiler/Driver/Verbs.h"
#include "compiler/Support/Locations.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace bnc;

namespace {
std::string spell(Type type) {
  return "(" +
         llvm::join(
             llvm::map_range(cast<RankedTensorType>(type).getShape(),
                             [](int64_t size) { return ShapedType::isDynamic(size) ? "N" : std::to_string(size); }),
             ", ") +
         ")";
}

/// Elements of one sample.
int64_t elementsPerSample(Value value) {
  int64_t elements = 1;
  for (int64_t size : cast<RankedTensorType>(value.getType()).getShape().drop_front())
    elements *= size;
  return elements;
}

int64_t elementsFrom(Value value, unsigned firstDimension) {
  int64_t elements = 1;
  for (int64_t size : cast<RankedTensorType>(value.getType()).getShape().drop_front(firstDimension))
    elements *= size;
  return elements;
}

/// Multiplications with a following addition that an op of the forward pass does for one sample.
int64_t macsOf(Operation *op) {
  if (auto conv = dyn_cast<ConvOp>(op))
    return elementsPerSample(conv.getResult()) * elementsFrom(conv.getWeight(), 1); // (K, C/groups, kernel...)
  if (auto conv = dyn_cast<ConvTransposeOp>(op))
    return elementsPerSample(conv.getInput()) * elementsFrom(conv.getWeight(), 1); // (C, K/groups, kernel...)
  if (auto dense = dyn_cast<DenseOp>(op)) {
    int64_t inputs = cast<RankedTensorType>(dense.getInput().getType()).getShape().back();
    return elementsPerSample(dense.getResult()) * inputs;
  }
  return 0;
}

void printTensors(GraphOp graph) {
  auto line = [](StringRef kind, StringRef name, Type type) {
    llvm::outs() << kind << " '" << name << "' " << spell(type) << "\n";
  };
  for (auto [index, type] : llvm::enumerate(graph.getArgumentTypes()))
    line("input ", graph.getInputName(index), type);
  for (auto [index, type] : llvm::enumerate(graph.getResultTypes()))
    line("output", graph.getOutputName(index), type);
}

/// The parameters that training updates.
llvm::StringSet<> trainableParameters(ModuleOp module) {
  llvm::StringSet<> names;
  for (VariableOp variable : module.getOps<VariableOp>())
    if (variable.getCollection() == Collection::Params && variable.getTrainable())
      names.insert(variable.getSymName());
  return names;
}

void printVariables(ModuleOp module, const llvm::StringSet<> &trainable) {
  for (Collection collection : {Collection::Params, Collection::BatchStats, Collection::Optimizer}) {
    bool params = collection == Collection::Params;
    int64_t total = 0, trained = 0;
    for (bool updated : params ? std::vector<bool>{true, false} : std::vector<bool>{false}) {
      Table table({"name", "shape", "elements"}, 2);
      bool any = false;
      for (VariableOp variable : module.getOps<VariableOp>()) {
        if (variable.getCollection() != collection || (params && trainable.contains(variable.getSymName()) != updated))
          continue;
        int64_t elements = cast<RankedTensorType>(variable.getType()).getNumElements();
        table.add({variable.getSymName().str(), spell(variable.getType()), withSeparators(elements)});
        total += elements;
        trained += updated ? elements : 0;
        any = true;
      }
      if (!any)
        continue;
      llvm::outs() << "\n" << (updated ? "trainable" : "non-trainable") << " variables, in "
                   << stringifyCollection(collection) << ":\n";
      table.print(llvm::outs());
    }
    if (total && params)
      llvm::outs() << "  " << withSeparators(total) << " parameters, " << withSeparators(trained)
                   << " of them trainable\n";
  }
}

void printOperations(GraphOp graph, bool each) {
  struct Sum {
    int64_t count = 0, macs = 0;
  };
  llvm::MapVector<StringRef, Sum> kinds;
  Table single({"node", "operation", "result", "MACs"}, 3);
  Sum all;
  for (Operation &op : graph.getBody().front().without_terminator()) {
    if (isa<ReadOp, ConstantOp, AssignOp>(op))
      continue;
    int64_t macs = macsOf(&op);
    Sum &sum = kinds[op.getName().stripDialect()];
    for (Sum *target : {&sum, &all}) {
      ++target->count;
      target->macs += macs;
    }
    single.add({getNodeName(op.getLoc()).str(), op.getName().stripDialect().str(),
                op.getNumResults() ? spell(op.getResult(0).getType()) : "", macs ? withSeparators(macs) : ""});
  }
  llvm::outs() << "\noperations of @" << graph.getSymName() << ", multiply-adds (MACs) per sample:\n";
  if (each) {
    single.print(llvm::outs());
  } else {
    Table table({"operation", "count", "MACs"}, 1);
    for (auto &[kind, sum] : kinds)
      table.add({kind.str(), withSeparators(sum.count), sum.macs ? withSeparators(sum.macs) : ""});
    table.print(llvm::outs());
  }
  llvm::outs() << "  " << withSeparators(all.count) << " operations, " << withSeparators(all.macs) << " MACs\n";
}

/// Compiles to `phase` with the diagnostics in `text` instead of on the terminal.
std::unique_ptr<Compilation> compileQuietly(CompileOptions options, Part part, Phase phase, std::string &text) {
  llvm::raw_string_ostream os(text);
  options.part = part;
  options.remarks = true;
  options.diagnostics = &os;
  auto compilation = std::make_unique<Compilation>(options);
  if (failed(compilation->read()) || failed(compilation->advanceTo(phase)))
    compilation.reset();
  return compilation;
}

/// What the first line of `text` with "error: " says behind it.
StringRef firstError(StringRef text) {
  for (StringRef line : llvm::split(text, '\n'))
    if (line.contains("error: "))
      return line.split("error: ").second;
  return "it cannot be compiled";
}

void printFoldReport(const CompileOptions &options) {
  std::string text;
  llvm::outs() << "\nbatch normalizations in inference:\n";
  if (!compileQuietly(options, Part::Infer, Phase::Inference, text)) {
    llvm::outs() << "  unknown: " << firstError(text) << "\n";
    return;
  }
  struct {
    StringLiteral says, sum;
    int64_t count;
  } outcomes[] = {{": folded into ", " folded into weights", 0},
                  {": carried by ", " carried by a neighbour's kernel", 0},
                  {": gets a kernel of its own", " in kernels of their own", 0},
                  {": stays an affine", " for which there is no kernel", 0}};
  std::string sums;
  std::string prefix = "remark: " + llvm::sys::path::filename(options.model).str() + ": ";
  for (StringRef line : llvm::split(text, '\n')) {
    auto outcome = llvm::find_if(outcomes, [&](auto &candidate) { return line.contains(candidate.says); });
    if (outcome == std::end(outcomes))
      continue;
    ++outcome->count;
    line.consume_front(prefix);
    llvm::outs() << "  " << line << "\n";
  }
  for (auto &outcome : outcomes)
    if (outcome.count)
      sums += (sums.empty() ? "" : ", ") + std::to_string(outcome.count) + outcome.sum.str();
  llvm::outs() << "  " << (sums.empty() ? "none" : sums) << "\n";
}

/// A graph's memory by what it depends on: the most bytes alive at once, which any plan needs, and what this one takes.
void addMemory(Table &table, GraphOp graph) {
  auto bytes = [&](const Twine &name) {
    auto attribute = graph->getAttrOfType<IntegerAttr>(name.str());
    return attribute ? attribute.getInt() : 0;
  };
  std::string title = stringifyGraphKind(graph.getKind()).str();
  for (auto [part, name] : {std::pair("per sample of the largest batch", "scaled"), std::pair("besides", "fixed")}) {
    int64_t live = bytes("bnc." + Twine(name) + "_live_bytes"), arena = bytes("bnc." + Twine(name) + "_bytes");
    table.add({title, part, withSeparators(live), withSeparators(arena),
               llvm::formatv("{0:f1} %", live ? 100.0 * (arena - live) / live : 0.0)});
  }
  if (auto planned = graph->getAttrOfType<DenseI64ArrayAttr>("bnc.gradient_rooms")) {
    int64_t batch = cast<RankedTensorType>(graph.getArgumentTypes().front()).getDimSize(0);
    batch = ShapedType::isDynamic(batch) ? 1 : batch;
    auto together = [&](ArrayRef<int64_t> rooms, int64_t most) {
      most *= batch;
      for (size_t i = 0; i < rooms.size(); i += 2)
        most = std::max(most, rooms[i] * batch + rooms[i + 1]);
      return most;
    };
    int64_t live = together(graph->getAttrOfType<DenseI64ArrayAttr>("bnc.gradient_live_rooms"), bytes("bnc.scaled_live_bytes"));
    int64_t arena = together(planned, bytes("bnc.scaled_bytes"));
    table.add({title, "of " + std::to_string(batch) + (batch == 1 ? " sample" : " samples") + " and the gradients", withSeparators(live),
               withSeparators(arena), llvm::formatv("{0:f1} %", 100.0 * (arena - live) / live)});
  }
  if (graph.getKind() == GraphKind::Inference)
    table.add({title, "folded weights", withSeparators(bytes("bnc.folded_bytes")), withSeparators(bytes("bnc.folded_bytes")), ""});
}

Table memoryTable() { return Table({"graph", "bytes", "alive at once", "planned", "gap"}, 2); }

void printMemoryPlan(const CompileOptions &options) {
  Table table = memoryTable();
  llvm::outs() << "\nmemory plan:\n";
  for (Part part : {Part::Train, Part::Infer}) {
    std::string text;
    std::unique_ptr<Compilation> compilation = compileQuietly(options, part, Phase::Kernels, text);
    if (!compilation) {
      llvm::outs() << "  " << (part == Part::Train ? "training" : "inference") << ": none, " << firstError(text)
                   << "\n";
      continue;
    }
    for (GraphOp graph : compilation->module().getOps<GraphOp>())
      addMemory(table, graph);
  }
  table.print(llvm::outs());
}
} // namespace

LogicalResult bnc::runInspect(const InspectCommand &command) {
  Compilation compilation(command.compile);
  if (failed(compilation.read()))
    return failure();
  ModuleOp module = compilation.module();
  llvm::outs() << command.compile.model << ": phase '" << phaseName(compilation.phase()) << "', C functions "
               << compilation.name() << "_*\n";
  for (GraphOp graph : module.getOps<GraphOp>())
    printTensors(graph);
  llvm::StringSet<> trainable = trainableParameters(module);
  if (std::string text; compilation.phase() == Phase::Import && !command.compile.trainable.empty())
    if (std::unique_ptr<Compilation> training = compileQuietly(command.compile, Part::Train, Phase::Training, text))
      trainable = trainableParameters(training->module());
  printVariables(module, trainable);
  if (compilation.phase() < Phase::Kernels)
    for (GraphOp graph : module.getOps<GraphOp>())
      printOperations(graph, command.operations);
  if (compilation.phase() == Phase::Import) {
    printFoldReport(command.compile);
    printMemoryPlan(command.compile);
  } else if (compilation.phase() >= Phase::Kernels) {
    llvm::outs() << "\nmemory plan:\n";
    Table table = memoryTable();
    for (GraphOp graph : module.getOps<GraphOp>())
      addMemory(table, graph);
    table.print(llvm::outs());
  }
  return success();
}
