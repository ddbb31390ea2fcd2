//===- Npy.cpp - read and write .npy files --------------------------------------===//

#include "compiler/Support/Npy.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>
#include <optional>

using namespace bnc;
using namespace llvm;

static_assert(sys::IsLittleEndianHost, "elements are copied as they lie in the file");

namespace {
struct TypeRow {
  NpyType type;
  StringLiteral descr;
  StringLiteral name;
  size_t size;
};
} // namespace

static const TypeRow kTypes[] = {{NpyType::F32, "<f4", "float32", 4},
                                 {NpyType::F64, "<f8", "float64", 8},
                                 {NpyType::I32, "<i4", "int32", 4},
                                 {NpyType::I64, "<i8", "int64", 8},
                                 {NpyType::U8, "|u1", "uint8", 1}};

static const TypeRow &rowOf(NpyType type) {
  return *find_if(kTypes, [&](const TypeRow &row) { return row.type == type; });
}

StringRef bnc::getNpyTypeName(NpyType type) { return rowOf(type).name; }
size_t bnc::getNpyTypeSize(NpyType type) { return rowOf(type).size; }

static const StringLiteral kMagic("\x93NUMPY");

static Error fail(const Twine &message) { return createStringError(inconvertibleErrorCode(), message); }

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

int64_t NpyArray::size() const { return bytes.size() / getNpyTypeSize(type); }

/// Calls visit(element) with every element in its own type.
template <typename Visit> static void forEachElement(const NpyArray &array, Visit visit) {
  auto as = [&](auto zero) {
    for (const char *at = array.bytes.data(), *end = at + array.bytes.size(); at != end; at += sizeof(zero)) {
      decltype(zero) element;
      std::memcpy(&element, at, sizeof(element));
      visit(element);
    }
  };
  switch (array.type) {
  case NpyType::F32:
    return as(float());
  case NpyType::F64:
    return as(double());
  case NpyType::I32:
    return as(int32_t());
  case NpyType::I64:
    return as(int64_t());
  case NpyType::U8:
    return as(uint8_t());
  }
}

std::vector<double> NpyArray::toDoubles() const {
  std::vector<double> values;
  values.reserve(size());
  forEachElement(*this, [&](auto element) { values.push_back(static_cast<double>(element)); });
  return values;
}

std::vector<int64_t> NpyArray::toIntegers() const {
  assert(type != NpyType::F32 && type != NpyType::F64 && "floats are not integers");
  std::vector<int64_t> values;
  values.reserve(size());
  forEachElement(*this, [&](auto element) { values.push_back(static_cast<int64_t>(element)); });
  return values;
}

template <typename T> static NpyArray makeArray(NpyType type, ArrayRef<int64_t> shape, ArrayRef<T> values) {
  NpyArray array{type, SmallVector<int64_t>(shape), std::vector<char>(values.size() * sizeof(T))};
  if (!values.empty())
    std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return array;
}

NpyArray bnc::makeNpyArray(ArrayRef<int64_t> shape, ArrayRef<double> values) {
  return makeArray(NpyType::F64, shape, values);
}
NpyArray bnc::makeNpyArray(ArrayRef<int64_t> shape, ArrayRef<int64_t> values) {
  return makeArray(NpyType::I64, shape, values);
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {
/// The header's dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderParser {
public:
  explicit HeaderParser(StringRef text) : rest(text) {}

  Error parse() {
    if (!consume("{"))
      return malformed();
    while (!consume("}")) {
      std::optional<StringRef> key = parseString();
      if (!key || !consume(":"))
        return malformed();
      bool known = *key == "descr"           ? parseDescr()
                   : *key == "fortran_order" ? parseOrder()
                                             : *key == "shape" && parseShape();
      if (!known)
        return malformed();
      if (!consume(",") && !rest.starts_with("}"))
        return malformed();
    }
    if (!rest.empty() || !descr || !fortranOrder || !shape)
      return malformed();
    return Error::success();
  }

  std::optional<StringRef> descr;
  std::optional<bool> fortranOrder;
  std::optional<SmallVector<int64_t>> shape;

private:
  Error malformed() { return fail("has a header that is no dictionary of descr, fortran_order and shape"); }

  /// Takes a token and the spaces around it.
  bool consume(StringRef token) {
    rest = rest.ltrim(" \n");
    if (!rest.consume_front(token))
      return false;
    rest = rest.ltrim(" \n");
    return true;
  }

  std::optional<StringRef> parseString() {
    if (!rest.starts_with("'") && !rest.starts_with("\""))
      return std::nullopt;
    size_t end = rest.find(rest[0], 1);
    if (end == StringRef::npos)
      return std::nullopt;
    StringRef text = rest.slice(1, end);
    rest = rest.drop_front(end + 1);
    return text;
  }

  // Each is false on anything but a value of its kind, and if the key has been seen.
  bool parseDescr() { return !descr && (descr = parseString()); }

  bool parseOrder() {
    if (fortranOrder)
      return false;
    fortranOrder = consume("True");
    return *fortranOrder || consume("False");
  }

  bool parseShape() {
    if (shape || !consume("("))
      return false;
    shape.emplace();
    while (!consume(")")) {
      uint64_t size;
      if (rest.empty() || !isDigit(rest[0]) || rest.consumeInteger(10, size) || size > INT64_MAX)
        return false;
      shape->push_back(size);
      if (!consume(",") && !rest.starts_with(")"))
        return false;
    }
    return true;
  }

  StringRef rest;
};
} // namespace

Expected<NpyArray> bnc::parseNpy(StringRef contents) {
  if (!contents.consume_front(kMagic))
    return fail("does not start as a .npy file");
  if (contents.size() < 2)
    return fail("ends inside its header");
  int major = contents[0], minor = contents[1];
  if ((major != 1 && major != 2) || minor != 0)
    return fail(formatv("has version {0}.{1} of the .npy format; expected 1.0 or 2.0", major, minor));
  contents = contents.drop_front(2);
  size_t prefix = major == 1 ? 2 : 4;
  if (contents.size() < prefix)
    return fail("ends inside its header");
  size_t length = major == 1 ? support::endian::read16le(contents.data()) : support::endian::read32le(contents.data());
  contents = contents.drop_front(prefix);
  if (contents.size() < length)
    return fail("ends inside its header");

  HeaderParser header(contents.take_front(length).trim(" \n"));
  contents = contents.drop_front(length);
  if (Error error = header.parse())
    return error;
  const TypeRow *row = find_if(kTypes, [&](const TypeRow &row) { return row.descr == *header.descr; });
  if (row == std::end(kTypes))
    return fail("has elements of type '" + *header.descr +
                "'; expected float32, float64, int32, int64 or uint8, little endian");
  if (*header.fortranOrder && header.shape->size() > 1)
    return fail("is in Fortran order; save numpy.ascontiguousarray of it");

  uint64_t bytes = row->size;
  for (int64_t size : *header.shape) {
    bool overflow = false;
    bytes = SaturatingMultiply(bytes, static_cast<uint64_t>(size), &overflow);
    if (overflow)
      return fail("has a shape whose number of elements overflows");
  }
  if (bytes != contents.size())
    return fail(formatv("has {0} bytes of elements; its shape and type need {1}", contents.size(), bytes));
  return NpyArray{row->type, std::move(*header.shape), std::vector<char>(contents.begin(), contents.end())};
}

Expected<NpyArray> bnc::readNpy(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return fail("cannot be read: " + buffer.getError().message());
  return parseNpy((*buffer)->getBuffer());
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

std::string bnc::formatNpy(const NpyArray &array) {
  std::string header = formatv("{{'descr': '{0}', 'fortran_order': False, 'shape': (", rowOf(array.type).descr);
  for (int64_t size : array.shape)
    header += std::to_string(size) + (array.shape.size() == 1 ? "," : ", ");
  header += "), }";
  // The elements start at a multiple of 64; the header ends in a newline.
  constexpr size_t kPrefix = 10;
  header.append(offsetToAlignment(kPrefix + header.size() + 1, Align(64)), ' ');
  header += '\n';

  std::string contents = kMagic.str();
  contents += '\1';
  contents += '\0';
  contents += static_cast<char>(header.size() & 0xff);
  contents += static_cast<char>(header.size() >> 8);
  contents += header;
  contents.append(array.bytes.data(), array.bytes.size());
  return contents;
}

Error bnc::writeNpy(StringRef path, const NpyArray &array) {
  Error error = writeToOutput(path, [&](raw_ostream &os) {
    os << formatNpy(array);
    return Error::success();
  });
  if (error)
    return fail("cannot be written: " + toString(std::move(error)));
  return Error::success();
}
