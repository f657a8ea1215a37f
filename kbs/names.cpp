// The protocol's fixed names: versions, TEEs, errors.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "kbs/message.h"

namespace attestd::kbs {
namespace {

// What changed, as the two sides' histories tell:
// 0.1.0  Not served. Under this number some clients hash nonce, modulus and exponent one
//        behind the other: who moves the border between the last two gets another key
//        under the same hash.
// 0.1.1  tee-evidence is JSON and no longer a string of it. The runtime data are
//        {"nonce", "tee-pubkey"}.
// 0.2.0  Resources are encrypted as RFC 7516 has it, and to elliptic curves too.
// 0.3.0  tee-evidence has a primary and an additional part; the runtime data get
//        "additional-evidence". No release has it.
// 0.4.0  The message carries the runtime data, and may carry init data.
struct VersionName {
  ProtocolVersion version;
  std::string_view name;
};
constexpr std::array versions{
    VersionName{ProtocolVersion::v0_1_1, "0.1.1"},
    VersionName{ProtocolVersion::v0_2_0, "0.2.0"},
    VersionName{ProtocolVersion::v0_3_0, "0.3.0"},
    VersionName{ProtocolVersion::v0_4_0, "0.4.0"},
};

struct TeeName {
  Tee tee;
  std::string_view name;
  std::string_view old_name;  // of kbs-types before 0.14
};
constexpr std::array tees{
    TeeName{Tee::az_snp_vtpm, "az-snp-vtpm", "azsnpvtpm"},
    TeeName{Tee::az_tdx_vtpm, "az-tdx-vtpm", "aztdxvtpm"},
    TeeName{Tee::cca, "cca", "cca"},
    TeeName{Tee::csv, "csv", "csv"},
    TeeName{Tee::hygon_dcu, "hygon-dcu", "hygondcu"},
    TeeName{Tee::nvidia, "nvidia", "nvidia"},
    TeeName{Tee::nvidia_dpu, "nvidia-dpu", "nvidiadpu"},
    TeeName{Tee::sample, "sample", "sample"},
    TeeName{Tee::sample_device, "sample-device", "sampledevice"},
    TeeName{Tee::se, "se", "se"},
    TeeName{Tee::sev, "sev", "sev"},
    TeeName{Tee::sgx, "sgx", "sgx"},
    TeeName{Tee::snp, "snp", "snp"},
    TeeName{Tee::tdx, "tdx", "tdx"},
    TeeName{Tee::tpm, "tpm", "tpm"},
};

struct ErrorName {
  ErrorKind kind;
  std::string_view name;
  int status;
};
constexpr std::array errors{
    ErrorName{ErrorKind::attestation, "AttestationError", 401},
    ErrorName{ErrorKind::invalid_request_path, "InvalidRequestPath", 404},
    ErrorName{ErrorKind::jwe, "JweError", 401},
    ErrorName{ErrorKind::plugin_not_found, "PluginNotFound", 404},
    ErrorName{ErrorKind::plugin_internal, "PluginInternalError", 401},
    ErrorName{ErrorKind::policy_deny, "PolicyDeny", 401},
    ErrorName{ErrorKind::policy_engine, "PolicyEngineError", 401},
    ErrorName{ErrorKind::serde, "SerdeError", 401},
    ErrorName{ErrorKind::token_not_found, "TokenNotFound", 401},
    ErrorName{ErrorKind::token_verifier, "TokenVerifierError", 401},
};

// Semantic Versioning 2.0.0.
bool is_version_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '+';
}

const ErrorName& error_entry(ErrorKind kind) {
  const auto* const it = std::ranges::find(errors, kind, &ErrorName::kind);
  return it == errors.end() ? errors.front() : *it;
}

}  // namespace

std::string_view version_name(ProtocolVersion version) {
  const auto* const it = std::ranges::find(versions, version, &VersionName::version);
  return it == versions.end() ? std::string_view() : it->name;
}

Result<ProtocolVersion> version_from_name(std::string_view name) {
  const auto* const it = std::ranges::find(versions, name, &VersionName::name);
  if (it != versions.end()) return it->version;
  std::vector<std::string_view> served;
  for (const VersionName& known : versions) served.push_back(known.name);
  // Hostile, and for journals too: what no version has is not shown.
  constexpr std::size_t shown = 32;
  std::string asked(name.substr(0, shown));
  std::ranges::replace_if(asked, [](char c) { return !is_version_character(c); }, '?');
  return fail(Errc::unsupported, "KBS Client Protocol Version Mismatch: expect one of " + joined(served) +
                                     " while the request is " + asked);
}

bool has_composite_evidence(ProtocolVersion version) { return version >= ProtocolVersion::v0_3_0; }
bool answers_in_jwe(ProtocolVersion version) { return version >= ProtocolVersion::v0_2_0; }

std::string_view tee_name(Tee tee, ProtocolVersion version) {
  const auto* const it = std::ranges::find(tees, tee, &TeeName::tee);
  if (it == tees.end()) return {};
  return version < ProtocolVersion::v0_4_0 ? it->old_name : it->name;
}

std::optional<Tee> tee_from_name(std::string_view name) {
  const auto* const it =
      std::ranges::find_if(tees, [&](const TeeName& known) { return known.name == name || known.old_name == name; });
  if (it == tees.end()) return std::nullopt;
  return it->tee;
}

std::string_view error_name(ErrorKind kind) { return error_entry(kind).name; }
int error_status(ErrorKind kind) { return error_entry(kind).status; }

}  // namespace attestd::kbs
