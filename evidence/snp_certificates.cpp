#include "evidence/snp_certificates.h"

#include <algorithm>
#include <array>

namespace attestd {
namespace {

constexpr std::size_t entry_size = 24;  // GUID, offset and length, little-endian
constexpr std::size_t maximal_entries = 64;

constexpr std::array known_guids{snp_guid_vcek, snp_guid_vlek, snp_guid_ask, snp_guid_ark, snp_guid_crl};

// RFC 4122 order, as AMD's own tools write it. Some hosts write the first three
// groups little-endian, as UEFI does: that reading counts when only it is known.
Guid guid_text(const FixedBytes<guid_size>& bytes) {
  Guid plain = guid_from_rfc4122(bytes);
  if (std::ranges::find(known_guids, plain) != known_guids.end()) return plain;
  Guid mixed = guid_from_uefi(bytes);
  return std::ranges::find(known_guids, mixed) != known_guids.end() ? mixed : plain;
}

struct Entry {
  Guid guid;
  std::size_t offset = 0;
  std::size_t length = 0;
  std::size_t at = 0;
};

}  // namespace

Result<std::vector<SnpCertificate>> parse_snp_certificate_table(ByteView bytes) {
  std::vector<SnpCertificate> out;
  if (bytes.empty()) return out;
  Reader reader(bytes);
  std::vector<Entry> entries;
  for (;;) {
    Entry entry;
    entry.at = reader.offset();
    ATTESTD_TRY(const FixedBytes<guid_size> guid, reader.fixed<guid_size>("GUID in the certificate table"));
    ATTESTD_TRY(entry.offset, reader.le32("offset in the certificate table"));
    ATTESTD_TRY(entry.length, reader.le32("length in the certificate table"));
    if (all_zero(guid)) {
      if (entry.offset != 0 || entry.length != 0) {
        return fail_at(Errc::malformed, entry.at, "the last entry of the certificate table is not zero");
      }
      break;
    }
    if (entries.size() == maximal_entries) {
      return fail_at(Errc::out_of_range, entry.at, "the certificate table has more than 64 entries");
    }
    entry.guid = guid_text(guid);
    entries.push_back(std::move(entry));
  }
  const std::size_t header_end = reader.offset();
  std::size_t total = 0;
  for (Entry& entry : entries) {
    if (entry.offset < header_end) {
      return fail_at(Errc::malformed, entry.at, "a certificate starts inside the header of its table");
    }
    if (entry.offset > bytes.size() || entry.length > bytes.size() - entry.offset) {
      return fail_at(Errc::malformed, entry.at, "a certificate ends beyond its table");
    }
    // 64 entries that all name the same bytes must not multiply a large table.
    total += entry.length;
    if (total > bytes.size()) return fail_at(Errc::malformed, entry.at, "certificates overlap in their table");
    out.push_back({std::move(entry.guid), to_bytes(bytes.subspan(entry.offset, entry.length))});
  }
  return out;
}

Bytes encode_snp_certificate_table(const std::vector<SnpCertificate>& certificates) {
  if (certificates.empty()) return {};
  Writer header;
  Writer data;
  const std::size_t header_size = (certificates.size() + 1) * entry_size;
  for (const SnpCertificate& certificate : certificates) {
    header.raw(guid_to_rfc4122(certificate.guid)).le32(static_cast<std::uint32_t>(header_size + data.bytes().size()));
    header.le32(static_cast<std::uint32_t>(certificate.data.size()));
    data.raw(certificate.data);
  }
  return header.zeros(entry_size).raw(data.bytes()).take();
}

}  // namespace attestd
