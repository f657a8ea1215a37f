#include "evidence/svsm_manifest.h"

#include <algorithm>

#include "evidence/digest.h"

namespace attestd {
namespace {

constexpr std::size_t entry_size = 24;  // GUID and two numbers, as is the header
constexpr std::size_t services_limit = 64;

struct Entry {
  Guid guid;
  std::size_t offset = 0;
  std::size_t size = 0;
  std::size_t at = 0;
};

bool endorsement_key(const TpmPublic& key) {
  constexpr std::uint32_t demanded =
      TpmPublic::restricted | TpmPublic::decrypt | TpmPublic::fixed_tpm | TpmPublic::fixed_parent;
  return (key.attributes & (demanded | TpmPublic::sign)) == demanded;
}

}  // namespace

bool is_svsm_services(ByteView bytes) {
  Reader reader(bytes);
  const auto guid = reader.fixed<guid_size>("GUID");
  return guid && guid_from_uefi(*guid) == svsm_services_guid;
}

Result<std::vector<SvsmService>> parse_svsm_services(ByteView bytes) {
  if (bytes.size() > svsm_manifest_limit) return fail(Errc::out_of_range, "the SVSM's manifest is over 64 KiB");
  Reader reader(bytes);
  ATTESTD_TRY(const auto guid, reader.fixed<guid_size>("GUID of the services manifest"));
  if (guid_from_uefi(guid) != svsm_services_guid) {
    return fail_at(Errc::malformed, 0, "this is no services manifest: its GUID is " + guid_from_uefi(guid));
  }
  ATTESTD_TRY(const std::uint32_t total, reader.le32("size of the services manifest"));
  if (total != bytes.size()) {
    return fail_at(Errc::malformed, guid_size,
                   "the services manifest says that it has " + std::to_string(total) + " bytes and has " +
                       std::to_string(bytes.size()));
  }
  ATTESTD_TRY(const std::uint32_t count, reader.le32("number of services"));
  if (count > services_limit) {
    return fail_at(Errc::out_of_range, guid_size + 4, "the services manifest has more than 64 services");
  }
  std::vector<Entry> entries;
  for (std::uint32_t i = 0; i < count; ++i) {
    Entry entry;
    entry.at = reader.offset();
    ATTESTD_TRY(const auto service, reader.fixed<guid_size>("GUID of a service"));
    entry.guid = guid_from_uefi(service);
    ATTESTD_TRY(entry.offset, reader.le32("offset of a service's manifest"));
    ATTESTD_TRY(entry.size, reader.le32("size of a service's manifest"));
    // Of two, who knows which one the SVSM's own readers would take.
    if (std::ranges::find(entries, entry.guid, &Entry::guid) != entries.end()) {
      return fail_at(Errc::malformed, entry.at, "the services manifest has service " + entry.guid + " twice");
    }
    entries.push_back(std::move(entry));
  }
  const std::size_t header_end = reader.offset();
  std::vector<SvsmService> out;
  std::size_t sum = 0;
  for (Entry& entry : entries) {
    if (entry.offset < header_end || entry.offset > bytes.size() || entry.size > bytes.size() - entry.offset) {
      return fail_at(Errc::malformed, entry.at, "a service's manifest lies outside of the services manifest");
    }
    sum += entry.size;
    if (sum > bytes.size()) return fail_at(Errc::malformed, entry.at, "the manifests of two services overlap");
    out.push_back({std::move(entry.guid), to_bytes(bytes.subspan(entry.offset, entry.size))});
  }
  return out;
}

Bytes encode_svsm_services(const std::vector<SvsmService>& services) {
  const std::size_t header_size = (services.size() + 1) * entry_size;
  Writer table;
  Writer contents;
  for (const SvsmService& service : services) {
    table.raw(guid_to_uefi(service.guid)).le32(static_cast<std::uint32_t>(header_size + contents.bytes().size()));
    table.le32(static_cast<std::uint32_t>(service.manifest.size()));
    contents.raw(service.manifest);
  }
  Writer out;
  out.raw(guid_to_uefi(svsm_services_guid));
  out.le32(static_cast<std::uint32_t>(header_size + contents.bytes().size()));
  out.le32(static_cast<std::uint32_t>(services.size()));
  return out.raw(table.bytes()).raw(contents.bytes()).take();
}

Result<Bytes> svsm_endorsement_area(ByteView manifest) {
  if (manifest.size() > svsm_manifest_limit) return fail(Errc::out_of_range, "the SVSM's manifest is over 64 KiB");
  if (!is_svsm_services(manifest)) return to_bytes(manifest);
  ATTESTD_TRY(std::vector<SvsmService> services, parse_svsm_services(manifest));
  const auto vtpm = std::ranges::find(services, svsm_vtpm_guid, &SvsmService::guid);
  if (vtpm == services.end() || vtpm->manifest.empty()) {
    return fail(Errc::not_found, "the SVSM's manifest has no vTPM (" + std::string(svsm_vtpm_guid) + ")");
  }
  return std::move(vtpm->manifest);
}

Result<TpmPublic> svsm_endorsement_key(ByteView manifest) {
  ATTESTD_TRY(const Bytes area, svsm_endorsement_area(manifest));
  auto key = parse_tpm_public(area);
  if (!key) return std::unexpected(std::move(key).error().in("the endorsement key in the SVSM's manifest"));
  if (!endorsement_key(*key)) {
    return fail(Errc::refused,
                "the key in the SVSM's manifest is no endorsement key: it must be a restricted decryption key that is "
                "fixed to its TPM");
  }
  return key;
}

FixedBytes<64> svsm_report_data(const FixedBytes<64>& nonce, ByteView manifest) {
  const Bytes hash = digest(HashAlgorithm::sha512, {nonce, manifest});
  FixedBytes<64> out;
  std::ranges::copy(hash, out.begin());
  return out;
}

}  // namespace attestd
