//===- BncBase.td - the bnc dialect, its types and attributes -------------===//
//
// What every other .td file of the dialect starts from.
//
//===----------------------------------------------------------------------===//

#ifndef BNC_BASE_TD
#define BNC_BASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/AttrTypeBase.td"

def Bnc_Dialect : Dialect {
  let name = "bnc";
  let cppNamespace = "::bnc";
  let summary = "Neural networks with batch normalization, from model file to kernels";
  let description = [{
    A module holds `bnc.variable`s (parameters and statistics) and `bnc.graph`s over them. Tensors have
    the model file's logical layout: (N, C, spatial...) for ONNX. A leading `?` is the batch.

    Which ops may appear is set by the phase the module is in (attribute `bnc.phase`); see
    `bnc compile --help` for the phases.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
}

//===-- Types --------------------------------------------------------------===//

// Element types are a parameter of every op: arithmetic ops take any float (f64 appears where folding
// computes in double), moves take anything.
def Bnc_Tensor : RankedTensorOf<[AnyFloat, AnyInteger]>;
def Bnc_FloatTensor : RankedTensorOf<[AnyFloat]>;
def Bnc_Channels : TensorRankOf<[AnyFloat], [1]>; // one value per channel
def Bnc_Count : TensorRankOf<[I64], [0]>;         // a number of elements

//===-- Enums --------------------------------------------------------------===//

class Bnc_Enum<string name, string summary, list<I32EnumAttrCase> cases> : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::bnc";
  let genSpecializedAttr = 0;
}

def Bnc_CollectionEnum : Bnc_Enum<"Collection", "what a variable is to training", [
    I32EnumAttrCase<"Params", 0, "params">,
    I32EnumAttrCase<"BatchStats", 1, "batch_stats">,
    I32EnumAttrCase<"Optimizer", 2, "optimizer">]>;
def Bnc_CollectionAttr : EnumAttr<Bnc_Dialect, Bnc_CollectionEnum, "collection">;

def Bnc_GraphKindEnum : Bnc_Enum<"GraphKind", "what a graph computes", [
    I32EnumAttrCase<"Model", 0, "model">,
    I32EnumAttrCase<"Training", 1, "training">,
    I32EnumAttrCase<"Inference", 2, "inference">]>;
def Bnc_GraphKindAttr : EnumAttr<Bnc_Dialect, Bnc_GraphKindEnum, "graph_kind">;

def Bnc_RunningVarianceEnum : Bnc_Enum<"RunningVariance",
    "which estimate of the batch variance moves the running variance", [
    I32EnumAttrCase<"Population", 0, "population">, // sum of squares / m
    I32EnumAttrCase<"Sample", 1, "sample">]>;       // sum of squares / (m - 1)
def Bnc_RunningVarianceAttr : EnumAttr<Bnc_Dialect, Bnc_RunningVarianceEnum, "running_variance">;

def Bnc_LossKindEnum : Bnc_Enum<"LossKind", "the loss that training minimizes", [
    I32EnumAttrCase<"SoftmaxCrossEntropy", 0, "softmax_cross_entropy">,
    I32EnumAttrCase<"Mse", 1, "mse">,
    I32EnumAttrCase<"BceWithLogits", 2, "bce_with_logits">]>;
def Bnc_LossKindAttr : EnumAttr<Bnc_Dialect, Bnc_LossKindEnum, "loss_kind">;

#endif // BNC_BASE_TD
