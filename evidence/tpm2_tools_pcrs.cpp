#include <algorithm>
#include <string>

#include "evidence/tpm_attest.h"

// tpm2-tools 5 writes these structures as they lie in memory on a little-endian
// machine (tss2_tpm2_types.h), so their padding and array bounds are the format.
namespace attestd {
namespace {

constexpr std::size_t selection_slots = 16;  // TPM2_NUM_PCR_BANKS
constexpr std::size_t select_size = 4;       // TPM2_PCR_SELECT_MAX
constexpr std::size_t digest_slots = 8;      // of a TPML_DIGEST
constexpr std::size_t digest_room = 64;      // of a TPM2B_DIGEST, sizeof(TPMU_HA)
constexpr std::size_t max_lists = 64;        // 16 banks of 24 PCRs need 48

// TPML_PCR_SELECTION: count, then 16 of {hash u16, sizeofSelect u8, pcrSelect[4], 1 pad}.
Result<std::vector<PcrSelection>> read_selection(Reader& reader) {
  const std::size_t at = reader.offset();
  ATTESTD_TRY(const std::uint32_t count, reader.le32("number of PCR banks"));
  if (count > selection_slots) return fail_at(Errc::out_of_range, at, "more than 16 PCR banks");
  std::vector<PcrSelection> out;
  for (std::size_t slot = 0; slot < selection_slots; ++slot) {
    const std::size_t slot_at = reader.offset();
    ATTESTD_TRY(const std::uint16_t id, reader.le16("PCR bank"));
    ATTESTD_TRY(const std::uint8_t size, reader.u8("size of PCR selection"));
    ATTESTD_TRY(const ByteView bits, reader.take(select_size, "PCR selection"));
    ATTESTD_CHECK(reader.skip(1, "padding"));
    if (slot >= count) continue;
    const auto bank = hash_from_id(id);
    if (!bank) return fail_at(Errc::unsupported, slot_at, "unknown PCR bank " + std::to_string(id));
    if (size > 3) return fail_at(Errc::out_of_range, slot_at, "PCR selection of more than 24 PCRs");
    PcrSelection selection{*bank, {}};
    for (unsigned index = 0; index < 8U * size; ++index) {
      if (((std::to_integer<unsigned>(bits[index / 8]) >> (index % 8)) & 1U) != 0) selection.indices.push_back(index);
    }
    out.push_back(std::move(selection));
  }
  return out;
}

// A list count, then TPML_DIGESTs: count, then 8 of {size u16, 64 bytes}, padded to 4.
Result<std::vector<Bytes>> read_digests(Reader& reader) {
  const std::size_t at = reader.offset();
  ATTESTD_TRY(const std::uint32_t lists, reader.le32("number of digest lists"));
  if (lists > max_lists) return fail_at(Errc::out_of_range, at, "more than 64 digest lists");
  std::vector<Bytes> out;
  for (std::uint32_t list = 0; list < lists; ++list) {
    const std::size_t list_at = reader.offset();
    ATTESTD_TRY(const std::uint32_t count, reader.le32("number of digests"));
    if (count > digest_slots) return fail_at(Errc::out_of_range, list_at, "more than 8 digests in a list");
    for (std::size_t slot = 0; slot < digest_slots; ++slot) {
      const std::size_t slot_at = reader.offset();
      ATTESTD_TRY(const std::uint16_t size, reader.le16("digest size"));
      ATTESTD_TRY(const ByteView room, reader.take(digest_room, "digest"));
      if (slot >= count) continue;
      if (size > digest_room) return fail_at(Errc::out_of_range, slot_at, "digest of more than 64 bytes");
      out.push_back(to_bytes(room.first(size)));
    }
  }
  return out;
}

}  // namespace

Result<PcrValues> parse_tpm2_tools_pcrs(ByteView bytes) {
  Reader reader(bytes);
  ATTESTD_TRY(const std::vector<PcrSelection> selection, read_selection(reader));
  ATTESTD_TRY(const std::vector<Bytes> digests, read_digests(reader));
  if (!reader.empty()) return fail_at(Errc::malformed, reader.offset(), "bytes follow the digests");
  PcrValues values;
  std::size_t next = 0;
  for (const PcrSelection& selected : selection) {
    for (const unsigned index : selected.indices) {
      const std::string where = "PCR " + std::to_string(index) + " of " + std::string(hash_name(selected.bank));
      if (next == digests.size()) return fail(Errc::truncated, "no digest for " + where);
      const Bytes& value = digests[next++];
      if (value.size() != hash_size(selected.bank)) return fail(Errc::malformed, where + " has the wrong size");
      if (!values[selected.bank].emplace(index, value).second) return fail(Errc::malformed, where + " is there twice");
    }
  }
  if (next != digests.size()) return fail(Errc::malformed, "more digests than selected PCRs");
  return values;
}

Result<Bytes> encode_tpm2_tools_pcrs(const std::vector<PcrSelection>& selection, const PcrValues& values) {
  if (selection.size() > selection_slots) return fail(Errc::out_of_range, "more than 16 PCR banks");
  Writer out;
  out.le32(static_cast<std::uint32_t>(selection.size()));
  std::vector<const Bytes*> digests;
  for (const PcrSelection& selected : selection) {
    FixedBytes<select_size> bits{};
    for (const unsigned index : selected.indices) {
      if (index > 23) return fail(Errc::out_of_range, "PCR " + std::to_string(index));
      bits.at(index / 8) |= std::byte{1} << (index % 8);
      const auto bank = values.find(selected.bank);
      const bool present = bank != values.end() && bank->second.contains(index);
      if (!present) {
        return fail(Errc::not_found,
                    "no value for PCR " + std::to_string(index) + " of " + std::string(hash_name(selected.bank)));
      }
      if (bank->second.at(index).size() > digest_room) return fail(Errc::out_of_range, "PCR value of over 64 bytes");
      digests.push_back(&bank->second.at(index));
    }
    out.le16(static_cast<std::uint16_t>(selected.bank)).u8(3).raw(bits).zeros(1);
  }
  out.zeros(8 * (selection_slots - selection.size()));
  const std::size_t lists = (digests.size() + digest_slots - 1) / digest_slots;
  out.le32(static_cast<std::uint32_t>(lists));
  for (std::size_t list = 0; list < lists; ++list) {
    const std::size_t first = list * digest_slots;
    const std::size_t count = std::min(digest_slots, digests.size() - first);
    out.le32(static_cast<std::uint32_t>(count));
    for (std::size_t i = 0; i < count; ++i) {
      const Bytes& value = *digests[first + i];
      out.le16(static_cast<std::uint16_t>(value.size())).raw(value).zeros(digest_room - value.size());
    }
    out.zeros((2 + digest_room) * (digest_slots - count));
  }
  return out.take();
}

}  // namespace attestd
