// Tokens and keyslots of a volume, written by libcryptsetup.
#pragma once

#include <memory>
#include <string>

#include "base/secret.h"
#include "luks/token.h"

struct crypt_device;  // <libcryptsetup.h>

namespace attestd::unlock {

class TokenStore {
 public:
  // Of the header on the device, as it is now. Errors: io (no LUKS2 volume, or libcryptsetup's reason).
  static Result<TokenStore> open(const std::string& device);
  // Another token in the place of `id`, durable when it returns. Errors: those of encode_unlock_token(), io.
  Result<void> replace(unsigned id, const luks::UnlockToken& token);
  // A keyslot for a random key, with a derivation that costs nothing; and a token with it. `passphrase` opens another
  // keyslot. Errors: permission (it does not), io.
  Result<void> add(const SecretBytes& passphrase, const SecretBytes& key, luks::UnlockToken token);

 private:
  struct Free {
    void operator()(crypt_device* device) const;
  };
  std::unique_ptr<crypt_device, Free> device_;
  std::string path_;
};

}  // namespace attestd::unlock
