// A key for people, for the day when nobody else opens the volume.
#pragma once

#include <string>

#include "base/file.h"
#include "base/secret.h"

namespace attestd {

inline constexpr std::size_t recovery_key_size = 32;  // bytes of randomness

// As systemd-cryptenroll --recovery-key makes it: 256 random bits in modhex, eight groups of eight with dashes, so that
// any keyboard types it. What is typed is the passphrase, dashes and all.
Result<SecretBytes> make_recovery_key();
std::string recovery_token_json(unsigned keyslot);

// Where it goes: to the terminal that standard output is, or, where a file is named, to that file, which must be new.
// Errors: usage (no terminal, or the file is there).
Result<void> require_place(const std::string& file);

// A file of mode 0600 is made at once and has the key before any header does, and so nobody loses it; the terminal sees
// it afterwards. A file that was not kept is removed.
class RecoveryPlace {
 public:
  // Errors: those of require_place() and of the system calls.
  static Result<RecoveryPlace> open(std::string file);
  RecoveryPlace(RecoveryPlace&&) = default;
  RecoveryPlace& operator=(RecoveryPlace&&) = delete;
  ~RecoveryPlace();

  // To the file, durably; to the terminal nothing yet.
  Result<void> write(const SecretBytes& key);
  // A header has the key: the file stays, and the terminal sees it.
  Result<void> keep(const SecretBytes& key);

 private:
  RecoveryPlace() = default;
  std::string file_;
  UniqueFd fd_;
  bool kept_ = false;
};

}  // namespace attestd
