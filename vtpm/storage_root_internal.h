// Internal to vtpm: the TPM's storage root key, and sessions that only its holder can answer.
//
// Who watches or alters what goes between us and the TPM is assumed. Each session's key is
// derived from a salt encrypted to the storage root key (TPM 2.0 part 1, 19.6.8), whose name was
// pinned; with that key commands and answers have HMACs, and secrets are encrypted (21, AES-128-CFB).
#pragma once

#include <optional>

#include "base/secret.h"
#include "hwio/tpm_context.h"
#include "vtpm/policy.h"

namespace attestd::vtpm {

inline constexpr TPM2_HANDLE storage_root_handle = 0x81000001;  // TCG "TPM v2.0 Provisioning Guidance", 7.8

struct StorageRoot {
  hwio::EsysHandle handle;
  Bytes name;
};

// A storage key by TCG "TPM v2.0 Provisioning Guidance" 7.5.1: ECC P-256, AES-128-CFB, noDA.
TPM2B_PUBLIC storage_root_template();
// The key at the handle. With `pinned`, its name must be that. Errors: mismatch (the TPM was cleared,
// or is another), not_found (there is none, and nothing was pinned), refused (it is no storage
// key that is fixed to its TPM).
Result<StorageRoot> open_storage_root(ESYS_CONTEXT* esys, std::optional<ByteView> pinned);
// The same, made when there is none.
Result<StorageRoot> need_storage_root(ESYS_CONTEXT* esys);

// TPMT_PUBLIC of a key as tpm2-tss itself has it, and so encrypts salts to; its name is that of
// these bytes. tpm2-tss takes both from one answer without comparing them.
struct KnownPublic {
  Bytes area;
  Bytes name;
};
Result<KnownPublic> known_public(ESYS_CONTEXT* esys, ESYS_TR key);

// Salted, not bound. `kind`: TPM2_SE_HMAC or TPM2_SE_POLICY.
Result<hwio::EsysHandle> start_session(ESYS_CONTEXT* esys, ESYS_TR salt_key, TPM2_SE kind);
// Which of the next command's first parameters are encrypted: tpm2-tss refuses to where there is none.
enum class Encrypt { none, command, response, both };
Result<void> encrypt_next(ESYS_CONTEXT* esys, const hwio::EsysHandle& session, Encrypt what);

// Overwrites the last answer in tpm2-tss's own buffer, which it decrypts in place and does not wipe.
void overwrite_answer(ESYS_CONTEXT* esys);

template <class Sized, std::size_t N>
ByteView contents(const Sized& sized, const BYTE (&buffer)[N]) {
  return std::as_bytes(std::span(buffer, std::min<std::size_t>(sized.size, N)));
}
template <std::size_t N>
UINT16 fill(BYTE (&buffer)[N], ByteView bytes) {
  const std::size_t size = std::min(bytes.size(), N);
  std::copy_n(bytes.begin(), size, reinterpret_cast<std::byte*>(buffer));
  return static_cast<UINT16>(size);
}

}  // namespace attestd::vtpm
