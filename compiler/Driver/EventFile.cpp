//===- EventFile.cpp - curves for TensorBoard ---------------------------------------===//

#include "compiler/Driver/EventFile.h"

#include "compiler/Driver/AtomicFile.h"
#include "compiler/Driver/Report.h"

#include "Event.pb.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Path.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <unistd.h>

using namespace llvm;
using namespace bnc;

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4), masked as TFRecord files have it (tensorflow/core/lib/hash/crc32c.h).
static uint32_t maskedChecksum(StringRef bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> entries;
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit)
        value = value >> 1 ^ (value & 1 ? 0x82f63b78u : 0);
      entries[i] = value;
    }
    return entries;
  }();
  uint32_t crc = ~0u;
  for (unsigned char byte : bytes)
    crc = crc >> 8 ^ table[(crc ^ byte) & 255];
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

static std::string hostName() {
  char name[256] = "";
  return gethostname(name, sizeof name - 1) == 0 && *name ? name : "host";
}

EventFile::~EventFile() {
  if (file)
    std::fclose(file);
}

LogicalResult EventFile::open(StringRef folder) {
  if (failed(makeFolder(folder)))
    return failure();
  // TensorBoard reads the files of a folder in the order of their names.
  std::string stem = "events.out.tfevents." + std::to_string(static_cast<int64_t>(now())) + "." + hostName() + ".";
  for (int attempt = 0; !file && attempt < 1000; ++attempt) {
    SmallString<128> name(folder);
    sys::path::append(name, stem + std::to_string(getpid()) + "." + std::to_string(attempt));
    path = name.str().str();
    file = std::fopen(path.c_str(), "wxb");
    if (!file && errno != EEXIST)
      break;
  }
  if (!file)
    return reportError("cannot write '" + path + "': " + std::error_code(errno, std::generic_category()).message());
  tensorboard::Event first;
  first.set_wall_time(now());
  first.set_file_version("brain.Event:2");
  return write(first.SerializeAsString());
}

LogicalResult EventFile::add(int64_t step, ArrayRef<std::pair<StringRef, double>> values) {
  if (!file)
    return success();
  tensorboard::Event event;
  event.set_wall_time(now());
  event.set_step(step);
  for (auto [tag, number] : values)
    if (std::isfinite(number)) {
      tensorboard::Summary::Value *value = event.mutable_summary()->add_value();
      value->set_tag(tag.str());
      value->set_simple_value(static_cast<float>(number));
    }
  return event.has_summary() ? write(event.SerializeAsString()) : success();
}

/// A TFRecord: length, checksum of it, bytes, checksum of them.
LogicalResult EventFile::write(const std::string &record) {
  char head[12], tail[4];
  support::endian::write64le(head, record.size());
  support::endian::write32le(head + 8, maskedChecksum(StringRef(head, 8)));
  support::endian::write32le(tail, maskedChecksum(record));
  std::fwrite(head, 1, sizeof head, file);
  std::fwrite(record.data(), 1, record.size(), file);
  std::fwrite(tail, 1, sizeof tail, file);
  if (std::fflush(file) == 0 && !std::ferror(file))
    return success();
  return reportError("cannot write '" + path + "': " + std::error_code(errno, std::generic_category()).message());
}
