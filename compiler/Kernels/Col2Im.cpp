//===- Col2Im.cpp - the image that columns add up to ---------------------------===//
//
// One row of the product is computed on the stack, in the convolution's register tiles, and added to the image at once,
// while it is in the first-level cache.
//
//===----------------------------------------------------------------------===//

#include "compiler/Kernels/Pipeline.h"

using namespace mlir;
using namespace bnc;
using Halide::Func;
using Halide::Var;

Func bnc::buildCol2Im(PipelineBuilder &builder, Col2ImOp op) {
  ImageShape product = ImageShape::of(op.getInput());
  int height = op.getKernel()[0], width = op.getKernel()[1], channels = op.getChannels();
  Var &c = builder.c, &x = builder.x, &y = builder.y, &n = builder.n;

  Func columns(builder.name("columns")), image(builder.name("image"));
  columns(c, x, y, n) = builder.element(op.getInput())(c, x, y, n);
  Halide::RDom r(0, width, 0, int(product.width), 0, height, 0, int(product.height), builder.name("tap")); // (kx, x, ky, y)
  image(c, x, y, n) = 0.0f;
  image(c, r[0] * int(op.getDilations()[1]) + r[1] * int(op.getStrides()[1]),
        r[2] * int(op.getDilations()[0]) + r[3] * int(op.getStrides()[0]), n) += columns((r[2] * width + r[0]) * channels + c, r[1], r[3], n);

  int lanes = builder.target.vectorFor(channels);
  image.vectorize(c, lanes);
  image.update().reorder(c, r[0], r[1], r[2], r[3], n).vectorize(c, lanes).unroll(r[0]);
  BufferLayout row;
  row.extents = {product.channels, product.width, 1, 1};
  row.rowDimension = 2;
  scheduleConvolution(builder, columns, builder.pending.front(), row);
  columns.compute_at(image, r[3]);
  builder.pending.clear();
  return image;
}
