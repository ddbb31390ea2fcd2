// The model graph becomes the graph of a phase, and the module says so.
//
// RUN: bnc-opt %s --bnc-specialize=phase=training | FileCheck %s --check-prefix=TRAIN
// RUN: bnc-opt %s --bnc-specialize=phase=inference | FileCheck %s --check-prefix=INFER

// TRAIN: module attributes {bnc.phase = "training"}
// TRAIN: bnc.graph training @net_train(%{{.*}}: tensor<2xf32> {bnc.name = "x"})
// INFER: module attributes {bnc.phase = "inference"}
// INFER: bnc.graph inference @net_infer(%{{.*}}: tensor<2xf32> {bnc.name = "x"})
module attributes {bnc.phase = "import"} {
  bnc.graph model @net(%x: tensor<2xf32> {bnc.name = "x"}) -> (tensor<2xf32> {bnc.name = "y"}) {
    bnc.return %x : tensor<2xf32>
  }
}
