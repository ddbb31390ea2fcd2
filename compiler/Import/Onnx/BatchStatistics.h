//===- BatchStatistics.h - BatchNormalization without running ones -*- C++ -*-===//

#ifndef COMPILER_IMPORT_ONNX_BATCHSTATISTICS_H
#define COMPILER_IMPORT_ONNX_BATCHSTATISTICS_H

#include "compiler/Import/Onnx/OnnxFile.h"

namespace bnc::onnx {

/// Takes inputs 3 and 4 from every BatchNormalization whose mean and variance the file computes from the very batch that
/// it normalizes: what exporters write for a layer without running statistics (PyTorch's track_running_stats=False).
/// ONNX has no such layer; the import function knows it by the missing inputs.
void dropBatchStatistics(Model &model);

} // namespace bnc::onnx

#endif // COMPILER_IMPORT_ONNX_BATCHSTATISTICS_H
