#include "agent/certificate_expiry.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "evidence/certificate_times.h"
#include "evidence/der.h"
#include "evidence/pem.h"
#include "evidence/snp_certificates.h"
#include "evidence/td_quote.h"

namespace attestd::agent {
namespace {

constexpr std::size_t most_certificates = 16;
constexpr std::array<std::pair<std::string_view, const char*>, 4> table_names{
    {{snp_guid_vcek, "vcek"}, {snp_guid_vlek, "vlek"}, {snp_guid_ask, "ask"}, {snp_guid_ark, "ark"}}};

// Notes `name`, if the certificate can be read; the earliest of several stands.
void note(CertificateExpiry& into, const std::string& name, ByteView der) {
  const auto time = certificate_not_after(der);
  if (!time) return;
  const auto [at, inserted] = into.emplace(name, *time);
  if (!inserted) at->second = std::min(at->second, *time);
}

void note_table(CertificateExpiry& into, ByteView table) {
  const auto certificates = parse_snp_certificate_table(table);
  if (!certificates) return;
  for (const SnpCertificate& certificate : *certificates) {
    const auto* const known =
        std::ranges::find(table_names, certificate.guid, &std::pair<std::string_view, const char*>::first);
    if (known != table_names.end()) note(into, known->second, certificate.data);
  }
}

std::vector<Bytes> certificates_of(ByteView pem_or_der) {
  auto certificates = certificates_from_pem(as_text(pem_or_der));
  if (certificates && certificates->empty()) certificates = split_der_sequences(pem_or_der, most_certificates);
  return certificates ? *std::move(certificates) : std::vector<Bytes>();
}

}  // namespace

CertificateExpiry certificate_expiry(const Bundle& bundle) {
  CertificateExpiry out;
  note_table(out, bundle.snp_certificates);
  if (!bundle.td_quote.empty()) {
    const auto quote = parse_td_quote(bundle.td_quote);
    const auto chain = quote ? certificates_of(quote->pck_chain) : std::vector<Bytes>();
    if (!chain.empty()) note(out, "pck", chain.front());
  }
  if (bundle.tpm) note(out, "ak", bundle.tpm->ak_certificate);
  for (const Bytes& certificate : certificates_of(bundle.certificates)) note(out, "platform", certificate);
  return out;
}

}  // namespace attestd::agent
