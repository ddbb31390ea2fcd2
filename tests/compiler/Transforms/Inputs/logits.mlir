// A model that ends in a sigmoid, for add-loss.mlir.
bnc.graph model @logits(%x: tensor<?x3xf32> {bnc.name = "x"}) -> (tensor<?x3xf32> {bnc.name = "y"}) {
  %0 = bnc.sigmoid %x : tensor<?x3xf32>
  bnc.return %0 : tensor<?x3xf32>
}
