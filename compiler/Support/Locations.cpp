//===- Locations.cpp - where an op of the model comes from ----------------===//

#include "compiler/Support/Locations.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

Location bnc::getFileLocation(MLIRContext *context, StringRef file) {
  return FileLineColLoc::get(context, file, /*line=*/0, /*column=*/0);
}

Location bnc::getNodeLocation(MLIRContext *context, StringRef file, StringRef name, StringRef opType, unsigned index) {
  std::string label = name.empty() ? (opType + "#" + Twine(index)).str() : name.str();
  return NameLoc::get(StringAttr::get(context, label), FileLineColLoc::get(context, file, index, /*column=*/0));
}

SmallVector<StringRef> bnc::getNodeNames(Location location) {
  SmallVector<StringRef> names;
  location->walk([&](Location part) {
    if (auto name = dyn_cast<NameLoc>(part))
      if (isa<FileLineColLoc>(name.getChildLoc()) && !llvm::is_contained(names, name.getName().getValue()))
        names.push_back(name.getName().getValue());
    return WalkResult::advance();
  });
  return names;
}

StringRef bnc::getNodeName(Location location) {
  SmallVector<StringRef> names = getNodeNames(location);
  return names.empty() ? StringRef() : names.front();
}

bnc::FilePosition bnc::getFilePosition(Location location) {
  FilePosition position;
  bool inNode = false;
  location->walk([&](Location part) {
    if (auto name = dyn_cast<NameLoc>(part))
      inNode = isa<FileLineColLoc>(name.getChildLoc());
    auto file = dyn_cast<FileLineColLoc>(part);
    if (!file)
      return WalkResult::advance();
    position.file = file.getFilename().getValue();
    if (!inNode) {
      position.line = file.getLine();
      position.column = file.getColumn();
    }
    return WalkResult::interrupt();
  });
  return position;
}
