// What a Secure VM Service Module says of its services, and how a report binds it.
// Source: AMD 58019 "Secure VM Service Module for SEV-SNP Guests", revision 1.00,
// attestation protocol (services manifest, attest single service) and vTPM protocol.
#pragma once

#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "evidence/guid.h"
#include "evidence/tpm_attest.h"

namespace attestd {

inline constexpr std::string_view svsm_services_guid = "63849ebb-3d92-4670-a1ff-58f9c94b87bb";
inline constexpr std::string_view svsm_vtpm_guid = "c476f1eb-0123-45a5-9641-b4e7dde5bfe3";
// Bytes. A vTPM's manifest has 314 with an RSA-2048 endorsement key; Linux gives the SVSM 4 KiB.
inline constexpr std::size_t svsm_manifest_limit = std::size_t{64} << 10U;

struct SvsmService {
  Guid guid;
  Bytes manifest;  // empty for a service without one
};

// Does it begin with the GUID of a services manifest?
bool is_svsm_services(ByteView bytes);

// The services manifest: a GUID, sizes, and 24 bytes for each service. GUIDs are
// in UEFI's byte order, numbers little-endian. Errors: truncated, malformed
// (another GUID, sizes or offsets that do not fit, overlapping contents, a
// service twice), out_of_range (more than 64 services, or over the limit).
Result<std::vector<SvsmService>> parse_svsm_services(ByteView bytes);
Bytes encode_svsm_services(const std::vector<SvsmService>& services);

// The vTPM's endorsement key out of its own manifest (a TPMT_PUBLIC, which is what
// a request for the vTPM alone returns), or out of the manifest of all services.
// Errors: those of the parsers; not_found (the services have no vTPM); refused
// (the key is no restricted decryption key that is fixed to its TPM).
Result<TpmPublic> svsm_endorsement_key(ByteView manifest);
// The bytes of that TPMT_PUBLIC.
Result<Bytes> svsm_endorsement_area(ByteView manifest);

// REPORT_DATA of a report that an SVSM makes: SHA-512(nonce || manifest).
FixedBytes<64> svsm_report_data(const FixedBytes<64>& nonce, ByteView manifest);

}  // namespace attestd
