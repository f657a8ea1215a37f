// The TPM, through tpm2-tss ESAPI. Raw TPM wire structures in and out.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace attestd::hwio {

struct TpmAttestationKey {
  Bytes public_area;  // TPMT_PUBLIC
  Bytes name;         // TPM name: algorithm id || digest
  Bytes certificate;  // DER from NV, or empty
};

// PCR bank id (TPM_ALG_ID) to index to value.
using TpmPcrs = std::map<std::uint16_t, std::map<unsigned, Bytes>>;

struct TpmQuoteResult {
  Bytes quote;            // TPMS_ATTEST
  Bytes signature;        // TPMT_SIGNATURE
  TpmPcrs pcrs;           // values whose composite is the quote's digest
  TpmAttestationKey key;  // that signed: compare its name with the one you know
};

struct TpmOptions {
  std::string tcti;  // as Tss2_TctiLdr_Initialize takes it: "device:/dev/tpmrm0", "swtpm:path=/run/…"
  // Banks to quote, in order; a bank that the TPM does not have active is left out.
  std::vector<std::uint16_t> banks = {0x000b};
  std::vector<unsigned> pcrs = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 23};
  // NV index with the template of the key that the platform certifies (Google:
  // 0x01c10001 RSA, 0x01c10003 ECC): that primary key quotes instead of our own.
  std::optional<std::uint32_t> ak_template_nv;
  std::optional<std::uint32_t> ak_certificate_nv;  // NV index with the key's certificate; none when absent
  // A persistent restricted signing key, to quote with instead of our own: 0x81000003
  // on Azure. It is the platform's and is never changed.
  std::optional<std::uint32_t> ak_handle;
  // Close the connection after every call, as is due to a TPM that serves one
  // client at a time and may have others (swtpm, /dev/tpm0). The key is then made
  // anew each time, which takes swtpm 2 ms. When absent: unless `tcti` is a
  // resource manager's (device:/dev/tpmrm…, tabrmd).
  std::optional<bool> close_after_call;
};

// One thread only. The TPM may vanish and come back (a restarted swtpm, a
// resource manager that was reset): every call reopens the context and remakes
// the key when the last one failed, and a call that fails on a connection from
// before is tried once more on a new one. A TPM that was replaced shows in
// attestation_key(): compare names. Calls block for as long as the TCTI does: a
// stopped swtpm never answers. Writing to a TPM that has gone can raise SIGPIPE:
// ignore it. Errors: unavailable (nothing behind the TCTI), tpm (response code in
// the message), permission (authorization values that we do not have), unsupported.
class Tpm {
 public:
  static std::unique_ptr<Tpm> make(TpmOptions options);  // opens on first use
  virtual ~Tpm() = default;
  // An ECC P-256 restricted signing key, primary in the endorsement hierarchy
  // (fixed template, so the same TPM gives the same key at every boot); or the key
  // of `ak_handle`: not_found when nothing is there.
  virtual Result<TpmAttestationKey> attestation_key() = 0;
  // `qualifying_data` of 1 to 34 bytes. PCRs are read around the quote until
  // they agree with its digest: `changed` if they never do.
  virtual Result<TpmQuoteResult> quote(ByteView qualifying_data) = 0;
  // TPMT_PUBLIC of the endorsement key by the template that is most common: RSA 2048,
  // TCG "EK Credential Profile" 2.5, L-1. Made once for each connection: a second or so.
  virtual Result<Bytes> endorsement_key() = 0;
  // What a credential for attestation_key() in a TPM with endorsement_key() hides
  // (TPM2_ActivateCredential). Both without their outer sizes, as TPM2B contents.
  virtual Result<Bytes> activate_credential(ByteView credential_blob, ByteView encrypted_secret) = 0;
  virtual Result<Bytes> nv_read(std::uint32_t index) = 0;  // whole index; not_found when undefined
  // The whole index, of 1 to 1024 bytes; one that is not there is defined first, for
  // its own and the owner's authorization, and with the owner's (empty) one.
  virtual Result<void> nv_write(std::uint32_t index, ByteView data) = 0;
  [[nodiscard]] virtual std::string where() const = 0;
};

}  // namespace attestd::hwio
