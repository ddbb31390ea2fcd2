// One number per sample without a dimension of its own, for add-loss-invalid.mlir.
bnc.graph model @vector(%x: tensor<?xf32> {bnc.name = "x"}) -> (tensor<?xf32> {bnc.name = "y"}) {
  bnc.return %x : tensor<?xf32>
}
