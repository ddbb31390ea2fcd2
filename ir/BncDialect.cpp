//===- BncDialect.cpp - registration ----------------------------------------===//

#include "ir/BncOps.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "ir/BncDialect.cpp.inc"
#include "ir/BncEnums.cpp.inc"
#include "ir/BncInterfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "ir/BncAttrs.cpp.inc"

void bnc::BncDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "ir/BncAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "ir/BncOps.cpp.inc"
      >();
}

Operation *bnc::BncDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  if (auto elements = dyn_cast<ElementsAttr>(value))
    return ConstantOp::create(builder, loc, type, elements);
  return nullptr;
}
