// Messages of the KBS attestation protocol, by which a guest gets secrets from Trustee
// (Confidential Containers): Request and Challenge, Attestation and token, resources.
// Sources: Trustee, kbs/docs/kbs_attestation_protocol.md and kbs/src/error.rs; the types
// of virtee/kbs-types, from which both sides make their JSON; guest-components,
// kbs_protocol. What differs between the versions: kbs/names.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "evidence/digest.h"

namespace attestd::kbs {

inline constexpr std::size_t message_max_size = std::size_t{2} << 20U;  // bytes of JSON
inline constexpr std::size_t nonce_size = 32;                           // bytes
inline constexpr std::string_view session_cookie = "kbs-session-id";

// The versions whose evidence binds nonce and key so that neither can be replaced.
enum class ProtocolVersion { v0_1_1, v0_2_0, v0_3_0, v0_4_0 };
std::string_view version_name(ProtocolVersion version);  // "0.4.0"
// Error: unsupported, with the sentence by which Trustee's clients know what is wrong;
// it goes into an ErrorInformation of ErrorKind::attestation.
Result<ProtocolVersion> version_from_name(std::string_view name);
// From 0.3.0: tee-evidence has a primary and an additional part, and the runtime data
// bind the additional one.
bool has_composite_evidence(ProtocolVersion version);
// From 0.2.0: resources are a JWE as RFC 7516 has it. 0.1.1 leaves the tag at the end of
// the ciphertext and authenticates no header.
bool answers_in_jwe(ProtocolVersion version);

enum class Tee {
  az_snp_vtpm,
  az_tdx_vtpm,
  cca,
  csv,
  hygon_dcu,
  nvidia,
  nvidia_dpu,
  sample,
  sample_device,
  se,
  sev,
  sgx,
  snp,
  tdx,
  tpm,
};
// "az-snp-vtpm": hyphenated, as kbs-types writes it from 0.14 on. It was "azsnpvtpm" before,
// which is what servers of older protocol versions know, and some of 0.4.0.
std::string_view tee_name(Tee tee, ProtocolVersion version = ProtocolVersion::v0_4_0);
// Either spelling.
std::optional<Tee> tee_from_name(std::string_view name);

// {"version", "tee", "extra-params"}
struct Request {
  ProtocolVersion version = ProtocolVersion::v0_4_0;
  Tee tee = Tee::snp;
  // "supported-hash-algorithms", those that we know; nothing when the client offers none.
  std::optional<std::vector<HashAlgorithm>> hash_algorithms{};
  std::string policy_selector{};  // "attestation-policy-selector", at most 64 bytes; empty when there is none
};
// Errors: malformed, not_found, out_of_range, unsupported (version: version_from_name()).
// Other members of extra-params are ignored.
Result<Request> parse_request(std::string_view json);
std::string encode_request(const Request& request);
// What runtime data are to be hashed by: SHA-384 where the client can, since every vTPM's
// quote has room for it. Error: unsupported (none of SHA-384, SHA-512, SHA-256).
Result<HashAlgorithm> choose_hash(const Request& request);

// {"nonce", "extra-params"}
struct Challenge {
  FixedBytes<nonce_size> nonce{};
  // "selected-hash-algorithm"; nothing: SHA-384. Only for a client that offered some.
  std::optional<HashAlgorithm> hash_algorithm{};
};
// RFC 4648 section 4, 44 characters: the form in which messages and hashes have it.
std::string nonce_text(const FixedBytes<nonce_size>& nonce);
Result<Challenge> parse_challenge(std::string_view json);
std::string encode_challenge(const Challenge& challenge);

// The guest's key that secrets are encrypted to: a JSON Web Key (RFC 7517) of RSA or of
// an elliptic curve. Whether its numbers make a key is for the one who encrypts to see.
struct TeePublicKey {
  enum class Kind { rsa, ec };
  Kind kind = Kind::ec;
  std::string algorithm;  // "alg": "ECDH-ES+A256KW", "RSA-OAEP-256", "RSA1_5"
  std::string curve{};    // "crv": "P-256"; EC only
  Bytes x{}, y{};         // EC
  Bytes modulus{};        // "n", RSA, big-endian
  Bytes exponent{};       // "e"
};
// RFC 8785: what the runtime data have of it. A key that parses encodes to what was
// parsed but for its order and spaces.
std::string encode_tee_public_key(const TeePublicKey& key);

// Settings that somebody gave the VM: their hash may be its host data or MRCONFIGID.
struct InitData {
  std::string format;  // "toml" or "json"
  std::string body;
};

struct Attestation {
  std::optional<InitData> init_data{};  // from 0.4.0
  // As the client sent it, to be compared with the session's; from 0.4.0, else nothing:
  // older messages have none, and only the hash shows it.
  std::optional<FixedBytes<nonce_size>> nonce{};
  TeePublicKey key;
  std::string primary_evidence;       // JSON: kbs/trustee_evidence.h
  std::string additional_evidence{};  // from 0.3.0: JSON in a string, of other devices; not looked at
};
// Errors: malformed, not_found, out_of_range, unsupported (another kind of key). A key
// or runtime data with members that we do not know are malformed: no hash binds them.
Result<Attestation> parse_attestation(std::string_view json, ProtocolVersion version);
// `primary_evidence` must be JSON. Members that the version does not have are left out.
std::string encode_attestation(const Attestation& attestation, ProtocolVersion version);

// {"token"}: the answer to an Attestation, a JSON Web Token.
std::string encode_token(std::string_view token);
Result<std::string> parse_token(std::string_view json);

// Trustee's names; each is the end of a URI in "type".
enum class ErrorKind {
  attestation,           // AttestationError: version, session, nonce or evidence are refused
  invalid_request_path,  // InvalidRequestPath
  jwe,                   // JweError
  plugin_not_found,      // PluginNotFound
  plugin_internal,       // PluginInternalError: also a resource that is not there
  policy_deny,           // PolicyDeny
  policy_engine,         // PolicyEngineError
  serde,                 // SerdeError
  token_not_found,       // TokenNotFound
  token_verifier,        // TokenVerifierError
};
std::string_view error_name(ErrorKind kind);
// 404 for invalid_request_path and plugin_not_found, else 401: clients know no other, and
// attest once more on 401.
int error_status(ErrorKind kind);
// {"type", "detail"}; detail is any text.
std::string encode_error(ErrorKind kind, std::string_view detail);
struct ErrorInformation {
  std::string name;  // the end of "type"; whatever the server wrote
  std::string detail;
};
Result<ErrorInformation> parse_error(std::string_view json);

// A secret's name. Each part is a letter or digit and up to 63 more of those or ". _ -":
// what Trustee accepts, without leading hyphens and underscores.
struct ResourceId {
  std::string repository = "default";
  std::string type;
  std::string tag;
  bool operator==(const ResourceId&) const = default;
};
inline constexpr std::string_view default_repository = "default";
// "/kbs/v0/resource/REPOSITORY/TYPE/TAG"; without a repository, or with an empty one, it
// is "default". No query, no escapes. Error: malformed.
Result<ResourceId> parse_resource_path(std::string_view path);
std::string resource_path(const ResourceId& resource);

}  // namespace attestd::kbs
