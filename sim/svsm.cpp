#include "sim/svsm.h"

#include <algorithm>
#include <cerrno>

#include "evidence/svsm_manifest.h"

namespace attestd::sim {

void Svsm::set_endorsement_key(Bytes area) {
  const std::lock_guard lock(mutex_);
  endorsement_key_ = std::move(area);
}

void Svsm::attest_another_key(bool another) {
  const std::lock_guard lock(mutex_);
  another_ = another;
}

OrErrno<Bytes> Svsm::manifest(const FixedBytes<16>& guid) const {
  const std::lock_guard lock(mutex_);
  if (endorsement_key_.empty()) return std::unexpected(EINVAL);
  Bytes key = endorsement_key_;
  if (another_) key.back() ^= std::byte{2};
  if (guid == FixedBytes<16>{}) return encode_svsm_services({{Guid(svsm_vtpm_guid), std::move(key)}});
  if (guid_from_uefi(guid) != svsm_vtpm_guid) return std::unexpected(EINVAL);
  return key;
}

OrErrno<TsmBlobs> Svsm::report_new(const TsmRequest& request) {
  if (request.service_provider.empty()) return psp_.report_new(request);
  if (request.service_provider != "svsm" || request.service_manifest_version != 0) return std::unexpected(EINVAL);
  FixedBytes<64> nonce{};
  if (request.inblob.size() != nonce.size()) return std::unexpected(EINVAL);
  std::ranges::copy(request.inblob, nonce.begin());
  auto attested = manifest(request.service_guid);
  if (!attested) return std::unexpected(attested.error());
  PspAnswer answer = psp_.request_of_svsm(svsm_report_data(nonce, *attested));
  if (answer.os_error != 0) return std::unexpected(answer.os_error);
  // Coconut's SVSM gives no certificates.
  return TsmBlobs{std::move(answer.report), {}, *std::move(attested)};
}

}  // namespace attestd::sim
