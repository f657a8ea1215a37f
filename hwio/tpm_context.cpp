#include "hwio/tpm_context.h"

#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

namespace attestd::hwio {
namespace {

bool from_tpm(TSS2_RC code) {
  const TSS2_RC layer = code & TSS2_RC_LAYER_MASK;
  // A resource manager answers in the TPM's place.
  return layer == TSS2_TPM_RC_LAYER || layer == TSS2_RESMGR_TPM_RC_LAYER;
}

Errc kind_of(TSS2_RC code) {
  if ((code & TSS2_RC_LAYER_MASK) == TSS2_TCTI_RC_LAYER) {
    const TSS2_RC base = code & ~TSS2_RC_LAYER_MASK;
    return base == TSS2_BASE_RC_TRY_AGAIN ? Errc::timed_out : Errc::unavailable;
  }
  if (!from_tpm(code)) {
    // ESAPI passes the errors of the layer below on with its own number in front.
    const TSS2_RC base = code & ~TSS2_RC_LAYER_MASK;
    return base == TSS2_BASE_RC_IO_ERROR || base == TSS2_BASE_RC_NO_CONNECTION ? Errc::unavailable : Errc::tpm;
  }
  for (const TSS2_RC refused : {TPM2_RC_AUTH_FAIL, TPM2_RC_BAD_AUTH, TPM2_RC_AUTH_MISSING, TPM2_RC_POLICY_FAIL}) {
    if (tpm_response_is(code, refused)) return Errc::permission;
  }
  switch (code & ~TSS2_RC_LAYER_MASK) {
    case TPM2_RC_LOCKOUT:
    case TPM2_RC_AUTH_UNAVAILABLE:
    case TPM2_RC_AUTH_TYPE:
    case TPM2_RC_NV_AUTHORIZATION: return Errc::permission;
    case TPM2_RC_RETRY:
    case TPM2_RC_YIELDED:
    case TPM2_RC_TESTING:
    case TPM2_RC_NV_RATE: return Errc::busy;
    default: return Errc::tpm;
  }
}

}  // namespace

std::unexpected<Error> tpm_error(TSS2_RC code, const std::string& doing) {
  return fail(kind_of(code), "cannot " + doing + ": " + Tss2_RC_Decode(code));
}

bool tpm_response_is(TSS2_RC code, TSS2_RC format_one) {
  if (!from_tpm(code)) return false;
  const TSS2_RC response = code & ~TSS2_RC_LAYER_MASK;
  if ((response & TPM2_RC_FMT1) == 0) return response == format_one;
  return (response & 0xbfU) == format_one;  // bits 0 to 5 and 7; bit 6 and 8 to 11 say what it is about
}

void TpmContext::FinalizeTcti::operator()(TSS2_TCTI_CONTEXT* tcti) const { Tss2_TctiLdr_Finalize(&tcti); }

Result<TpmContext> TpmContext::open(const std::string& tcti) {
  TpmContext context;
  TSS2_TCTI_CONTEXT* raw_tcti = nullptr;
  if (const TSS2_RC code = Tss2_TctiLdr_Initialize(tcti.c_str(), &raw_tcti); code != TSS2_RC_SUCCESS) {
    return fail(Errc::unavailable, "cannot reach a TPM through " + tcti + ": " + Tss2_RC_Decode(code));
  }
  context.tcti_.reset(raw_tcti);
  ESYS_CONTEXT* raw_esys = nullptr;
  ATTESTD_CHECK(tpm_check(Esys_Initialize(&raw_esys, raw_tcti, nullptr), "set up ESAPI on " + tcti));
  context.esys_.reset(raw_esys);
  return context;
}

EsysHandle& EsysHandle::operator=(EsysHandle&& other) noexcept {
  if (this != &other) {
    reset();
    esys_ = other.esys_;
    handle_ = std::exchange(other.handle_, ESYS_TR_NONE);
    end_ = other.end_;
  }
  return *this;
}

void EsysHandle::reset() {
  ESYS_TR handle = std::exchange(handle_, ESYS_TR_NONE);
  if (handle == ESYS_TR_NONE) return;
  // Nobody can do anything about a TPM that does not let go of an object.
  if (end_ == End::flush && Esys_FlushContext(esys_, handle) == TSS2_RC_SUCCESS) return;
  (void)Esys_TR_Close(esys_, &handle);
}

}  // namespace attestd::hwio
