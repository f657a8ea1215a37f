// The key of a volume, asked of whoever unlocks it: attestd, in the initrd or after.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace attestd::luks {

inline constexpr const char* unlock_socket_path = "/run/attestd/unlock.sock";
inline constexpr std::size_t unlock_key_limit = 4096;  // bytes
// Attestation over a network that has just come up, with its own retries behind it.
inline constexpr std::chrono::seconds unlock_timeout{90};

// Connects, from the abstract address "\0HEX/attestd-token/UUID" (systemd-cryptsetup names
// itself alike to a key file that is a socket: HEX is random, the rest says which volume
// asks), and reads to the end of file. The listener must run as root or as we do.
// Errors: unavailable (nobody listens), timed_out, permission (somebody else listens),
// refused (an empty answer), out_of_range (over 4096 bytes), usage (a UUID that is too
// long), io. No error has any byte of the key.
Result<SecretBytes> ask_for_key(const std::string& path, const std::string& uuid, std::chrono::milliseconds timeout);

// From the listener's side: the UUID in the name of who asks. `address`: of sockaddr_un's path, with its leading zero
// byte. Error: malformed (another form; no UUID of lower case, as cryptsetup makes them).
Result<std::string> uuid_of_address(std::string_view address);
// The same of a connection's peer, which must be root's or ours. Errors: also permission, io.
Result<std::string> uuid_of_peer(int connection);

}  // namespace attestd::luks
