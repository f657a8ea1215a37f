#include "kbs/runtime_data.h"

#include <algorithm>

#include "kbs/json_internal.h"

namespace attestd::kbs {
namespace {

constexpr std::size_t tpm_qualifying_size = 32;  // of the "tpm" attester, whatever the hash

}  // namespace

std::string encode_runtime_data(ProtocolVersion version, const FixedBytes<nonce_size>& nonce,
                                const Attestation& attestation) {
  std::string out = "{";
  if (has_composite_evidence(version)) {
    out += R"("additional-evidence":)" + canonical_string(attestation.additional_evidence) + ",";
  }
  out += R"("nonce":)" + canonical_string(nonce_text(nonce));
  return out + R"(,"tee-pubkey":)" + encode_tee_public_key(attestation.key) + "}";
}

Binding bind_runtime_data(Tee tee, HashAlgorithm hash, std::string_view runtime_data) {
  Binding out;
  Bytes hashed = digest(hash, {as_bytes(runtime_data)});
  std::ranges::copy(hashed, out.report_data.begin());
  if (tee == Tee::tpm) hashed.resize(tpm_qualifying_size);
  if (tee == Tee::tpm || tee == Tee::az_snp_vtpm || tee == Tee::az_tdx_vtpm) out.qualifying_data = std::move(hashed);
  return out;
}

}  // namespace attestd::kbs
