//===- ArrayFiles.cpp - .npy, .npz and IDX files ------------------------------===//
//
// IDX: two zero bytes, type, rank, sizes (big endian, 32 bits), elements (big endian). http://yann.lecun.com/exdb/mnist
// .npz: a ZIP archive of .npy files, stored or deflated (PKWARE's APPNOTE 6.3, sections 4.3 and 4.5).
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Data.h"
#include "compiler/Driver/Report.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <cstring>
#include <optional>
#include <zlib.h>

using namespace llvm;
using namespace bnc;
using support::endian::read16le;
using support::endian::read32be;
using support::endian::read32le;
using support::endian::read64le;

//===-- IDX ------------------------------------------------------------------------===//

static FailureOr<Array> readIdx(StringRef path) {
  gzFile file = gzopen(path.str().c_str(), "rb"); // reads what is not compressed as it is
  if (!file)
    return reportError("cannot open '" + path + "'");
  llvm::scope_exit close([file] { gzclose(file); });
  auto fail = [&](const Twine &message) { return reportError("'" + path + "' is no IDX file: " + message); };
  auto read = [&](void *data, size_t bytes) {
    char *at = static_cast<char *>(data);
    while (bytes > 0) {
      int got = gzread(file, at, static_cast<unsigned>(std::min<size_t>(bytes, 1 << 30)));
      if (got <= 0)
        return false;
      at += got;
      bytes -= got;
    }
    return true;
  };

  unsigned char magic[4];
  if (!read(magic, 4))
    return fail("it ends inside its first four bytes, or is compressed in another way than by gzip");
  struct Row {
    unsigned char code;
    unsigned bytes;
    NpyType type;
  };
  static const Row rows[] = {{0x08, 1, NpyType::U8},  {0x09, 1, NpyType::I32}, {0x0B, 2, NpyType::I32},
                             {0x0C, 4, NpyType::I32}, {0x0D, 4, NpyType::F32}, {0x0E, 8, NpyType::F64}};
  const Row *row = find_if(rows, [&](const Row &r) { return r.code == magic[2]; });
  if (magic[0] != 0 || magic[1] != 0 || row == std::end(rows))
    return fail("it begins with bytes " + toHex(ArrayRef<uint8_t>(magic, 4), /*LowerCase=*/true) +
                "; expected 0000, an element type from 08 to 0e and a rank");
  Array array{path.str(), {row->type, {}, {}}};
  uint64_t count = 1;
  for (unsigned i = 0; i < magic[3]; ++i) {
    unsigned char size[4];
    if (!read(size, 4))
      return fail("it ends inside its sizes");
    array.values.shape.push_back(read32be(size));
    bool overflow = false;
    count = SaturatingMultiply<uint64_t>(count, read32be(size), &overflow);
    if (overflow || count > (uint64_t{1} << 40))
      return fail("its sizes multiply to more than can be held in memory");
  }

  // In pieces: a header that lies about its sizes must not make us reserve what the file cannot fill.
  std::vector<char> raw;
  uint64_t bytes = count * row->bytes;
  while (raw.size() < bytes) {
    size_t piece = std::min<uint64_t>(bytes - raw.size(), 16 << 20);
    raw.resize(raw.size() + piece);
    if (!read(raw.data() + raw.size() - piece, piece))
      return fail("it ends before its last element; expected " + withSeparators(count) + " elements");
  }
  char extra;
  if (gzread(file, &extra, 1) != 0)
    return fail("it goes on after its last element");

  if (row->bytes > 1)
    for (char *at = raw.data(), *end = at + raw.size(); at != end; at += row->bytes)
      std::reverse(at, at + row->bytes);
  if (row->code == 0x09 || row->code == 0x0B) { // widen
    std::vector<char> wide(count * sizeof(int32_t));
    for (uint64_t i = 0; i < count; ++i) {
      int16_t two = 0;
      if (row->bytes == 2)
        std::memcpy(&two, raw.data() + 2 * i, 2);
      int32_t value = row->bytes == 2 ? two : static_cast<signed char>(raw[i]);
      std::memcpy(wide.data() + 4 * i, &value, 4);
    }
    raw = std::move(wide);
  }
  array.values.bytes = std::move(raw);
  return array;
}

//===-- ZIP ------------------------------------------------------------------------===//

namespace {
struct ZipMember {
  std::string name;
  uint16_t method = 0;
  uint32_t checksum = 0;
  uint64_t compressed = 0, size = 0, header = 0;
};
} // namespace

/// Members in the order of the central directory; nothing if the directory is damaged.
static std::optional<std::vector<ZipMember>> listZip(StringRef zip) {
  constexpr size_t endBytes = 22, entryBytes = 46;
  if (zip.size() < endBytes)
    return std::nullopt;
  size_t end = zip.rfind(StringRef("PK\5\6", 4));
  if (end == StringRef::npos || zip.size() - end < endBytes)
    return std::nullopt;
  uint64_t count = read16le(zip.data() + end + 10), at = read32le(zip.data() + end + 16);
  if ((count == 0xffff || at == 0xffffffff) && end >= 20) { // ZIP64: a locator precedes, and points to a longer record
    StringRef locator = zip.substr(end - 20, 20);
    if (!locator.starts_with(StringRef("PK\6\7", 4)))
      return std::nullopt;
    uint64_t record = read64le(locator.data() + 8);
    if (record > zip.size() || zip.size() - record < 56 || !zip.substr(record).starts_with(StringRef("PK\6\6", 4)))
      return std::nullopt;
    count = read64le(zip.data() + record + 32);
    at = read64le(zip.data() + record + 48);
  }

  std::vector<ZipMember> members;
  for (uint64_t i = 0; i < count; ++i) {
    if (at > zip.size() || zip.size() - at < entryBytes || !zip.substr(at).starts_with(StringRef("PK\1\2", 4)))
      return std::nullopt;
    const char *entry = zip.data() + at;
    size_t nameBytes = read16le(entry + 28), extraBytes = read16le(entry + 30), commentBytes = read16le(entry + 32);
    if (zip.size() - at - entryBytes < nameBytes + extraBytes + commentBytes)
      return std::nullopt;
    ZipMember member;
    member.method = read16le(entry + 10);
    member.checksum = read32le(entry + 16);
    member.compressed = read32le(entry + 20);
    member.size = read32le(entry + 24);
    member.header = read32le(entry + 42);
    member.name = StringRef(entry + entryBytes, nameBytes).str();
    StringRef extra(entry + entryBytes + nameBytes, extraBytes);
    while (extra.size() >= 4) {
      size_t size = read16le(extra.data() + 2);
      if (extra.size() - 4 < size)
        return std::nullopt;
      if (read16le(extra.data()) == 1) { // ZIP64: those of the three that did not fit, in this order
        StringRef wide = extra.substr(4, size);
        for (uint64_t *field : {&member.size, &member.compressed, &member.header})
          if (*field == 0xffffffff && wide.size() >= 8) {
            *field = read64le(wide.data());
            wide = wide.drop_front(8);
          }
      }
      extra = extra.drop_front(4 + size);
    }
    members.push_back(std::move(member));
    at += entryBytes + nameBytes + extraBytes + commentBytes;
  }
  return members;
}

/// The contents of a member; "" and an explanation in `why` if it cannot be had.
static std::string extractZip(StringRef zip, const ZipMember &member, std::string &why) {
  constexpr size_t headerBytes = 30;
  why = "is damaged";
  if (member.header > zip.size() || zip.size() - member.header < headerBytes)
    return "";
  const char *header = zip.data() + member.header;
  uint64_t start = member.header + headerBytes + read16le(header + 26) + read16le(header + 28);
  if (start > zip.size() || zip.size() - start < member.compressed)
    return "";
  StringRef data = zip.substr(start, member.compressed);
  std::string contents;
  if (member.method == 0) {
    contents = data.str();
  } else if (member.method == 8) {
    if (member.size / 1100 > data.size()) // deflate never shrinks by more than 1032
      return "";
    contents.resize(member.size);
    z_stream stream = {};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
      return "";
    llvm::scope_exit release([&] { inflateEnd(&stream); });
    size_t taken = 0, made = 0;
    int status = Z_OK;
    while (status == Z_OK) {
      stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(data.data() + taken));
      stream.avail_in = static_cast<uInt>(std::min<size_t>(data.size() - taken, 1 << 30));
      stream.next_out = reinterpret_cast<Bytef *>(contents.data() + made);
      stream.avail_out = static_cast<uInt>(std::min<size_t>(contents.size() - made, 1 << 30));
      uInt in = stream.avail_in, out = stream.avail_out;
      status = inflate(&stream, Z_NO_FLUSH);
      taken += in - stream.avail_in;
      made += out - stream.avail_out;
    }
    if (status != Z_STREAM_END || made != contents.size())
      return "";
  } else {
    why = "is compressed by method " + std::to_string(member.method) + "; expected stored or deflated (numpy.savez)";
    return "";
  }
  if (contents.size() != member.size ||
      crc32_z(0, reinterpret_cast<const Bytef *>(contents.data()), contents.size()) != member.checksum)
    return "";
  why.clear();
  return contents;
}

static FailureOr<Array> readNpz(StringRef path, StringRef wanted, StringRef zip) {
  std::optional<std::vector<ZipMember>> members = listZip(zip);
  if (!members || members->empty())
    return reportError("'" + path + "' is no .npz file: its list of members is damaged or empty");
  std::vector<std::string> names;
  for (const ZipMember &member : *members)
    names.push_back(StringRef(member.name).ends_with(".npy") ? member.name.substr(0, member.name.size() - 4)
                                                             : member.name);
  size_t index = 0;
  if (!wanted.empty()) {
    index = find(names, wanted) - names.begin();
    if (index == names.size())
      return reportError("'" + path + "' has no array '" + wanted + "'; it holds " + join(names, ", "));
  } else if (names.size() > 1) {
    return reportError("'" + path + "' holds several arrays (" + join(names, ", ") + "); choose one: '" + path + ":" +
                       names.front() + "'");
  }
  std::string why, contents = extractZip(zip, (*members)[index], why);
  if (!why.empty())
    return reportError("'" + path + "': array '" + names[index] + "' " + why);
  Expected<NpyArray> array = parseNpy(contents);
  if (!array)
    return reportError("'" + path + "': array '" + names[index] + "': " + toString(array.takeError()));
  return Array{path.str() + ":" + names[index], std::move(*array)};
}

//===-- Any ------------------------------------------------------------------------===//

FailureOr<Array> bnc::readArray(StringRef path) {
  StringRef file = path, member;
  if (!sys::fs::exists(path)) {
    auto [before, after] = path.rsplit(':');
    if (!after.empty() && sys::fs::exists(before))
      std::tie(file, member) = std::make_pair(before, after);
  }
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getFile(file, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return reportError("cannot read '" + file + "': " + buffer.getError().message());
  StringRef contents = (*buffer)->getBuffer();

  if (contents.starts_with("PK"))
    return readNpz(file, member, contents);
  if (!member.empty())
    return reportError("'" + file + "' is no .npz file, so ':" + member + "' names nothing in it");
  if (contents.starts_with("\x93NUMPY")) {
    Expected<NpyArray> array = parseNpy(contents);
    if (!array)
      return reportError("'" + path + "': " + toString(array.takeError()));
    return Array{path.str(), std::move(*array)};
  }
  if (contents.starts_with("\x1f\x8b") || contents.starts_with(StringRef("\0\0", 2)))
    return readIdx(path);
  return reportError("'" + path +
                     "' is no data file that is known here; expected .npy, .npz or IDX (as MNIST has it), "
                     "the last also compressed by gzip");
}
