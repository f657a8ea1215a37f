#include "agent/gcp_evidence.h"

#include <array>

#include "base/file.h"
#include "evidence/pem.h"

namespace attestd::agent {
namespace {

struct CertifiedKey {
  std::uint32_t certificate;
  std::uint32_t key_template;
};
// google/go-tpm-tools client/handles.go: GceAKCertNVIndexECC and so on.
constexpr std::array certified_keys{CertifiedKey{0x01c10002, 0x01c10003}, CertifiedKey{0x01c10000, 0x01c10001}};
constexpr std::size_t chain_file_limit = std::size_t{1} << 18U;
constexpr std::size_t chain_limit = 16;  // of a bundle's tpm-ak-chain

}  // namespace

void choose_gcp_key(const std::set<std::uint32_t>& nv_indices, hwio::TpmOptions& options) {
  for (const CertifiedKey& key : certified_keys) {
    if (!nv_indices.contains(key.certificate) || !nv_indices.contains(key.key_template)) continue;
    options.ak_certificate_nv = key.certificate;
    options.ak_template_nv = key.key_template;
    return;
  }
}

TpmPart gcp_chain_part(std::string path) {
  return [path = std::move(path)](hwio::Tpm& /*tpm*/, const MerkleHash& /*root*/, Bundle& into) -> Result<void> {
    ATTESTD_TRY(const Bytes text, read_file(path, chain_file_limit));
    auto chain = certificates_from_pem(as_text(text));
    if (!chain) return std::unexpected(std::move(chain).error().in(path));
    if (chain->size() > chain_limit) return fail(Errc::out_of_range, path + " has more than 16 certificates");
    if (into.tpm) into.tpm->ak_chain = *std::move(chain);
    return {};
  };
}

}  // namespace attestd::agent
