// Bytes that nobody else is to see.
#pragma once

#include <cstddef>
#include <span>

#include "base/bytes.h"

namespace attestd {

// Memory of its own pages: locked (no swap), left out of core dumps, empty in a child
// after fork(), wiped when it goes. Cannot be copied or printed by accident.
class SecretBytes {
 public:
  SecretBytes() = default;
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes() { wipe(); }

  // `size` zero bytes. Errors: out_of_range (over 16 MiB), io (no memory, or none that may be
  // locked: RLIMIT_MEMLOCK).
  static Result<SecretBytes> make(std::size_t size);
  static Result<SecretBytes> copy_of(ByteView bytes);
  // `size` random ones, which are nowhere else. Errors: also those of fill_random().
  static Result<SecretBytes> random(std::size_t size);
  // A file's contents, read into such memory and no other. Errors: those of read_file().
  static Result<SecretBytes> read(const std::string& path, std::size_t limit);

  [[nodiscard]] std::span<std::byte> writable() { return {data_, size_}; }
  [[nodiscard]] ByteView view() const { return {data_, size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  // The first `size` bytes stay, at most as many as there are; the others are wiped.
  void shrink(std::size_t size);

 private:
  void wipe();
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t mapped_ = 0;
};

// Overwrites what a compiler must not leave out.
void wipe(std::span<std::byte> bytes);

}  // namespace attestd
