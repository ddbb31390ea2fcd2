//===- BncGradients.cpp - one rule of differentiation per op ----------------===//

#include "ir/BncOps.h"

using namespace mlir;
using namespace bnc;
