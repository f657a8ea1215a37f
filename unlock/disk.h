// A disk, or a file in its place, that is written to.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/file.h"

namespace attestd::unlock {

class Disk {
 public:
  // `write`: for reading and writing, and for nobody else who asks for it alone (a mount, device mapper). Errors: busy,
  // those of open(2), usage (neither a block device nor a file).
  enum class Access { read, write };
  static Result<Disk> open(const std::string& path, Access access);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }  // bytes
  // All of it. Errors, with the offset: truncated (the disk ends before), io.
  Result<void> read(std::uint64_t offset, std::span<std::byte> out) const;
  Result<void> write(std::uint64_t offset, ByteView bytes);
  // What was written is on the disk.
  Result<void> flush();
  // What is read from now on comes from the disk, not from memory, as far as the kernel does as it is asked.
  void forget_cache() const;

 private:
  std::string path_;
  UniqueFd fd_;
  std::uint64_t size_ = 0;
};

// Whether it is empty: zeros in the first and last 16 MiB and at 1024 places between. Not all of it is read, since
// that of a disk takes hours; who owns it can show anything anyway.
Result<bool> looks_blank(const Disk& disk);

}  // namespace attestd::unlock
