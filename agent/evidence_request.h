// The body of POST /v1/evidence.
#pragma once

#include <expected>
#include <optional>
#include <string_view>

#include "agent/problem.h"
#include "evidence/statement.h"

namespace attestd::agent {

inline constexpr std::size_t request_body_limit = std::size_t{128} * 1024;  // bytes

// A credential for the TPM's keys (TPM2_MakeCredential), TPM2B contents.
struct Activation {
  Bytes credential_blob;
  Bytes secret;
};
inline constexpr std::size_t activation_part_limit = 1024;  // bytes, of each

struct EvidenceRequest {
  Bytes nonce;
  Purpose purpose = Purpose::host;
  std::optional<Bytes> workload;  // with purpose workload only
  std::optional<Activation> activation;
  std::optional<StatementChannel> channel;  // that a front end vouches for
  std::optional<UnlockClaim> unlock{};      // with purpose unlock only
  std::optional<StatementPeer> peer;
};

// {"nonce": base64url of 8 to 64 bytes, "purpose": "host" when absent, "workload":
// base64url, "activation": {"credential_blob": base64url, "secret": base64url},
// "channel": {"tls_spki_sha256": base64url of 32 bytes, "tls_exporter": the same, or
// absent}, "unlock": {"jkt", "volume"}: docs/wire-format.md}. Unknown members are problems, so that a misspelt one is
// not ignored.
std::expected<EvidenceRequest, Problem> parse_evidence_request(std::string_view json);
// What a caller may choose: purpose unlock is for uid 0, and a channel for who is
// `front_end`. Who may name any channel can have evidence made for a TLS server of
// its own.
std::expected<void, Problem> permit(const EvidenceRequest& request, bool front_end);

}  // namespace attestd::agent
