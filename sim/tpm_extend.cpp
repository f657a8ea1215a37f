#include "sim/tpm_extend.h"

#include <cstring>
#include <numeric>

#include "hwio/tpm_context.h"
#include "hwio/tpm_pcrs.h"

namespace attestd::sim {
namespace {

constexpr unsigned pcr_count = 24;

Result<TPML_DIGEST_VALUES> digest_values(const std::vector<EventDigest>& digests) {
  TPML_DIGEST_VALUES out = {};
  if (digests.size() > TPM2_NUM_PCR_BANKS) return fail(Errc::out_of_range, "more digests than a TPM has banks");
  for (const EventDigest& digest : digests) {
    TPMT_HA& one = out.digests[out.count++];
    one.hashAlg = static_cast<TPM2_ALG_ID>(digest.algorithm);
    if (digest.value.size() > sizeof one.digest) return fail(Errc::out_of_range, "a digest is too long");
    std::memcpy(&one.digest, digest.value.data(), digest.value.size());
  }
  return out;
}

}  // namespace

Result<void> extend_pcrs(const std::string& tcti, const std::vector<PcrExtension>& extensions) {
  ATTESTD_TRY(const hwio::TpmContext context, hwio::TpmContext::open(tcti));
  for (const PcrExtension& extension : extensions) {
    if (extension.pcr >= pcr_count) return fail(Errc::out_of_range, "a TPM has PCRs 0 to 23");
    ATTESTD_TRY(const TPML_DIGEST_VALUES values, digest_values(extension.digests));
    ATTESTD_CHECK(hwio::tpm_check(Esys_PCR_Extend(context.get(), ESYS_TR_PCR0 + extension.pcr, ESYS_TR_PASSWORD,
                                                  ESYS_TR_NONE, ESYS_TR_NONE, &values),
                                  "extend PCR " + std::to_string(extension.pcr)));
  }
  return {};
}

Result<PcrBank> read_pcrs(const std::string& tcti, HashAlgorithm bank) {
  ATTESTD_TRY(const hwio::TpmContext context, hwio::TpmContext::open(tcti));
  std::vector<unsigned> all(pcr_count);
  std::iota(all.begin(), all.end(), 0U);
  const auto algorithm = static_cast<std::uint16_t>(bank);
  ATTESTD_TRY(const TPML_PCR_SELECTION selection, hwio::select_pcrs(context.get(), {algorithm}, all));
  ATTESTD_TRY(hwio::TpmPcrs values, hwio::read_pcrs(context.get(), selection));
  return std::move(values[algorithm]);
}

}  // namespace attestd::sim
