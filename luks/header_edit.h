// What is to be different in a LUKS2 header, done by libcryptsetup to a copy in memory: what comes out is another
// header of the volume, of which the device knows nothing yet (luks/header_change.h).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/secret.h"
#include "luks/copy.h"

struct crypt_device;  // <libcryptsetup.h>

namespace attestd::luks {

class HeaderEdit {
 public:
  // Errors: io (libcryptsetup's reason), and those of the system calls.
  static Result<HeaderEdit> begin(const DeviceHeader& before);

  // The keyslot that the passphrase opens, of all or of one; none is no error. Error: io.
  [[nodiscard]] Result<std::optional<unsigned>> opened_by(const SecretBytes& passphrase,
                                                          std::optional<unsigned> keyslot = std::nullopt) const;
  // A keyslot more for the volume key that `passphrase` opens; its number. `added` is random, of 32 bytes or more, and
  // so its derivation costs nothing. Errors: permission (`passphrase` opens none), io.
  Result<unsigned> add_keyslot(const SecretBytes& passphrase, const SecretBytes& added);
  Result<void> remove_keyslot(unsigned keyslot);
  // Its number. `json` as cryptsetup token import takes it.
  Result<unsigned> add_token(const std::string& json);
  Result<void> replace_token(unsigned token, const std::string& json);
  Result<void> remove_token(unsigned token);

  // The copy, for another program to change; what was not finish()ed before is lost to this object.
  [[nodiscard]] std::string path() const;
  // The header as it is now. Errors: those of parse_header().
  [[nodiscard]] Result<DeviceHeader> finish() const;

 private:
  struct Free {
    void operator()(crypt_device* device) const;
  };
  HeaderEdit() = default;
  [[nodiscard]] std::unexpected<Error> failed(int code, const std::string& doing) const;

  std::uint64_t device_size_ = 0;
  std::size_t metadata_size_ = 0;
  UniqueFd memory_;
  std::unique_ptr<std::string> complaint_;  // libcryptsetup's last; where it stays
  std::unique_ptr<crypt_device, Free> device_;
};

}  // namespace attestd::luks
