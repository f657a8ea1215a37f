// The public half of an OpenSSH private key file.
// Source: openssh PROTOCOL.key (openssh-key-v1). The public key is in clear
// before the private section, whether or not that is encrypted.
#pragma once

#include <string_view>

#include "evidence/ssh_key.h"

namespace attestd {

inline constexpr std::size_t openssh_private_key_max_size = std::size_t{32} * 1024;  // bytes of the file

// Decodes up to the end of the first public key and no further: nothing of the
// private section is decoded or copied. Errors: unsupported (another kind of
// file, such as PEM), truncated, malformed.
Result<SshPublicKey> openssh_public_part(std::string_view file);

}  // namespace attestd
