#include "sim/tpm_extend.h"

#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include <cstring>
#include <memory>

namespace attestd::sim {
namespace {

constexpr unsigned pcr_count = 24;
constexpr unsigned pcrs_a_read = 8;  // TPML_DIGEST holds eight

struct CloseTcti {
  void operator()(TSS2_TCTI_CONTEXT* context) const { Tss2_TctiLdr_Finalize(&context); }
};
struct CloseEsys {
  void operator()(ESYS_CONTEXT* context) const { Esys_Finalize(&context); }
};
struct FreeEsys {
  void operator()(void* memory) const { Esys_Free(memory); }
};

std::unexpected<Error> fail_tpm(TSS2_RC code, const std::string& what) {
  return fail(Errc::tpm, what + ": " + Tss2_RC_Decode(code));
}

// The context is closed before the TCTI that it talks through.
struct Connection {
  std::unique_ptr<TSS2_TCTI_CONTEXT, CloseTcti> tcti;
  std::unique_ptr<ESYS_CONTEXT, CloseEsys> esys;
};

Result<Connection> connect(const std::string& name) {
  Connection out;
  TSS2_TCTI_CONTEXT* tcti = nullptr;
  if (const TSS2_RC code = Tss2_TctiLdr_Initialize(name.c_str(), &tcti); code != TSS2_RC_SUCCESS) {
    return fail(Errc::unavailable, "no TPM answers at " + name + ": " + Tss2_RC_Decode(code));
  }
  out.tcti.reset(tcti);
  ESYS_CONTEXT* esys = nullptr;
  if (const TSS2_RC code = Esys_Initialize(&esys, tcti, nullptr); code != TSS2_RC_SUCCESS) {
    return fail(Errc::unavailable, "cannot talk to the TPM at " + name + ": " + Tss2_RC_Decode(code));
  }
  out.esys.reset(esys);
  return out;
}

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
  ATTESTD_TRY(const Connection connection, connect(tcti));
  for (const PcrExtension& extension : extensions) {
    if (extension.pcr >= pcr_count) return fail(Errc::out_of_range, "a TPM has PCRs 0 to 23");
    ATTESTD_TRY(const TPML_DIGEST_VALUES values, digest_values(extension.digests));
    const TSS2_RC code = Esys_PCR_Extend(connection.esys.get(), ESYS_TR_PCR0 + extension.pcr, ESYS_TR_PASSWORD,
                                         ESYS_TR_NONE, ESYS_TR_NONE, &values);
    if (code != TSS2_RC_SUCCESS) return fail_tpm(code, "cannot extend PCR " + std::to_string(extension.pcr));
  }
  return {};
}

Result<PcrBank> read_pcrs(const std::string& tcti, HashAlgorithm bank) {
  ATTESTD_TRY(const Connection connection, connect(tcti));
  PcrBank out;
  for (unsigned first = 0; first < pcr_count; first += pcrs_a_read) {
    TPML_PCR_SELECTION selection = {};
    selection.count = 1;
    selection.pcrSelections[0].hash = static_cast<TPM2_ALG_ID>(bank);
    selection.pcrSelections[0].sizeofSelect = 3;
    selection.pcrSelections[0].pcrSelect[first / pcrs_a_read] = 0xff;
    TPML_DIGEST* values = nullptr;
    const TSS2_RC code = Esys_PCR_Read(connection.esys.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &selection,
                                       nullptr, nullptr, &values);
    if (code != TSS2_RC_SUCCESS) return fail_tpm(code, "cannot read the PCRs");
    const std::unique_ptr<TPML_DIGEST, FreeEsys> owner(values);
    if (values->count != pcrs_a_read) return fail(Errc::unsupported, "the TPM has no such PCR bank");
    for (unsigned i = 0; i < pcrs_a_read; ++i) {
      const TPM2B_DIGEST& value = values->digests[i];
      out[first + i] = to_bytes(std::as_bytes(std::span(value.buffer, value.size)));
    }
  }
  return out;
}

}  // namespace attestd::sim
