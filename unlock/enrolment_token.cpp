#include "unlock/enrolment_token.h"

#include "base/encoding.h"
#include "base/file.h"

namespace attestd::unlock {
namespace {

constexpr std::size_t fewest_bytes = 16;
constexpr std::size_t most_bytes = 64;
constexpr std::size_t token_file_limit = 4096;
constexpr std::size_t table_limit = std::size_t{1} << 20U;
constexpr std::string_view oem_prefix = "attestd.enrolment-token=";

constexpr std::uint8_t oem_strings = 11;
constexpr std::uint8_t end_of_table = 127;
constexpr std::size_t structure_header = 4;  // type, length, handle

// The strings behind a structure: each ends with a zero byte, and all with another.
Result<std::optional<std::string>> read_strings(Reader& reader, bool wanted, std::string_view prefix) {
  std::optional<std::string> out;
  bool first = true;
  for (;;) {
    const std::string_view rest = as_text(reader.rest());
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) return fail(Errc::truncated, "strings of SMBIOS do not end");
    const std::string_view one = rest.substr(0, end);
    if (wanted && !out && one.starts_with(prefix)) out = std::string(one.substr(prefix.size()));
    ATTESTD_CHECK(reader.skip(end + 1, "strings of SMBIOS"));
    if (!one.empty()) {
      first = false;
      continue;
    }
    // A structure without strings has two zero bytes as well.
    if (first) ATTESTD_CHECK(reader.skip(1, "strings of SMBIOS"));
    return out;
  }
}

Result<std::optional<std::string>> search(ByteView table, std::string_view prefix) {
  Reader reader(table);
  while (!reader.empty()) {
    ATTESTD_TRY(const std::uint8_t type, reader.u8("type"));
    ATTESTD_TRY(const std::uint8_t length, reader.u8("length"));
    if (length < structure_header) return fail(Errc::malformed, "a structure of SMBIOS is shorter than its header");
    ATTESTD_CHECK(reader.skip(length - 2U, "structure"));
    ATTESTD_TRY(auto found, read_strings(reader, type == oem_strings, prefix));
    if (found || type == end_of_table) return found;
  }
  return std::nullopt;
}

Result<std::optional<std::string>> token_of(std::string_view text, const std::string& place) {
  auto token = parse_enrolment_token(text);
  if (!token) return std::unexpected(std::move(token).error().in(place));
  return *std::move(token);
}

}  // namespace

Result<std::string> parse_enrolment_token(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const auto bytes = from_hex(text);
  if (!bytes || bytes->size() < fewest_bytes || bytes->size() > most_bytes) {
    return fail(Errc::malformed, "the enrolment token is not 32 to 128 hexadecimal digits");
  }
  return std::string(text);
}

std::optional<std::string> find_oem_string(ByteView table, std::string_view prefix) {
  return search(table, prefix).value_or(std::nullopt);
}

Result<std::optional<std::string>> find_enrolment_token(std::string_view given, const TokenPlaces& places) {
  if (!given.empty()) return token_of(given, "rd.attestd.enrolment-token");
  if (const auto bytes = read_file(places.fw_cfg, token_file_limit)) return token_of(as_text(*bytes), places.fw_cfg);
  const auto table = read_file(places.smbios, table_limit);
  if (!table && table.error().code == Errc::not_found) return std::nullopt;
  if (!table) return std::unexpected(table.error());
  if (const auto found = find_oem_string(*table, oem_prefix)) return token_of(*found, "SMBIOS");
  return std::nullopt;
}

}  // namespace attestd::unlock
