// Where evidence comes from: --from.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "evidence/bundle.h"
#include "evidence/statement.h"
#include "verifier/credential.h"

namespace attestd {

inline constexpr std::string_view default_agent_socket = "/run/attestd/attestd.sock";

inline constexpr std::uint16_t default_gateway_port = 28443;

struct Source {
  enum class Kind { socket, file, command, https };
  Kind kind = Kind::socket;
  std::string target;  // a path, the command, or "https://HOST:PORT"
  // Of https: "HOST:PORT" of the servers that stand for it, asked in turn while those before give no
  // answer; empty: the target itself. Certificates are for the target's host in any case.
  std::vector<std::string> servers = {};
  bool operator==(const Source&) const = default;
};

// "unix:PATH", "file:PATH", "exec:COMMAND", "https://HOST[:PORT]" (28443), or a path: a
// socket, or a regular file with a bundle. Empty: the environment's ATTESTD_SOCKET, else the
// agent's own. Errors: usage (another scheme, no such URL), and those of stat for a path.
Result<Source> parse_source(std::string_view text);
std::string source_name(const Source& source);  // "unix:/run/attestd/attestd.sock"

// The agent's socket for commands that talk to nothing else; `named` may be
// empty, a path or "unix:PATH". Error: usage (https).
Result<std::string> agent_socket(std::string_view named);

// Which TLS server is asked is shown by the evidence; its certificate is looked at only when
// `ca_file` names roots.
struct HttpsOptions {
  std::string ca_file;  // PEM
  std::string proxy;    // as curl's --proxy; empty: as the environment says (https_proxy, no_proxy)
  std::chrono::milliseconds connect_timeout{5000};
};

struct EvidenceRequest {
  Bytes nonce;  // 8 to 64 bytes
  Purpose purpose = Purpose::host;
  std::chrono::milliseconds timeout{15000};
  std::optional<Credential> credential{};  // for the TPM of the VM
  std::optional<UnlockClaim> unlock{};     // with purpose unlock: for what a relying party is asked to release
  bool cached = false;  // GET /v1/evidence: of purpose monitor, its nonce not ours, its freshness its age
  HttpsOptions https{};
};

struct FetchedEvidence {
  std::string bundle;  // as it came, not yet parsed
  // The TLS connection that it came over. Evidence that the agent had cached was made for no
  // connection, and then there is nothing here.
  std::optional<StatementChannel> channel{};
  std::optional<Bytes> activation_seed{};  // of the credential that was sent: client/activation.h
};

// A command sees the nonce in
// ATTESTD_NONCE (hexadecimal) and ATTESTD_NONCE_BASE64URL, ATTESTD_PURPOSE, and
// ATTESTD_CREDENTIAL (client/activation.h); it cannot be asked for what is cached (usage). A file is what it is: only
// its nonce, checked by the caller, can say that it is fresh. Errors: those of read_input(),
// command_output(), http_exchange() and https_exchange(), of several servers all sentences.
Result<FetchedEvidence> fetch_evidence(const Source& source, const EvidenceRequest& request);

// For who writes evidence down unverified: was it made for the connection that it came over?
// Errors: mismatch (somebody relays it); those of parse_statement().
Result<void> require_own_channel(const FetchedEvidence& evidence, const Bundle& bundle);

// 32 random bytes.
Result<Bytes> fresh_nonce();
// `hex` of 8 to 64 bytes, for --nonce.
Result<Bytes> parse_nonce(std::string_view hex);

}  // namespace attestd
