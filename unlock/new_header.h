// The LUKS2 header of a volume that is made now, by libcryptsetup, in memory: on the disk there is none yet.
#pragma once

#include <cstdint>
#include <string>

#include "base/secret.h"
#include "luks/copy.h"

namespace attestd::unlock {

struct NewHeader {
  luks::DeviceHeader header;  // judged
  SecretBytes volume_key;     // 64 bytes, for AES-256 in XTS
};

struct NewHeaderRequest {
  std::string uuid;
  std::string resource;           // what the broker calls the passphrase, for the token
  std::uint64_t device_size = 0;  // bytes
  std::string scratch;            // path of a file in memory (tmpfs), which is made and removed
};

inline constexpr std::uint64_t new_data_offset = std::uint64_t{16} << 20U;  // bytes: cryptsetup's own default

// AES-256 in XTS, sectors of 512 bytes, data from new_data_offset to the end of the device; one keyslot for
// `passphrase`, which is random, and so cheaply derived; our token. Errors: those of libcryptsetup, and refused where
// the result is none that attestd-unlock would open.
Result<NewHeader> make_header(const NewHeaderRequest& request, const SecretBytes& passphrase);

}  // namespace attestd::unlock
