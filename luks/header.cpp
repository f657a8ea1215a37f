#include "luks/header.h"

#include <algorithm>
#include <array>

#include "evidence/digest.h"
#include "luks/metadata_internal.h"

namespace attestd::luks {
namespace {

// Section 2.1, figure 2.
constexpr std::string_view primary_magic = "LUKS\xba\xbe";
constexpr std::string_view secondary_magic = "SKUL\xba\xbe";
constexpr std::size_t version_offset = 6;
constexpr std::size_t size_offset = 8;
constexpr std::size_t sequence_offset = 16;
constexpr std::size_t algorithm_offset = 72;
constexpr std::size_t salt_offset = 104;
constexpr std::size_t offset_offset = 256;
constexpr std::size_t checksum_offset = 448;
constexpr std::size_t checksum_size = 64;
constexpr std::size_t padding_offset = 512;
constexpr std::string_view digest_domain = "attestd LUKS2 header 1\n";

// Text that ends with a zero and has nothing but zeros behind it, as cryptsetup writes it:
// a reader that stops at the first zero and one that does not then see the same.
Result<std::string> text_field(Reader& reader, std::size_t size, std::string_view what) {
  const std::size_t at = reader.offset();
  ATTESTD_TRY(const ByteView bytes, reader.take(size, what));
  const std::string_view text = as_text(bytes);
  const std::size_t end = text.find('\0');
  if (end == std::string_view::npos || !all_zero(bytes.subspan(end))) {
    return fail_at(Errc::malformed, at, "the " + std::string(what) + " of the LUKS2 header does not end with zeros");
  }
  return std::string(text.substr(0, end));
}

// Section 2.2, table 1: powers of two.
bool allowed_size(std::uint64_t size) {
  return size >= smallest_header && size <= largest_header && (size & (size - 1)) == 0;
}

Result<void> check_magic(ByteView block, Copy copy) {
  Reader reader(block);
  ATTESTD_TRY(const ByteView magic, reader.take(primary_magic.size(), "magic of the LUKS2 header"));
  ATTESTD_TRY(const std::uint16_t version, reader.be16("version of the LUKS2 header"));
  if (as_text(magic) != (copy == Copy::primary ? primary_magic : secondary_magic)) {
    return fail_at(Errc::malformed, 0,
                   copy == Copy::primary ? "this is no LUKS volume: it does not start with LUKS's magic"
                                         : "there is no secondary LUKS2 header where the primary one ends");
  }
  if (version == 1) {
    return fail_at(Errc::unsupported, version_offset,
                   "this is a LUKS1 volume, which has no checked header: cryptsetup convert makes it LUKS2");
  }
  if (version != 2) {
    return fail_at(Errc::unsupported, version_offset,
                   "the LUKS header has version " + std::to_string(version) + ", we read version 2");
  }
  return {};
}

Result<void> check_checksum(ByteView header, const BinaryHeader& fields) {
  const auto algorithm = hash_from_name(fields.checksum_algorithm);
  if (!algorithm) return fail(Errc::internal, "the checksum's algorithm was not checked");
  const std::array<std::byte, checksum_size> zeros{};
  const Bytes expected = digest(*algorithm, {header.first(checksum_offset), zeros, header.subspan(padding_offset)});
  const ByteView found = fields.checksum;
  if (!std::ranges::equal(expected, found.first(expected.size())) || !all_zero(found.subspan(expected.size()))) {
    return fail_at(Errc::mismatch, fields.offset + checksum_offset,
                   "the checksum of the LUKS2 header at byte " + std::to_string(fields.offset) + " is wrong");
  }
  return {};
}

// One of the two, when it is whole and in its place.
std::optional<BinaryHeader> good_header(ByteView header, Copy copy) {
  auto fields = parse_binary_header(header, copy);
  const std::uint64_t place = copy == Copy::primary ? 0 : header.size();
  if (!fields || fields->header_size != header.size() || fields->offset != place) return std::nullopt;
  if (!check_checksum(header, *fields)) return std::nullopt;
  return *std::move(fields);
}

// `other` says what `good` says, in the other place.
void write_after(ByteView good, const BinaryHeader& fields, std::span<std::byte> other, Copy copy) {
  std::ranges::copy(good, other.begin());
  std::ranges::copy(as_bytes(copy == Copy::primary ? primary_magic : secondary_magic), other.begin());
  std::uint64_t place = copy == Copy::primary ? 0 : fields.header_size;
  for (std::size_t i = sizeof place; i-- > 0; place >>= 8U) other[offset_offset + i] = static_cast<std::byte>(place);
  std::ranges::fill(other.subspan(checksum_offset, checksum_size), std::byte{0});
  const auto algorithm = hash_from_name(fields.checksum_algorithm);
  if (algorithm) std::ranges::copy(digest(*algorithm, {ByteView(other)}), other.begin() + checksum_offset);
}

// Section 2.2: the object, then zeros to the end of the area, one at least.
Result<std::string_view> json_text(ByteView area) {
  const std::string_view text = as_text(area);
  if (!text.starts_with('{')) return fail_at(Errc::malformed, 0, "the JSON area does not start with '{'");
  const std::size_t end = text.find('\0');
  if (end == std::string_view::npos || !all_zero(area.subspan(end))) {
    return fail_at(Errc::malformed, end == std::string_view::npos ? area.size() : end,
                   "the JSON area does not end with zeros");
  }
  return text.substr(0, end);
}

// The secondary is written right behind the primary, and so differs only for as long as
// that takes. Offsets are those of the second header.
Result<void> check_secondary(const BinaryHeader& primary, ByteView first, ByteView second) {
  auto parsed = parse_binary_header(second, Copy::secondary);
  if (!parsed) return std::unexpected(std::move(parsed).error().in("secondary header"));
  if (parsed->header_size != primary.header_size || parsed->offset != primary.header_size) {
    return fail(Errc::mismatch, "the secondary LUKS2 header does not say that it follows the primary one");
  }
  ATTESTD_CHECK(check_checksum(second, *parsed));
  const bool same = parsed->sequence == primary.sequence && parsed->label == primary.label &&
                    parsed->checksum_algorithm == primary.checksum_algorithm && parsed->uuid == primary.uuid &&
                    parsed->subsystem == primary.subsystem &&
                    std::ranges::equal(first.subspan(binary_header_size), second.subspan(binary_header_size));
  if (!same) {
    return fail(Errc::mismatch,
                "the two LUKS2 headers say different things, and which one opens the volume is the host's to choose: "
                "cryptsetup repair, on a machine that you trust, makes them alike");
  }
  return {};
}

}  // namespace

Result<BinaryHeader> parse_binary_header(ByteView block, Copy copy) {
  if (block.size() < binary_header_size) {
    return fail_at(Errc::truncated, block.size(), "a LUKS2 header has 4096 bytes at least");
  }
  ATTESTD_CHECK(check_magic(block, copy));
  Reader reader(block.first(binary_header_size));
  ATTESTD_CHECK(reader.skip(size_offset, "magic and version"));
  BinaryHeader out;
  ATTESTD_TRY(out.header_size, reader.be64("size of the LUKS2 header"));
  if (!allowed_size(out.header_size)) {
    return fail_at(Errc::out_of_range, size_offset,
                   "the LUKS2 header says that it has " + std::to_string(out.header_size) +
                       " bytes, which must be a power of two from 16 KiB to 4 MiB");
  }
  ATTESTD_TRY(out.sequence, reader.be64("sequence of the LUKS2 header"));
  ATTESTD_TRY(out.label, text_field(reader, 48, "label"));
  ATTESTD_TRY(out.checksum_algorithm, text_field(reader, 32, "checksum algorithm"));
  ATTESTD_TRY(out.salt, reader.fixed<64>("salt of the LUKS2 header"));
  ATTESTD_TRY(out.uuid, text_field(reader, 40, "UUID"));
  ATTESTD_TRY(out.subsystem, text_field(reader, 48, "subsystem"));
  ATTESTD_TRY(out.offset, reader.be64("offset of the LUKS2 header"));
  ATTESTD_TRY(const ByteView padding, reader.take(checksum_offset - reader.offset(), "padding of the LUKS2 header"));
  ATTESTD_TRY(out.checksum, reader.fixed<checksum_size>("checksum of the LUKS2 header"));
  if (!all_zero(padding) || !all_zero(reader.rest())) {
    return fail_at(Errc::malformed, offset_offset + 8, "the LUKS2 header has bytes where its padding must be zero");
  }
  if (copy == Copy::primary && out.offset != 0) {
    return fail_at(Errc::malformed, offset_offset,
                   "the primary LUKS2 header says that it is at byte " + std::to_string(out.offset));
  }
  if (out.checksum_algorithm != "sha256" && out.checksum_algorithm != "sha384" && out.checksum_algorithm != "sha512") {
    return fail_at(Errc::unsupported, algorithm_offset,
                   "the LUKS2 header has a checksum that is not of the SHA-2 family");
  }
  return out;
}

Result<Header> parse_header(ByteView headers, std::uint64_t device_size) {
  Header out;
  ATTESTD_TRY(out.primary, parse_binary_header(headers, Copy::primary));
  const std::uint64_t size = out.primary.header_size;
  if (headers.size() < 2 * size) {
    return fail_at(Errc::truncated, headers.size(),
                   "the two LUKS2 headers take " + std::to_string(2 * size) + " bytes");
  }
  const ByteView first = headers.first(size);
  ATTESTD_CHECK(check_checksum(first, out.primary));
  ATTESTD_CHECK(check_secondary(out.primary, first, headers.subspan(size, size)));
  // From here on offsets are those in the JSON area, and the error's text says so.
  const auto read = [&]() -> Result<void> {
    ATTESTD_TRY(const std::string_view text, json_text(first.subspan(binary_header_size)));
    ATTESTD_CHECK(read_metadata(text, size, out));
    return check_layout(out, device_size);
  };
  if (auto done = read(); !done) return std::unexpected(std::move(done).error().in("LUKS2 metadata"));
  out.canonical_digest = canonical_digest(headers, size);
  return out;
}

Result<std::optional<Copy>> settle_headers(std::span<std::byte> headers) {
  ATTESTD_TRY(const BinaryHeader begin, parse_binary_header(headers, Copy::primary));
  const std::uint64_t size = begin.header_size;
  if (headers.size() < 2 * size) {
    return fail_at(Errc::truncated, headers.size(),
                   "the two LUKS2 headers take " + std::to_string(2 * size) + " bytes");
  }
  const auto first = headers.first(size);
  const auto second = headers.subspan(size, size);
  const auto primary = good_header(first, Copy::primary);
  const auto secondary = good_header(second, Copy::secondary);
  if (!primary && !secondary) return std::nullopt;
  if (primary && secondary && primary->sequence == secondary->sequence) return std::nullopt;
  if (primary && (!secondary || primary->sequence > secondary->sequence)) {
    write_after(first, *primary, second, Copy::secondary);
    return Copy::secondary;
  }
  write_after(second, *secondary, first, Copy::primary);
  return Copy::primary;
}

FixedBytes<canonical_digest_size> canonical_digest(ByteView headers, std::uint64_t header_size) {
  Bytes binary = to_bytes(headers.first(binary_header_size));
  const auto blank = [&](std::size_t offset, std::size_t size) {
    std::ranges::fill(std::span(binary).subspan(offset, size), std::byte{0});
  };
  blank(sequence_offset, sizeof(std::uint64_t));
  blank(salt_offset, 64);
  blank(checksum_offset, checksum_size);
  const Bytes value =
      digest(HashAlgorithm::sha256,
             {as_bytes(digest_domain), binary, headers.subspan(binary_header_size, header_size - binary_header_size)});
  FixedBytes<canonical_digest_size> out{};
  std::ranges::copy(value, out.begin());
  return out;
}

}  // namespace attestd::luks
