// What new_header.cpp and format_volume.cpp have in common.
#pragma once

#include <libcryptsetup.h>

#include <memory>
#include <string>
#include <utility>

#include "unlock/new_header.h"

namespace attestd::unlock {

struct FreeCryptDevice {
  void operator()(crypt_device* device) const { crypt_free(device); }
};
using CryptDevice = std::unique_ptr<crypt_device, FreeCryptDevice>;

inline const char* passphrase_text(const SecretBytes& secret) {
  return reinterpret_cast<const char*>(secret.view().data());
}

// libcryptsetup gives errno, negated.
inline std::unexpected<Error> cryptsetup_failure(int code, std::string doing) {
  return fail_errno(-code, "cannot " + std::move(doing));
}

// A sparse file in memory, as large as the disk, of which the header's area alone gets contents; gone with this.
class Scratch {
 public:
  static Result<Scratch> make(const std::string& path, std::uint64_t size);
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  Scratch() = default;
  std::string path_;
};

struct HeaderFormat {
  std::size_t volume_key_size = 64;  // bytes: two keys of AES-256
  std::uint32_t sector_size = 512;   // bytes
  const char* integrity = nullptr;   // "hmac(sha256)"
};
// Format, keyslot and token. With integrity the data device gets its superblock.
Result<void> write_new_header(crypt_device* device, const NewHeaderRequest& request, const HeaderFormat& format,
                              const SecretBytes& passphrase);
// The header as the next boot will judge it.
Result<luks::DeviceHeader> read_new_header(const NewHeaderRequest& request);

}  // namespace attestd::unlock
