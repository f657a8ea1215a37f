// Internal to hwio: owners of tpm2-tss's handles.
#pragma once

#include <tss2/tss2_esys.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"

namespace attestd::hwio {

struct EsysFree {
  void operator()(void* pointer) const { Esys_Free(pointer); }
};
template <class T>
using EsysPointer = std::unique_ptr<T, EsysFree>;

// For a call that did not return TSS2_RC_SUCCESS: `doing` completes "cannot …".
// The TCTI's own errors are `unavailable`, refused authorizations `permission`.
std::unexpected<Error> tpm_error(TSS2_RC code, const std::string& doing);
inline Result<void> tpm_check(TSS2_RC code, const std::string& doing) {
  if (code == TSS2_RC_SUCCESS) return {};
  return tpm_error(code, doing);
}
// True when `code` is the TPM's `format_one` response, whichever handle,
// parameter or session it speaks of. TPM 2.0 part 2, 6.6.
bool tpm_response_is(TSS2_RC code, TSS2_RC format_one);

// An open connection to a TPM.
class TpmContext {
 public:
  static Result<TpmContext> open(const std::string& tcti);
  [[nodiscard]] ESYS_CONTEXT* get() const { return esys_.get(); }

 private:
  struct FinalizeTcti {
    void operator()(TSS2_TCTI_CONTEXT* tcti) const;
  };
  struct FinalizeEsys {
    void operator()(ESYS_CONTEXT* esys) const { Esys_Finalize(&esys); }
  };
  // In this order: ESAPI uses the TCTI until it is finalized.
  std::unique_ptr<TSS2_TCTI_CONTEXT, FinalizeTcti> tcti_;
  std::unique_ptr<ESYS_CONTEXT, FinalizeEsys> esys_;
};

// An object in the TPM, flushed when it goes, or (for what is persistent) only
// forgotten. The context must outlive it.
class EsysHandle {
 public:
  enum class End { flush, close };
  EsysHandle() = default;
  EsysHandle(ESYS_CONTEXT* esys, ESYS_TR handle, End end) : esys_(esys), handle_(handle), end_(end) {}
  EsysHandle(EsysHandle&& other) noexcept
      : esys_(other.esys_), handle_(std::exchange(other.handle_, ESYS_TR_NONE)), end_(other.end_) {}
  EsysHandle& operator=(EsysHandle&& other) noexcept;
  EsysHandle(const EsysHandle&) = delete;
  EsysHandle& operator=(const EsysHandle&) = delete;
  ~EsysHandle() { reset(); }
  void reset();
  [[nodiscard]] ESYS_TR get() const { return handle_; }

 private:
  ESYS_CONTEXT* esys_ = nullptr;
  ESYS_TR handle_ = ESYS_TR_NONE;
  End end_ = End::close;
};

// tpm_nv.cpp: the whole index, up to 64 KiB.
Result<Bytes> read_nv_index(ESYS_CONTEXT* esys, std::uint32_t index);
// As hwio/tpm.h says of nv_write.
Result<void> write_nv_index(ESYS_CONTEXT* esys, std::uint32_t index, ByteView data);

}  // namespace attestd::hwio
