//===- Cache.cpp - compiled models that are kept --------------------------------===//
//
// An entry is a file: the SHA-256 of what follows, then for the header and for each object its name and its bytes, each
// after its length (8 bytes, little endian).
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Cache.h"

#include "compiler/Driver/Compile.h"
#include "compiler/Support/Version.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CachePruning.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace bnc;

static std::string digestOf(StringRef bytes) {
  std::array<uint8_t, 32> digest = SHA256::hash(arrayRefFromStringRef(bytes));
  return std::string(digest.begin(), digest.end());
}

std::string ModelCache::keyOf(StringRef inputs) {
  std::string all = inputs.str() + "\n" + kVersion;
  // Another build of this program may compile otherwise.
  sys::fs::file_status status;
  if (!sys::fs::status("/proc/self/exe", status))
    all += "\n" + std::to_string(status.getSize()) + " " +
           std::to_string(status.getLastModificationTime().time_since_epoch().count());
  return toHex(digestOf(all), /*LowerCase=*/true);
}

std::string ModelCache::pathOf(StringRef key) const { return (folder + "/llvmcache-" + key).str(); } // for pruneCache

static bool take(StringRef &bytes, std::string &part) {
  if (bytes.size() < 8)
    return false;
  uint64_t size = support::endian::read64le(bytes.data());
  if (bytes.size() - 8 < size)
    return false;
  part = bytes.substr(8, size).str();
  bytes = bytes.drop_front(8 + size);
  return true;
}

static void put(raw_ostream &os, StringRef part) {
  char size[8];
  support::endian::write64le(size, part.size());
  os.write(size, 8) << part;
}

std::optional<CompiledModel> ModelCache::lookup(StringRef key) const {
  if (folder.empty())
    return std::nullopt;
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getFile(pathOf(key), /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return std::nullopt;
  StringRef bytes = (*buffer)->getBuffer();
  if (bytes.size() < 32 || digestOf(bytes.drop_front(32)) != bytes.take_front(32))
    return std::nullopt;
  bytes = bytes.drop_front(32);
  CompiledModel model;
  if (!take(bytes, model.header))
    return std::nullopt;
  while (!bytes.empty()) {
    CompiledObject object;
    if (!take(bytes, object.name) || !take(bytes, object.bytes))
      return std::nullopt;
    model.objects.push_back(std::move(object));
  }
  return model;
}

void ModelCache::store(StringRef key, const CompiledModel &model) const {
  if (folder.empty() || sys::fs::create_directories(folder))
    return;
  std::string bytes;
  raw_string_ostream os(bytes);
  put(os, model.header);
  for (const CompiledObject &object : model.objects) {
    put(os, object.name);
    put(os, object.bytes);
  }
  Expected<sys::fs::TempFile> file = sys::fs::TempFile::create(pathOf(key) + ".%%%%%%.tmp");
  if (!file) {
    consumeError(file.takeError());
    return;
  }
  raw_fd_ostream out(file->FD, /*shouldClose=*/false);
  out << digestOf(bytes) << bytes;
  out.flush();
  if (out.has_error()) {
    out.clear_error();
    consumeError(file->discard());
    return;
  }
  consumeError(file->keep(pathOf(key)));

  CachePruningPolicy policy;
  policy.Interval = std::chrono::seconds(0);
  policy.MaxSizeBytes = uint64_t{1} << 30;
  policy.MaxSizeFiles = 200;
  (void)pruneCache(folder, policy);
}

llvm::LogicalResult Compilation::emitCached(CompiledModel &model) {
  // Text, remarks and timings are of a compilation that takes place.
  bool observed = options.remarks || !options.dumpDir.empty() || options.traced;
  std::string folder = cacheFolder();
  ModelCache cache(options.useCache && !observed && !folder.empty() ? folder + "/models" : "");
  std::string inputs = print("", /*locations=*/false);
  raw_string_ostream os(inputs);
  const OptimizerSpec &optimizer = options.optimizer;
  for (const std::string &text :
       {modelName, lookupTarget(options.target)->name, options.trainable, options.freeze,
        options.noWeightDecay, optimizer.kind.spell()})
    put(os, text);
  for (const std::vector<std::string> &texts : {options.inputs.layouts, options.inputs.types})
    put(os, join(texts, " "));
  for (const std::vector<double> &numbers : {optimizer.numbers, options.inputs.mean, options.inputs.deviation}) {
    os << ";";
    for (double number : numbers)
      os << " " << llvm::bit_cast<uint64_t>(number);
  }
  const LossSpec &loss = options.loss;
  os << " " << llvm::bit_cast<uint64_t>(loss.labelSmoothing);
  for (int number : {static_cast<int>(options.part), loss.kind ? static_cast<int>(*loss.kind) : -1,
                     static_cast<int>(loss.probabilities), static_cast<int>(options.fold),
                     static_cast<int>(options.directMath), static_cast<int>(options.threads)})
    os << " " << number;
  std::string key = ModelCache::keyOf(inputs);
  if (std::optional<CompiledModel> found = cache.lookup(key)) {
    model = std::move(*found);
    return success();
  }
  if (failed(emit(model)))
    return failure();
  cache.store(key, model);
  return success();
}
