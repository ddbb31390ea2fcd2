//===- AtomicFile.cpp - files that are whole or not there -------------------===//

#include "compiler/Driver/AtomicFile.h"

#include "compiler/Driver/Report.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>
#include <vector>

using namespace llvm;
using namespace bnc;

static LogicalResult cannotWrite(StringRef path, std::error_code error) {
  return reportError("cannot write '" + path + "': " + error.message() +
                     "; choose another place, or make room or rights there");
}

/// Writes and syncs every byte, so that a full disk shows here and not after the rename.
static std::error_code writeAll(int fd, StringRef contents) {
  while (!contents.empty()) {
    ssize_t written = ::write(fd, contents.data(), std::min<size_t>(contents.size(), 1 << 30));
    if (written < 0) {
      if (errno == EINTR)
        continue;
      return std::error_code(errno, std::generic_category());
    }
    contents = contents.drop_front(written);
  }
  // Pipes and some file systems cannot sync; what they took is all that can be asked of them.
  if (::fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
    return std::error_code(errno, std::generic_category());
  return {};
}

LogicalResult bnc::makeFolder(StringRef folder) {
  std::error_code error = sys::fs::create_directories(folder, /*IgnoreExisting=*/true, sys::fs::all_all);
  if (!error && !sys::fs::is_directory(folder))
    error = std::make_error_code(std::errc::not_a_directory);
  return error ? reportError("cannot make the folder '" + folder + "': " + error.message()) : success();
}

LogicalResult bnc::writeFiles(StringRef folder, ArrayRef<NamedFile> files) {
  if (failed(makeFolder(folder)))
    return failure();

  std::vector<std::pair<SmallString<128>, SmallString<128>>> pending; // temporary, final
  llvm::scope_exit cleanup([&] {
    for (auto &[temporary, final] : pending)
      sys::fs::remove(temporary);
  });
  for (const NamedFile &file : files) {
    SmallString<128> final(folder), temporary;
    sys::path::append(final, file.name);
    int fd;
    if (std::error_code error = sys::fs::createUniqueFile(final + ".%%%%%%.tmp", fd, temporary, sys::fs::OF_None,
                                                          sys::fs::all_read | sys::fs::all_write))
      return cannotWrite(final, error);
    pending.emplace_back(temporary, final);
    std::error_code error = writeAll(fd, file.contents);
    if (::close(fd) != 0 && !error)
      error = std::error_code(errno, std::generic_category());
    if (error)
      return cannotWrite(final, error);
  }
  for (auto &[temporary, final] : pending)
    if (std::error_code error = sys::fs::rename(temporary, final))
      return cannotWrite(final, error);
  pending.clear();
  return success();
}

LogicalResult bnc::writeFile(StringRef path, StringRef contents) {
  // /dev/stdout and other things that are not regular files cannot be replaced, only written to.
  if (sys::fs::exists(path) && !sys::fs::is_regular_file(path)) {
    int fd;
    if (std::error_code error = sys::fs::openFileForWrite(path, fd, sys::fs::CD_OpenExisting))
      return cannotWrite(path, error);
    std::error_code error = writeAll(fd, contents);
    ::close(fd);
    return error ? cannotWrite(path, error) : success();
  }
  StringRef folder = sys::path::parent_path(path);
  if (!folder.empty() && !sys::fs::is_directory(folder))
    return reportError("cannot write '" + path + "': folder '" + folder + "' does not exist");
  return writeFiles(folder.empty() ? "." : folder, NamedFile{sys::path::filename(path).str(), contents});
}
