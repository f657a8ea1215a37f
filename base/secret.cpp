#include "base/secret.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file.h"
#include "base/random.h"

namespace attestd {
namespace {

constexpr std::size_t secret_limit = std::size_t{16} << 20U;

std::size_t whole_pages(std::size_t size) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page;
}

}  // namespace

void wipe(std::span<std::byte> bytes) {
  if (!bytes.empty()) ::explicit_bzero(bytes.data(), bytes.size());
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapped_(std::exchange(other.mapped_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    wipe();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    mapped_ = std::exchange(other.mapped_, 0);
  }
  return *this;
}

Result<SecretBytes> SecretBytes::make(std::size_t size) {
  if (size > secret_limit) return fail(Errc::out_of_range, "a secret has at most 16 MiB");
  SecretBytes out;
  if (size == 0) return out;
  const std::size_t mapped = whole_pages(size);
  void* const memory = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail_errno(errno, "there is no memory for a secret");
  out.data_ = static_cast<std::byte*>(memory);
  out.size_ = size;
  out.mapped_ = mapped;
  if (::mlock(memory, mapped) != 0) {
    return fail(Errc::io, "no memory can be locked for a secret; raise RLIMIT_MEMLOCK (LimitMEMLOCK= of the unit)");
  }
  if (::madvise(memory, mapped, MADV_DONTDUMP) != 0 || ::madvise(memory, mapped, MADV_WIPEONFORK) != 0) {
    return fail_errno(errno, "memory for a secret cannot be kept from core dumps and children");
  }
  return out;
}

Result<SecretBytes> SecretBytes::copy_of(ByteView bytes) {
  ATTESTD_TRY(SecretBytes out, make(bytes.size()));
  std::ranges::copy(bytes, out.data_);
  return out;
}

Result<SecretBytes> SecretBytes::random(std::size_t size) {
  ATTESTD_TRY(SecretBytes out, make(size));
  ATTESTD_CHECK(fill_random(out.writable()));
  return out;
}

Result<SecretBytes> SecretBytes::read(const std::string& path, std::size_t limit) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return fail_errno(errno, path + " cannot be opened");
  // One more, to see whether there is more than may be.
  ATTESTD_TRY(SecretBytes out, make(limit + 1));
  std::size_t have = 0;
  while (have < out.size()) {
    const ssize_t count = ::read(fd.get(), out.data_ + have, out.size() - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(errno, path + " cannot be read");
    if (count == 0) break;
    have += static_cast<std::size_t>(count);
  }
  if (have > limit) return fail(Errc::out_of_range, path + " has over " + std::to_string(limit) + " bytes");
  out.shrink(have);
  return out;
}

void SecretBytes::shrink(std::size_t size) {
  if (size >= size_) return;
  attestd::wipe(writable().subspan(size));
  size_ = size;
}

void SecretBytes::wipe() {
  if (data_ == nullptr) return;
  attestd::wipe({data_, mapped_});
  ::munmap(data_, mapped_);
  data_ = nullptr;
  size_ = 0;
  mapped_ = 0;
}

}  // namespace attestd
