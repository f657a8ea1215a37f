// Evidence in Trustee's JSON; the first byte says of which TEE. What parses and can be
// written must come back as it was.
#include <array>
#include <cstdlib>

#include "kbs/trustee_evidence.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attestd;
  using kbs::Tee;
  constexpr std::array tees{Tee::snp, Tee::tdx, Tee::az_snp_vtpm, Tee::az_tdx_vtpm, Tee::tpm, Tee::sgx};
  if (size == 0) return 0;
  // 's' is "snp", the letters that follow are the others.
  const Tee tee = tees[static_cast<std::uint8_t>(data[0] - 's') % tees.size()];
  const auto evidence = kbs::parse_trustee_evidence(tee, as_text(std::as_bytes(std::span(data + 1, size - 1))));
  if (!evidence) return 0;
  if (tee == Tee::snp && evidence->bundle.snp_report.size() != 1184) std::abort();
  if (!evidence->bundle.statement.empty()) std::abort();
  for (const auto form : {kbs::SnpSerialization::in_memory, kbs::SnpSerialization::decoded}) {
    const auto text = kbs::encode_trustee_evidence(tee, evidence->bundle, form);
    if (!text) continue;
    const auto again = kbs::parse_trustee_evidence(tee, *text);
    if (!again || kbs::encode_trustee_evidence(tee, again->bundle, form) != *text) std::abort();
    if (again->bundle.snp_certificates != evidence->bundle.snp_certificates) std::abort();
    // Decoded, a product may be taken for another: reserved bytes of its TCB are lost.
    if (form == kbs::SnpSerialization::in_memory && again->bundle.snp_report != evidence->bundle.snp_report) {
      std::abort();
    }
  }
  return 0;
}
