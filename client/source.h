// Where evidence comes from: --from.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "evidence/bundle.h"
#include "evidence/statement.h"
#include "verifier/credential.h"

namespace attestd {

inline constexpr std::string_view default_agent_socket = "/run/attestd/attestd.sock";

struct Source {
  enum class Kind { socket, file, command };
  Kind kind = Kind::socket;
  std::string target;  // a path, or the command
  bool operator==(const Source&) const = default;
};

// "unix:PATH", "file:PATH", "exec:COMMAND", or a path: a socket, or a regular
// file with a bundle. Empty: the environment's ATTESTD_SOCKET, else the
// agent's own. Errors: usage (another scheme), and those of stat for a path.
Result<Source> parse_source(std::string_view text);
std::string source_name(const Source& source);  // "unix:/run/attestd/attestd.sock"

// The agent's socket for commands that talk to nothing else; `named` may be
// empty, a path or "unix:PATH".
Result<std::string> agent_socket(std::string_view named);

struct EvidenceRequest {
  Bytes nonce;  // 8 to 64 bytes
  Purpose purpose = Purpose::host;
  std::chrono::milliseconds timeout{15000};
  std::optional<Credential> credential{};  // for the TPM of the VM
  bool cached = false;  // GET /v1/evidence: of purpose monitor, its nonce not ours, its freshness its age
};
// The bundle as it came, not yet parsed. A command sees the nonce in
// ATTESTD_NONCE (hexadecimal) and ATTESTD_NONCE_BASE64URL, ATTESTD_PURPOSE, and
// ATTESTD_CREDENTIAL (client/activation.h); it cannot be asked for what is cached (usage). A file is what it is: only
// its nonce, checked by the caller, can say that it is fresh.
Result<std::string> fetch_evidence(const Source& source, const EvidenceRequest& request);

// 32 random bytes.
Result<Bytes> fresh_nonce();
// `hex` of 8 to 64 bytes, for --nonce.
Result<Bytes> parse_nonce(std::string_view hex);

}  // namespace attestd
