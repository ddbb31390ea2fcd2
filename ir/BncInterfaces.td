//===- BncInterfaces.td - op interfaces of the bnc dialect ----------------===//

#ifndef BNC_INTERFACES_TD
#define BNC_INTERFACES_TD

include "mlir/IR/OpBase.td"

def Bnc_DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::bnc";
  let description = [{
    An op that reverse-mode differentiation can pass through. The rules are in ir/BncGradients.cpp.
  }];
  let methods = [InterfaceMethod<[{
      Builds, at the builder's insertion point, the gradient of the loss with respect to each operand from
      the gradients with respect to the results (null: that result does not influence the loss).
      `operandGradients` has one entry per operand; entries whose bit in `wanted` is not set may stay null.
      A null entry for a wanted operand says that its gradient is zero.
    }],
    "::llvm::LogicalResult", "buildGradients",
    (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$resultGradients,
         "const ::llvm::BitVector &":$wanted, "::llvm::MutableArrayRef<::mlir::Value>":$operandGradients)>];
}

def Bnc_ElementwiseOpInterface : OpInterface<"ElementwiseOpInterface"> {
  let cppNamespace = "::bnc";
  let description = [{
    An op whose result element depends on the operands' elements at the same index (operands may broadcast
    in the NumPy sense; channel vectors are indexed by the channel). It can be computed anywhere its
    operands are: on a load, on a store, or by a kernel of its own.
  }];
}

#endif // BNC_INTERFACES_TD
