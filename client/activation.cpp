#include "client/activation.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/file.h"
#include "base/random.h"
#include "evidence/svsm_manifest.h"

namespace attestd {
namespace {

constexpr std::string_view no_credential = "none";

// Nothing where the bundle has no keys that a credential could be for. What is wrong
// with them the verification says.
std::optional<Credential> credential_for(const Bundle& bundle, ByteView seed) {
  if (bundle.svsm_manifest.empty() || !bundle.tpm) return std::nullopt;
  const auto endorsement_key = svsm_endorsement_key(bundle.svsm_manifest);
  const auto attestation_key = parse_tpm_public(bundle.tpm->ak_public);
  if (!endorsement_key || !attestation_key) return std::nullopt;
  auto credential = make_credential(*endorsement_key, attestation_key->name,
                                    activation_secret(seed, endorsement_key->name, attestation_key->name));
  if (!credential) return std::nullopt;
  return *std::move(credential);
}

}  // namespace

Result<FetchedEvidence> fetch_activated_evidence(const Source& source, EvidenceRequest request) {
  using std::chrono::steady_clock, std::chrono::milliseconds;
  const auto deadline = steady_clock::now() + request.timeout;
  ATTESTD_TRY(FetchedEvidence out, fetch_evidence(source, request));
  if (source.kind == Source::Kind::file || request.cached) return out;
  const auto first = parse_bundle(out.bundle);
  if (!first) return out;
  ATTESTD_TRY(Bytes seed, random_bytes(activation_seed_size));
  request.credential = credential_for(*first, seed);
  if (!request.credential) return out;
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
  request.timeout = std::max(left, milliseconds(1));
  ATTESTD_TRY(out, fetch_evidence(source, request));
  out.activation_seed = std::move(seed);
  return out;
}

std::string credential_text(const std::optional<Credential>& credential) {
  if (!credential) return std::string(no_credential);
  return to_base64url(credential->blob) + "." + to_base64url(credential->encrypted_secret);
}

Result<std::optional<Credential>> parse_credential(std::string_view text) {
  if (text.empty() || text == no_credential) return std::optional<Credential>();
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return fail(Errc::malformed, "--credential is not BLOB.SECRET in base64url");
  Credential out;
  for (auto [part, into] :
       {std::pair{text.substr(0, point), &out.blob}, std::pair{text.substr(point + 1), &out.encrypted_secret}}) {
    auto bytes = from_base64url(part);
    if (!bytes) return std::unexpected(std::move(bytes).error().in("--credential"));
    *into = *std::move(bytes);
  }
  return std::optional<Credential>(std::move(out));
}

Result<Bytes> read_activation_seed(const std::string& path) {
  auto seed = read_file(path, 4096);
  if (!seed) return std::unexpected(std::move(seed).error().in("--activation-secret"));
  if (seed->size() != activation_seed_size) {
    return fail(Errc::malformed, "--activation-secret " + path + " has " + std::to_string(seed->size()) +
                                     " bytes, not the 32 that attestctl evidence writes");
  }
  return seed;
}

}  // namespace attestd
