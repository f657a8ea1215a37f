// Public ssh keys as one line of text.
// Sources: RFC 4253 section 6.6 (blob), openssh PROTOCOL.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace attestd {

struct SshPublicKey {
  std::string type;  // "ssh-ed25519"
  Bytes blob;        // its first field is the type again
  bool operator==(const SshPublicKey&) const = default;
  [[nodiscard]] std::string line() const;         // "ssh-ed25519 AAAA…", no comment
  [[nodiscard]] std::string fingerprint() const;  // "SHA256:…", as ssh-keygen -l prints it
};

// One line of an id_*.pub file; a comment is allowed and dropped. Refuses lines
// with control characters (a known_hosts line is made from this), types that
// are not [a-z0-9@.-], and a blob whose inner type differs. At most 16 KiB.
Result<SshPublicKey> parse_ssh_public_key(std::string_view line);

}  // namespace attestd
