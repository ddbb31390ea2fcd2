//===- OnnxFile.h - the plain content of an ONNX file -----------*- C++ -*-===//
//
// What the importer needs of a file, without protobuf. Reading checks everything that can be checked without knowing
// what an op means: sizes, element counts, external files.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_IMPORT_ONNX_ONNXFILE_H
#define COMPILER_IMPORT_ONNX_ONNXFILE_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace bnc::onnx {

/// Element types, numbered as TensorProto.DataType. A file may hold other numbers.
enum class DataType : int32_t {
  Undefined = 0,
  Float = 1,
  UInt8 = 2,
  Int8 = 3,
  UInt16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  String = 8,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  UInt32 = 12,
  UInt64 = 13,
  Complex64 = 14,
  Complex128 = 15,
  BFloat16 = 16,
};

/// Bytes of an element; 0 for a type whose values the importer cannot use.
unsigned getElementBytes(DataType type);
/// "float16", "string", "type 23", ...
std::string getTypeName(DataType type);
/// float, float16, bfloat16 and double: all are f32 once imported.
bool isFloat(DataType type);

/// A stored tensor. `bytes` are the elements, little endian, exactly as many as shape and type say; empty for a type
/// with getElementBytes 0.
struct Tensor {
  std::string name;
  DataType type = DataType::Undefined;
  llvm::SmallVector<int64_t> shape;
  std::string bytes;

  int64_t getNumElements() const;
};

struct Attribute {
  enum class Kind { Float, Int, String, Tensor, Floats, Ints, Strings, Other };
  std::string name;
  Kind kind = Kind::Other;
  float f = 0;
  int64_t i = 0;
  std::string s;
  Tensor tensor;
  std::vector<float> floats;
  llvm::SmallVector<int64_t> ints;
};

struct Node {
  unsigned index = 0; // position in the file
  std::string name, domain, opType;
  std::vector<std::string> inputs, outputs; // "": absent
  std::vector<Attribute> attributes;

  const Attribute *find(llvm::StringRef name) const;
};

/// A graph input or output.
struct ValueInfo {
  std::string name;
  bool isTensor = false;
  DataType type = DataType::Undefined;
  bool hasShape = false;
  llvm::SmallVector<int64_t> shape; // -1: not a number in the file
  std::vector<std::string> symbols; // per dimension; "": none
};

struct Model {
  std::string producer;
  int64_t opset = 0; // of the standard domain; 0: the file names none
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<Node> nodes;
  std::deque<Tensor> initializers;
  std::vector<ValueInfo> inputs, outputs;
  std::vector<std::string> externalFiles; // that hold tensors of it, sorted
};

/// Reads an ONNX file and the external files it refers to, which must lie in its folder. The error is one sentence
/// without the file's name.
llvm::Expected<Model> readOnnxFile(llvm::StringRef path);

} // namespace bnc::onnx

#endif // COMPILER_IMPORT_ONNX_ONNXFILE_H
