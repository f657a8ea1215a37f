#include "base/encoding.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <optional>

namespace attestd {
namespace {

constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view base64url_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode64(ByteView bytes, std::string_view alphabet, bool padded) {
  // Three bytes are four letters; what is left at the end is one or two bytes.
  std::string out((bytes.size() * 4 + 2) / 3, '\0');
  char* to = out.data();
  const auto at = [&bytes](std::size_t i) { return std::to_integer<std::uint32_t>(bytes[i]); };
  const std::size_t rest = bytes.size() % 3;
  const std::size_t whole = bytes.size() - rest;
  for (std::size_t i = 0; i < whole; i += 3) {
    const std::uint32_t group = at(i) << 16U | at(i + 1) << 8U | at(i + 2);
    for (const unsigned shift : {18U, 12U, 6U, 0U}) *to++ = alphabet[(group >> shift) & 0x3fU];
  }
  if (rest > 0) {
    const std::uint32_t group = at(whole) << 16U | (rest == 2 ? at(whole + 1) << 8U : 0U);
    for (unsigned letter = 0; letter <= rest; ++letter) *to++ = alphabet[(group >> (18U - 6 * letter)) & 0x3fU];
  }
  while (padded && out.size() % 4 != 0) out.push_back('=');
  return out;
}

std::array<std::int8_t, 256> reverse(std::string_view alphabet) {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  }
  return table;
}

Result<Bytes> decode64(std::string_view text, const std::array<std::int8_t, 256>& table) {
  if (text.size() % 4 == 1) return fail_at(Errc::malformed, text.size(), "base64 text has an impossible length");
  const auto value_at = [&](std::size_t i) -> std::int32_t { return table[static_cast<unsigned char>(text[i])]; };
  Bytes out(text.size() * 3 / 4);
  std::size_t written = 0;
  std::size_t at = 0;
  // Four characters are three bytes; one outside the alphabet makes the group negative.
  for (; at + 4 <= text.size(); at += 4) {
    const std::int32_t a = value_at(at), b = value_at(at + 1), c = value_at(at + 2), d = value_at(at + 3);
    if ((a | b | c | d) < 0) break;
    const std::uint32_t group = static_cast<std::uint32_t>(a << 18 | b << 12 | c << 6 | d);
    out[written++] = static_cast<std::byte>(group >> 16);
    out[written++] = static_cast<std::byte>(group >> 8 & 0xffU);
    out[written++] = static_cast<std::byte>(group & 0xffU);
  }
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (; at < text.size(); ++at) {
    const std::int32_t value = value_at(at);
    if (value < 0) return fail_at(Errc::malformed, at, "base64 text has a character outside its alphabet");
    buffer = (buffer << 6) | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[written++] = static_cast<std::byte>(buffer >> bits & 0xffU);
    }
  }
  // Bits beyond the last byte must be zero (RFC 4648 section 3.5): one text, one value.
  if ((buffer & ((1U << bits) - 1)) != 0) {
    return fail_at(Errc::malformed, text.size() - 1, "base64 text has stray bits in its last character");
  }
  return out;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<int> number(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

// Seconds east of UTC from "Z" or "+hh:mm"; nothing when it is neither.
std::optional<int> zone(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const auto hours = number(text, 1, 2);
  const auto minutes = number(text, 4, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const int seconds = *hours * 3600 + *minutes * 60;
  return text[0] == '-' ? -seconds : seconds;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    out.push_back(digits[std::to_integer<unsigned>(b) >> 4]);
    out.push_back(digits[std::to_integer<unsigned>(b) & 0xf]);
  }
  return out;
}

Result<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return fail_at(Errc::malformed, text.size(), "hex text has an odd number of digits");
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return fail_at(Errc::malformed, high < 0 ? i : i + 1, "not a hex digit");
    out.push_back(static_cast<std::byte>(high * 16 + low));
  }
  return out;
}

std::string to_base64(ByteView bytes) { return encode64(bytes, base64_alphabet, true); }

Result<Bytes> from_base64(std::string_view text) {
  static const auto table = reverse(base64_alphabet);
  if (text.size() % 4 != 0)
    return fail_at(Errc::malformed, text.size(), "base64 text is not a multiple of 4 characters");
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return decode64(text, table);
}

std::string to_base64url(ByteView bytes) { return encode64(bytes, base64url_alphabet, false); }

Result<Bytes> from_base64url(std::string_view text) {
  static const auto table = reverse(base64url_alphabet);
  return decode64(text, table);
}

std::string to_rfc3339(std::int64_t unix_seconds) {
  using namespace std::chrono;
  const sys_seconds when{seconds{unix_seconds}};
  const sys_days day = floor<days>(when);
  const year_month_day date{day};
  const hh_mm_ss time{when - day};
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                                 static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                                 static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                                 static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return {text.data(), static_cast<std::size_t>(size)};
}

Result<std::int64_t> from_rfc3339(std::string_view text) {
  using namespace std::chrono;
  const auto bad = [&] {
    return fail(Errc::malformed,
                "'" + std::string(text) + "' is not a time as RFC 3339 writes it, such as 2025-06-01T00:00:00Z");
  };
  const auto year_number = number(text, 0, 4);
  const auto month_number = number(text, 5, 2);
  const auto day_number = number(text, 8, 2);
  const auto hour = number(text, 11, 2);
  const auto minute = number(text, 14, 2);
  const auto second = number(text, 17, 2);
  if (!year_number || !month_number || !day_number || !hour || !minute || !second) return bad();
  if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't' && text[10] != ' ') || text[13] != ':' ||
      text[16] != ':') {
    return bad();
  }
  std::string_view tail = text.substr(19);
  if (tail.starts_with('.')) {
    const std::size_t end = tail.find_first_not_of("0123456789", 1);
    if (end == std::string_view::npos || end == 1) return bad();
    tail.remove_prefix(end);
  }
  const auto offset = zone(tail);
  const year_month_day date{year{*year_number}, month{static_cast<unsigned>(*month_number)},
                            day{static_cast<unsigned>(*day_number)}};
  if (!offset || !date.ok() || *hour > 23 || *minute > 59 || *second > 60) return bad();
  const auto when = sys_days{date} + hours{*hour} + minutes{*minute} + seconds{*second} - seconds{*offset};
  return when.time_since_epoch().count();
}

}  // namespace attestd
