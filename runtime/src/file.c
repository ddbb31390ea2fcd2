#define _XOPEN_SOURCE 700 /* realpath, fsync */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bnc_status bnc_file_read(const char *path, const bnc_allocator *allocator, bnc_error *error, bnc_block *block,
                         size_t *size) {
  struct stat info;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return bnc_fail_system(error, BNC_IO_ERROR, errno, "cannot open '%s'", path);
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(file);
    return bnc_fail(error, BNC_IO_ERROR, "cannot read '%s': it is not a regular file", path);
  }
  *block = bnc_block_take(allocator, info.st_size, 1);
  if (!block->data) {
    close(file);
    return bnc_fail(error, BNC_OUT_OF_MEMORY, "no memory for the %lld bytes of '%s'", (long long)info.st_size, path);
  }
  size_t wanted = (size_t)info.st_size;
  for (*size = 0; *size < wanted;) {
    ssize_t got = read(file, (char *)block->data + *size, wanted - *size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0) {
      bnc_status status = bnc_fail_system(error, BNC_IO_ERROR, errno, "cannot read '%s'", path);
      close(file);
      bnc_block_release(allocator, *block);
      return status;
    }
    if (got == 0)
      break; /* became shorter meanwhile: the reader says what is missing */
    *size += (size_t)got;
  }
  close(file);
  return BNC_OK;
}

/* Gathers small writes. */
typedef struct output {
  int file;
  size_t held;
  char buffer[1 << 14];
} output;

static int write_all(int file, const char *data, size_t bytes) {
  while (bytes) {
    ssize_t done = write(file, data, bytes);
    if (done < 0 && errno == EINTR)
      continue;
    if (done <= 0)
      return done < 0 ? errno : EIO;
    data += done;
    bytes -= (size_t)done;
  }
  return 0;
}

static int flush(output *out) {
  int failed = write_all(out->file, out->buffer, out->held);
  out->held = 0;
  return failed;
}

static int write_output(void *context, const void *data, size_t bytes) {
  output *out = context;
  if (bytes > sizeof out->buffer - out->held) {
    int failed = flush(out);
    if (failed)
      return failed;
  }
  if (bytes > sizeof out->buffer)
    return write_all(out->file, data, bytes);
  memcpy(out->buffer + out->held, data, bytes);
  out->held += bytes;
  return 0;
}

/* Creates "<target>.<number>.tmp" that did not exist. */
static int open_beside(const char *target, mode_t mode, char *name, size_t capacity) {
  for (unsigned attempt = 0; attempt < 1000; ++attempt) {
    int length = snprintf(name, capacity, "%s.%ld-%u.tmp", target, (long)getpid(), attempt);
    if (length < 0 || (size_t)length >= capacity) {
      errno = ENAMETOOLONG;
      return -1;
    }
    int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file >= 0 || errno != EEXIST)
      return file;
  }
  return -1;
}

/* The rename itself must survive a loss of power; file systems without that answer EINVAL. */
static int sync_directory(const char *target) {
  char directory[PATH_MAX];
  snprintf(directory, sizeof directory, "%s", target);
  char *slash = strrchr(directory, '/');
  if (!slash)
    snprintf(directory, sizeof directory, ".");
  else
    slash[slash == directory] = 0;
  int file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0)
    return errno;
  int failed = fsync(file) == 0 || errno == EINVAL ? 0 : errno;
  close(file);
  return failed;
}

bnc_status bnc_file_replace(const char *path, const bnc_source *source, bnc_error *error) {
  char target[PATH_MAX], beside[PATH_MAX];
  struct stat old;
  mode_t mode = 0666;
  bool exists = stat(path, &old) == 0;
  if (exists && !S_ISREG(old.st_mode))
    return bnc_fail(error, BNC_IO_ERROR, "cannot save to '%s': it is not a regular file", path);
  /* A link stays a link: what it points to is replaced. */
  if (!exists || !realpath(path, target)) {
    if (strlen(path) >= sizeof target)
      return bnc_fail_system(error, BNC_IO_ERROR, ENAMETOOLONG, "cannot save to '%s'", path);
    snprintf(target, sizeof target, "%s", path);
  }
  output out = {.file = open_beside(target, mode, beside, sizeof beside)};
  if (out.file < 0)
    return bnc_fail_system(error, BNC_IO_ERROR, errno, "cannot create a file beside '%s'", path);
  int failed = exists && fchmod(out.file, old.st_mode & 07777) != 0 ? errno : 0;
  if (!failed)
    failed = bnc_safetensors_write(source, (bnc_sink){&out, write_output});
  if (!failed)
    failed = flush(&out);
  if (!failed && fsync(out.file) != 0)
    failed = errno;
  if (close(out.file) != 0 && !failed)
    failed = errno;
  if (!failed && rename(beside, target) != 0)
    failed = errno;
  if (failed) {
    unlink(beside);
    return bnc_fail_system(error, BNC_IO_ERROR, failed,
                           exists ? "cannot save to '%s', which is left as it was" : "cannot save to '%s'", path);
  }
  failed = sync_directory(target);
  if (failed)
    return bnc_fail_system(error, BNC_IO_ERROR, failed, "saved '%s', but its directory cannot be synchronized", path);
  return BNC_OK;
}
