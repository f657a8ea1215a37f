#include "unlock/settings.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "base/file.h"
#include "base/settings_internal.h"
#include "base/text.h"

namespace attestd::unlock {
namespace {

using settings::Key;

constexpr std::string_view own_prefix = "rd.attestd.";
constexpr std::size_t command_line_limit = std::size_t{64} << 10U;
constexpr std::int64_t longest_budget_s = 86400;
constexpr std::size_t uuid_size = 36;

// 64 hex digits.
settings::Setter digest_text(std::string& target) {
  return [&target](const toml::node& node) -> Result<void> {
    constexpr std::size_t size = 32;  // bytes
    std::string text;
    ATTESTD_CHECK(settings::text(text)(node));
    const auto bytes = from_hex(text);
    if (!bytes || bytes->size() != size) return fail(Errc::malformed, "must be 64 hex digits");
    target = std::move(text);
    return {};
  };
}

// "any", or "sha256:" and 64 hex digits.
settings::Setter image_rule(ImageRule& target) {
  return [&target](const toml::node& node) -> Result<void> {
    constexpr std::string_view prefix = "sha256:";
    std::string text;
    ATTESTD_CHECK(settings::text(text)(node));
    ImageRule out;
    if (text == "any") {
      out.any = true;
    } else {
      const auto bytes = text.starts_with(prefix) ? from_hex(std::string_view(text).substr(prefix.size()))
                                                  : fail(Errc::malformed, "no algorithm");
      if (!bytes || bytes->size() != out.digest.emplace().size()) {
        return fail(Errc::malformed, "must be \"any\", or sha256: and 64 hex digits");
      }
      std::ranges::copy(*bytes, out.digest->begin());
    }
    target = out;
    return {};
  };
}

std::vector<Key> keys_of(Settings& out) {
  return {
      {"unlock", "url", settings::text(out.url)},
      {"unlock", "ca", settings::absolute_path(out.ca, true)},
      {"unlock", "resource", settings::text(out.resource)},
      {"unlock", "evidence",
       settings::choice<EvidenceForm>(out.evidence,
                                      {{"bundle", EvidenceForm::bundle}, {"trustee", EvidenceForm::trustee}})},
      {"unlock", "budget", settings::duration(out.budget)},
      {"unlock", "end",
       settings::choice<std::string>(
           out.end,
           {{"poweroff", "poweroff"}, {"reboot", "reboot"}, {"emergency", "emergency"}, {"prompt", "prompt"}})},
      {"unlock", "policy", settings::text(out.policy)},
      {"unlock", "header", digest_text(out.header)},
      {"unlock", "method", settings::choice<Method>(out.method, {{"broker", Method::broker}, {"vtpm", Method::vtpm}})},
      {"unlock", "vtpm",
       settings::choice<vtpm::Require>(out.vtpm, {{"isolated", vtpm::Require::isolated}, {"any", vtpm::Require::any}})},
      {"unlock", "vtpm-key", settings::absolute_path(out.policy_key, false)},
      {"unlock", "vtpm-signatures", settings::absolute_path(out.signatures, false)},
      {"unlock", "pin", settings::choice<bool>(out.pin_on_console, {{"never", false}, {"console", true}})},
      {"unlock", "latch", settings::text(out.latch)},
      {"unlock", "first-boot",
       settings::choice<FirstBootMode>(
           out.first_boot,
           {{"none", FirstBootMode::none}, {"encrypt", FirstBootMode::encrypt}, {"format", FirstBootMode::format}})},
      {"unlock", "image", image_rule(out.image)},
      {"unlock", "device", settings::absolute_path(out.device, false)},
      {"unlock", "first-boot-volume", settings::text(out.first_boot_volume)},
  };
}

Result<void> apply_word(std::string_view name, std::string_view value, Settings& out) {
  const std::string place(own_prefix);
  if (name == "budget") {
    std::int64_t seconds = 0;
    const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (wrong != std::errc() || end != value.data() + value.size() || seconds < 1 || seconds > longest_budget_s) {
      return fail(Errc::out_of_range, place + "budget must be a number of seconds, 1 to 86400");
    }
    out.budget = std::chrono::seconds(seconds);
    return {};
  }
  // In a file of the image it would be in each VM of that image.
  if (name == "enrolment-token") {
    out.enrolment_token = value;
    return {};
  }
  // The others are as in the file.
  const toml::value<std::string> node{std::string(value)};
  for (const Key& key : keys_of(out)) {
    if (key.name != name) continue;
    if (auto set = key.set(node); !set) {
      return fail(set.error().code, place + std::string(name) + " " + set.error().message);
    }
    return {};
  }
  return fail(Errc::malformed, "the kernel's command line has " + place + std::string(name.substr(0, 64)) +
                                   ", which attestd-unlock does not know");
}

// The value of the last word NAME=VALUE whose value fits.
template <class Fits>
std::optional<std::string> last_value(const std::vector<std::string>& words, std::string_view prefix, Fits fits) {
  std::optional<std::string> out;
  for (const std::string& word : words) {
    if (!word.starts_with(prefix)) continue;
    const std::string_view value = std::string_view(word).substr(prefix.size());
    if (auto found = fits(value)) out = std::move(found);
  }
  return out;
}

std::string bare_uuid(std::string_view text) {
  for (const std::string_view prefix : {"UUID=", "luks-", "/dev/disk/by-uuid/"}) {
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  }
  return std::string(trimmed(text, "\""));
}

bool is_uuid(std::string_view text) {
  return text.size() == uuid_size && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '-';
         });
}

// The line of crypttab(5) that begins with the name: name, device, key file, options.
std::vector<std::string> crypttab_fields(std::string_view name, std::string_view crypttab) {
  while (!crypttab.empty()) {
    const std::size_t end = std::min(crypttab.find('\n'), crypttab.size());
    std::vector<std::string> fields = split_command_line(crypttab.substr(0, end));
    crypttab.remove_prefix(std::min(end + 1, crypttab.size()));
    if (fields.size() >= 2 && fields.front() == name) return fields;
  }
  return {};
}

bool has_option(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    const std::size_t end = std::min(options.find(','), options.size());
    if (options.substr(0, end) == wanted) return true;
    options.remove_prefix(std::min(end + 1, options.size()));
  }
  return false;
}

}  // namespace

std::vector<std::string> split_command_line(std::string_view line) {
  std::vector<std::string> out;
  std::string word;
  bool quoted = false;
  bool any = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
      any = true;
    } else if (!quoted && (c == ' ' || c == '\t' || c == '\n')) {
      if (any) out.push_back(std::move(word));
      word.clear();
      any = false;
    } else {
      word += c;
      any = true;
    }
  }
  if (any) out.push_back(std::move(word));
  return out;
}

Result<Settings> parse_settings(std::string_view toml, std::string_view name, std::string_view command_line) {
  Settings out;
  ATTESTD_CHECK(settings::apply_settings(toml, name, keys_of(out)));
  for (const std::string& word : split_command_line(command_line)) {
    if (!word.starts_with(own_prefix)) continue;
    const std::string_view rest = std::string_view(word).substr(own_prefix.size());
    const std::size_t equals = rest.find('=');
    if (equals == std::string_view::npos) {
      return fail(Errc::malformed, "the kernel's command line has " + word.substr(0, 64) + " without a value");
    }
    ATTESTD_CHECK(apply_word(rest.substr(0, equals), rest.substr(equals + 1), out));
  }
  return out;
}

std::string text_of(const std::string& path, std::size_t limit) {
  const auto bytes = read_file(path, limit);
  return bytes ? std::string(as_text(*bytes)) : std::string();
}

Result<Settings> load_settings(const std::string& path, const std::string& command_line_path) {
  ATTESTD_TRY(const Bytes line, read_file(command_line_path, command_line_limit));
  auto toml = read_file(path, command_line_limit);
  if (!toml && toml.error().code != Errc::not_found) return std::unexpected(std::move(toml).error());
  return parse_settings(toml ? as_text(*toml) : std::string_view(), path, as_text(line));
}

Result<std::string> volume_uuid(std::string_view name, std::string_view command_line, std::string_view crypttab) {
  const std::vector<std::string> words = split_command_line(command_line);
  auto uuid = last_value(words, "rd.luks.name=", [&](std::string_view value) -> std::optional<std::string> {
    const std::size_t equals = value.find('=');
    if (equals == std::string_view::npos || value.substr(equals + 1) != name) return std::nullopt;
    return bare_uuid(value.substr(0, equals));
  });
  if (!uuid) {
    uuid = last_value(words, "rd.luks.uuid=", [&](std::string_view value) -> std::optional<std::string> {
      std::string bare = bare_uuid(value);
      if (name != "luks-" + bare) return std::nullopt;
      return bare;
    });
  }
  if (const auto fields = crypttab_fields(name, crypttab); !uuid && !fields.empty()) uuid = bare_uuid(fields[1]);
  if (!uuid) {
    return fail(Errc::not_found, "neither the kernel's command line (rd.luks.name=UUID=" + std::string(name) +
                                     ") nor the image's /etc/crypttab names volume " + std::string(name));
  }
  if (!is_uuid(*uuid))
    return fail(Errc::malformed, "volume " + std::string(name) + " is not named by a UUID: " + *uuid);
  return *uuid;
}

std::vector<std::string> volume_names(std::string_view command_line) {
  constexpr std::string_view prefix = "rd.luks.name=";
  std::vector<std::string> out;
  for (const std::string& word : split_command_line(command_line)) {
    const std::size_t equals = word.starts_with(prefix) ? word.find('=', prefix.size()) : std::string::npos;
    if (equals == std::string::npos) continue;
    std::string name = word.substr(equals + 1);
    if (std::ranges::find(out, name) == out.end()) out.push_back(std::move(name));
  }
  return out;
}

bool opens_with_header(std::string_view name, std::string_view uuid, std::string_view path,
                       std::string_view command_line, std::string_view crypttab) {
  const std::string wanted = "header=" + std::string(path);
  std::vector<std::string> own;
  std::vector<std::string> general;
  for (const std::string& word : split_command_line(command_line)) {
    std::string_view value(word);
    if (value.starts_with("rd.")) value.remove_prefix(3);
    constexpr std::string_view prefix = "luks.options=";
    if (!value.starts_with(prefix)) continue;
    value.remove_prefix(prefix.size());
    const std::size_t equals = value.find('=');
    if (equals == std::string_view::npos || !is_uuid(value.substr(0, equals))) {
      general.emplace_back(value);
    } else if (value.substr(0, equals) == uuid) {
      own.emplace_back(value.substr(equals + 1));
    }
  }
  const auto says_so = [&](const std::string& options) { return has_option(options, wanted); };
  if (!own.empty()) return std::ranges::all_of(own, says_so);
  if (const auto fields = crypttab_fields(name, crypttab); !fields.empty())
    return fields.size() >= 4 && says_so(fields[3]);
  return !general.empty() && std::ranges::all_of(general, says_so);
}

}  // namespace attestd::unlock
