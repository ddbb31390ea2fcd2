//===- Safetensors.cpp - read and write .safetensors files ----------------===//

#include "compiler/Support/Safetensors.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/EndianStream.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

using namespace bnc;
using namespace llvm;
using Json = nlohmann::ordered_json;

namespace {
constexpr uint64_t kMaxHeaderBytes = 100 << 20; // the format's own limit
constexpr uint64_t kDataAlignment = 64;

/// What an element type is to this reader.
struct ElementType {
  StringLiteral name;
  unsigned bits;
  float (*toFloat)(const char *bytes); // null: no weight
};

template <typename T> T load(const char *bytes) { return support::endian::read<T, endianness::little>(bytes); }

constexpr ElementType kElementTypes[] = {
    {"F32", 32, [](const char *p) { return bit_cast<float>(load<uint32_t>(p)); }},
    {"F64", 64, [](const char *p) { return static_cast<float>(bit_cast<double>(load<uint64_t>(p))); }},
    {"F16", 16, [](const char *p) { return halfToFloat(load<uint16_t>(p)); }},
    {"BF16", 16, [](const char *p) { return bfloat16ToFloat(load<uint16_t>(p)); }},
    {"F8_E4M3", 8, nullptr},
    {"F8_E5M2", 8, nullptr},
    {"BOOL", 8, nullptr},
    {"I8", 8, nullptr},
    {"U8", 8, nullptr},
    {"I16", 16, nullptr},
    {"U16", 16, nullptr},
    {"I32", 32, nullptr},
    {"U32", 32, nullptr},
    {"I64", 64, nullptr},
    {"U64", 64, nullptr},
};

/// One tensor of the header; every number has been checked against the file.
struct Entry {
  std::string name;
  const ElementType *type;
  SmallVector<int64_t> shape;
  uint64_t begin, end;
};

template <typename... Args> Error fail(const char *format, const Args &...args) {
  return createStringError(inconvertibleErrorCode(), format, args...);
}

bool readUnsigned(const Json &json, uint64_t &value) {
  const auto *number = json.get_ptr<const Json::number_unsigned_t *>();
  if (!number)
    return false;
  value = *number;
  return true;
}

Expected<Entry> readEntry(StringRef name, const Json &json, uint64_t dataBytes) {
  const char *n = name.data(); // a key of the header: null-terminated
  auto field = [&](const char *key) -> const Json * {
    auto found = json.find(key);
    return found == json.end() ? nullptr : &*found;
  };
  if (!json.is_object() || json.size() != 3 || !field("dtype") || !field("shape") || !field("data_offsets"))
    return fail("header entry '%s' does not have exactly dtype, shape and data_offsets", n);
  Entry entry{name.str(), nullptr, {}, 0, 0};

  if (const auto *dtype = field("dtype")->get_ptr<const std::string *>()) {
    entry.type = find_if(kElementTypes, [&](const ElementType &type) { return type.name == *dtype; });
    if (entry.type == std::end(kElementTypes))
      return fail("tensor '%s' has the unknown dtype '%s'", n, dtype->c_str());
  } else {
    return fail("tensor '%s' has a dtype that is no string", n);
  }

  const Json &shape = *field("shape");
  if (!shape.is_array())
    return fail("tensor '%s' has a shape that is no list", n);
  uint64_t bits = entry.type->bits;
  for (const Json &item : shape) {
    uint64_t size;
    if (!readUnsigned(item, size) || size > static_cast<uint64_t>(INT64_MAX) ||
        __builtin_mul_overflow(bits, size, &bits))
      return fail("tensor '%s' has a size in its shape that is negative, too large or no number", n);
    entry.shape.push_back(static_cast<int64_t>(size));
  }

  const Json &offsets = *field("data_offsets");
  if (!offsets.is_array() || offsets.size() != 2 || !readUnsigned(offsets[0], entry.begin) ||
      !readUnsigned(offsets[1], entry.end) || entry.begin > entry.end || entry.end > dataBytes)
    return fail("tensor '%s' has data_offsets that are not two ordered positions within the file's %llu bytes of data",
                n, static_cast<unsigned long long>(dataBytes));
  if (bits % 8 != 0 || entry.end - entry.begin != bits / 8)
    return fail("tensor '%s' takes %llu bytes by its data_offsets and %llu by its shape and dtype", n,
                static_cast<unsigned long long>(entry.end - entry.begin), static_cast<unsigned long long>(bits / 8));
  return entry;
}

/// Parses the header's JSON; an object without a key twice.
Expected<Json> parseHeader(StringRef text) {
  SmallVector<StringSet<>> keys; // of the objects that are open
  std::string duplicate;
  auto callback = [&](int, Json::parse_event_t event, Json &value) {
    if (event == Json::parse_event_t::object_start)
      keys.emplace_back();
    else if (event == Json::parse_event_t::object_end)
      keys.pop_back();
    else if (event == Json::parse_event_t::key)
      if (const auto *key = value.get_ptr<const std::string *>(); !keys.back().insert(*key).second)
        duplicate = *key;
    return true;
  };
  Json header = Json::parse(text.begin(), text.end(), callback, /*allow_exceptions=*/false);
  if (header.is_discarded() || !header.is_object())
    return fail("header is no JSON object");
  if (!duplicate.empty())
    return fail("header has the name '%s' twice", duplicate.c_str());
  return header;
}
} // namespace

float bnc::halfToFloat(uint16_t bits) {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16, exponent = (bits >> 10) & 0x1f, mantissa = bits & 0x3ff;
  if (exponent == 0) { // zero or subnormal: mantissa * 2^-24
    float value = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -value : value;
  }
  uint32_t wide = exponent == 0x1f ? 0xff : exponent + (127 - 15);
  return bit_cast<float>(sign | (wide << 23) | (mantissa << 13));
}

float bnc::bfloat16ToFloat(uint16_t bits) { return bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

Expected<SafetensorsFile> bnc::parseSafetensors(StringRef bytes) {
  if (bytes.size() < 8)
    return fail("file is no safetensors file: it has %zu bytes, fewer than the 8 of the header's size", bytes.size());
  uint64_t headerBytes = load<uint64_t>(bytes.data());
  if (headerBytes > kMaxHeaderBytes || headerBytes > bytes.size() - 8)
    return fail("file is truncated or no safetensors file: the header should take %llu bytes, the file has %zu after "
                "the size",
                static_cast<unsigned long long>(headerBytes), bytes.size() - 8);
  Expected<Json> header = parseHeader(bytes.substr(8, headerBytes));
  if (!header)
    return header.takeError();
  StringRef data = bytes.drop_front(8 + headerBytes);

  SafetensorsFile file;
  std::vector<Entry> entries;
  for (const auto &[name, value] : header->items()) {
    if (name != "__metadata__") {
      Expected<Entry> entry = readEntry(name, value, data.size());
      if (!entry)
        return entry.takeError();
      entries.push_back(std::move(*entry));
      continue;
    }
    if (!value.is_object())
      return fail("__metadata__ of the header is no object");
    for (const auto &[key, item] : value.items()) {
      const auto *text = item.template get_ptr<const std::string *>();
      if (!text)
        return fail("__metadata__ of the header has '%s', which is no string", key.c_str());
      file.metadata.emplace_back(key, *text);
    }
  }

  // The data belongs to exactly one tensor each: no holes, no overlaps.
  stable_sort(entries, [](const Entry &a, const Entry &b) {
    return std::make_pair(a.begin, a.end) < std::make_pair(b.begin, b.end);
  });
  uint64_t position = 0;
  for (const Entry &entry : entries) {
    if (entry.begin != position)
      return fail("data of tensor '%s' starts at byte %llu, but the tensors before it end at byte %llu",
                  entry.name.c_str(), static_cast<unsigned long long>(entry.begin),
                  static_cast<unsigned long long>(position));
    position = entry.end;
  }
  if (position != data.size())
    return fail("file has %zu bytes of data, but its tensors take %llu", data.size(),
                static_cast<unsigned long long>(position));

  for (Entry &entry : entries) {
    StringRef elements = data.slice(entry.begin, entry.end);
    if (!entry.type->toFloat) {
      file.others.push_back({std::move(entry.name), entry.type->name.str(), std::move(entry.shape), elements.str()});
      continue;
    }
    NamedTensor tensor{std::move(entry.name), std::move(entry.shape), {}};
    size_t stride = entry.type->bits / 8;
    tensor.data.resize(elements.size() / stride);
    for (auto [index, value] : enumerate(tensor.data))
      value = entry.type->toFloat(elements.data() + index * stride);
    file.weights.add(std::move(tensor));
  }
  return file;
}

const NamedTensor *SafetensorsFile::findWeight(StringRef name) {
  auto count = find_if(others, [&](const OpaqueTensor &tensor) {
    return tensor.name == name && tensor.dtype == "I64" && tensor.shape.empty();
  });
  if (count != others.end()) {
    auto batches = support::endian::read<int64_t>(count->bytes.data(), endianness::little);
    weights.add({count->name, {}, {static_cast<float>(batches)}});
    others.erase(count);
  }
  return weights.find(name);
}

Expected<SafetensorsFile> bnc::readSafetensors(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return fail("cannot read the file: %s", buffer.getError().message().c_str());
  return parseSafetensors((*buffer)->getBuffer());
}

/// Calls `write` on a temporary file beside `path` and renames that to `path` if everything was written.
static Error writeAtomically(StringRef path, function_ref<void(raw_ostream &)> write) {
  auto describe = [](std::error_code error) { return fail("cannot write the file: %s", error.message().c_str()); };
  Expected<sys::fs::TempFile> temporary = sys::fs::TempFile::create(path + ".tmp-%%%%%%%%");
  if (!temporary)
    return describe(errorToErrorCode(temporary.takeError()));
  raw_fd_ostream os(temporary->FD, /*shouldClose=*/false);
  write(os);
  os.flush();
  if (std::error_code error = os.error()) {
    os.clear_error(); // or the destructor aborts
    consumeError(temporary->discard());
    return describe(error);
  }
  if (Error error = temporary->keep(path)) {
    sys::fs::remove(temporary->TmpName);
    return describe(errorToErrorCode(std::move(error)));
  }
  return Error::success();
}

static Error write(StringRef path, const Weights &weights, ArrayRef<OpaqueTensor> others,
                   ArrayRef<std::pair<std::string, std::string>> metadata) {
  Json header = Json::object();
  if (!metadata.empty()) {
    Json object = Json::object();
    for (const auto &[key, value] : metadata)
      object[key] = value;
    header["__metadata__"] = std::move(object);
  }
  uint64_t position = 0;
  auto declare = [&](const std::string &name, StringRef dtype, ArrayRef<int64_t> shape, uint64_t bytes) {
    header[name] = Json{{"dtype", dtype.str()},
                        {"shape", std::vector<int64_t>(shape.begin(), shape.end())},
                        {"data_offsets", {position, position + bytes}}};
    position += bytes;
  };
  for (const NamedTensor &tensor : weights)
    declare(tensor.name, "F32", tensor.shape, tensor.data.size() * sizeof(float));
  for (const OpaqueTensor &tensor : others) {
    if (header.contains(tensor.name))
      return fail("there are two tensors called '%s'", tensor.name.c_str());
    declare(tensor.name, tensor.dtype, tensor.shape, tensor.bytes.size());
  }
  // A name that is no UTF-8 would throw: written with replacement characters instead.
  std::string text = header.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
  text.resize(alignTo(8 + text.size(), kDataAlignment) - 8, ' ');

  return writeAtomically(path, [&](raw_ostream &os) {
    support::endian::write<uint64_t>(os, text.size(), endianness::little);
    os << text;
    for (const NamedTensor &tensor : weights) {
      if constexpr (endianness::native == endianness::little)
        os.write(reinterpret_cast<const char *>(tensor.data.data()), tensor.data.size() * sizeof(float));
      else
        for (float value : tensor.data)
          support::endian::write<uint32_t>(os, bit_cast<uint32_t>(value), endianness::little);
    }
    for (const OpaqueTensor &tensor : others)
      os << tensor.bytes;
  });
}

Error bnc::writeSafetensors(StringRef path, const SafetensorsFile &file) {
  return write(path, file.weights, file.others, file.metadata);
}

Error bnc::writeSafetensors(StringRef path, const Weights &weights) { return write(path, weights, {}, {}); }
