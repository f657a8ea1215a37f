// attestctl disk status: what a volume's header says, whether it would be unlocked, and what has unlocked it.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "base/file.h"
#include "client/disk.h"
#include "client/disk_active.h"
#include "evidence/json_internal.h"
#include "luks/copy.h"
#include "luks/token.h"
#include "luks/validate.h"

namespace attestd {
namespace json = boost::json;
namespace {

constexpr std::size_t origin_limit = 64UL << 10U;  // bytes

std::string cipher_text(const luks::Segment& segment) {
  return segment.integrity.empty() ? segment.encryption : segment.encryption + " with " + segment.integrity;
}

std::string cipher_of(const luks::Segment& segment) { return kernel_cipher(segment.encryption, segment.integrity); }

using Mapped = Result<std::vector<hwio::MappedDevice>>;

// What the kernel works with now, without keys.
Mapped mapped_now() {
  ATTESTD_TRY(const auto control, hwio::open_ioctl_device(std::string(hwio::device_mapper_control)));
  return hwio::read_mapped_devices(*control);
}

// "broker", and as which resource; nothing where nobody noted it of the mapping of this name. Headers of other volumes
// may have the same UUID.
std::string origin_of(const std::string& folder, const std::string& uuid, const std::string& name) {
  const auto bytes = read_file(folder + "/" + uuid + ".json", origin_limit);
  if (!bytes) return {};
  const auto note = parse_json(as_text(*bytes));
  if (!note) return {};
  const auto members = JsonMembers::of(*note, "note");
  if (!members || members->optional_string("name").value_or("") != name) return {};
  const std::string resource = members->optional_string("resource").value_or("");
  return members->optional_string("key_origin").value_or("") + (resource.empty() ? "" : ", as " + resource);
}

json::array tokens_json(const luks::Header& header) {
  json::array out;
  for (const luks::Token& token : header.tokens) {
    out.push_back(json::object{{"id", token.id},
                               {"type", luks::printable_ascii(token.type)},
                               {"text", luks::describe_token(token)},
                               {"keyslots", json::array(token.keyslots.begin(), token.keyslots.end())}});
  }
  return out;
}

json::array keyslots_json(const luks::Header& header) {
  json::array out;
  for (const luks::Keyslot& slot : header.keyslots) {
    json::array tokens;
    for (const luks::Token& token : header.tokens) {
      if (std::ranges::find(token.keyslots, slot.id) != token.keyslots.end()) tokens.emplace_back(token.id);
    }
    out.push_back(
        json::object{{"id", slot.id}, {"kdf", luks::printable_ascii(slot.kdf.type)}, {"tokens", std::move(tokens)}});
  }
  return out;
}

json::object describe_header(const Result<luks::DeviceHeader>& read) {
  if (!read) return {{"header", "unreadable"}, {"reasons", json::array{read.error().text()}}};
  const luks::Header& header = read->header;
  json::array reasons;
  for (const auto& objection : luks::validate(header, luks::unlock_expectation())) reasons.emplace_back(objection.text);
  json::object out{{"uuid", luks::printable_ascii(header.primary.uuid)},
                   {"header", reasons.empty() ? "good" : "refused"},
                   {"reasons", std::move(reasons)},
                   {"header_sha256", to_hex(header.canonical_digest)},
                   {"interrupted", read->settled.has_value()}};
  if (!header.segments.empty()) {
    out["cipher"] = luks::printable_ascii(cipher_text(header.segments.front()));
    out["sector_size"] = header.segments.front().sector_size;
  }
  out["keyslots"] = keyslots_json(header);
  out["tokens"] = tokens_json(header);
  return out;
}

json::object describe_volume(const DiskStatusOptions& options, const std::string& device,
                             const std::vector<ActiveVolume>& active, const Mapped& mapped_devices) {
  json::object out{{"device", device}};
  const auto read = luks::read_device_header(device);
  for (auto& member : describe_header(read)) out[member.key()] = std::move(member.value());
  const auto* const uuid = out.if_contains("uuid");
  const std::string known = uuid == nullptr ? "" : std::string(uuid->as_string());
  const auto mapped = std::ranges::find_if(
      active, [&](const ActiveVolume& one) { return one.device == device || (!known.empty() && one.uuid == known); });
  if (mapped == active.end()) return out;
  out["mapped_as"] = mapped->name;
  const auto cipher = mapped_devices ? active_cipher(*mapped_devices, mapped->name)
                                     : Result<std::string>(std::unexpected(mapped_devices.error()));
  if (cipher) {
    const bool alike = read && !read->header.segments.empty() && *cipher == cipher_of(read->header.segments.front());
    out["active_cipher"] = printable(*cipher);
    out["cipher_in_use"] = alike ? "as the header says" : "another";
  } else {
    out["cipher_in_use"] = "unknown: " + cipher.error().text();
  }
  const std::string origin = origin_of(options.origins, mapped->uuid, mapped->name);
  if (!origin.empty()) out["unlocked_by"] = origin;
  return out;
}

std::string text_of(const json::object& volume, std::string_view name) {
  const auto* const value = volume.if_contains(name);
  if (value == nullptr) return {};
  return value->is_string() ? std::string(value->as_string()) : json::serialize(*value);
}

void add_line(std::string& out, std::string_view label, const std::string& text) {
  if (text.empty()) return;
  constexpr std::size_t width = 14;
  out += "  " + std::string(label) + std::string(width - std::min(width, label.size()), ' ') + printable(text) + "\n";
}

std::string keyslot_text(const json::object& slot) {
  std::string tokens;
  for (const auto& token : slot.at("tokens").as_array()) {
    tokens += (tokens.empty() ? "token " : ", token ") + json::serialize(token);
  }
  return json::serialize(slot.at("id")) + ": " + std::string(slot.at("kdf").as_string()) + ", " +
         (tokens.empty() ? "a passphrase or key file" : tokens);
}

std::string human(const json::object& volume) {
  std::string out = printable(text_of(volume, "device")) + "\n";
  add_line(out, "UUID", text_of(volume, "uuid"));
  std::string header = text_of(volume, "header");
  for (const auto& reason : volume.at("reasons").as_array()) header += ": " + std::string(reason.as_string());
  add_line(out, "header", header);
  add_line(out, "digest", text_of(volume, "header_sha256"));
  if (text_of(volume, "interrupted") == "true") {
    add_line(out, "", "its last change was interrupted; the copy that counts is whole");
  }
  add_line(out, "cipher", text_of(volume, "cipher"));
  if (const auto* const slots = volume.if_contains("keyslots")) {
    for (const auto& slot : slots->as_array()) add_line(out, "keyslot", keyslot_text(slot.as_object()));
  }
  if (const auto* const tokens = volume.if_contains("tokens")) {
    for (const auto& token : tokens->as_array()) {
      add_line(out, "token", json::serialize(token.at("id")) + ": " + std::string(token.at("text").as_string()));
    }
  }
  const std::string name = text_of(volume, "mapped_as");
  if (name.empty()) {
    add_line(out, "mapped as", "not mapped");
    return out;
  }
  add_line(out, "mapped as", name);
  add_line(out, "in use", text_of(volume, "active_cipher") + " (" + text_of(volume, "cipher_in_use") + ")");
  const std::string origin = text_of(volume, "unlocked_by");
  add_line(out, "unlocked by", origin.empty() ? "nobody noted it: not attestd-unlock" : origin);
  return out;
}

}  // namespace

Result<int> run_disk_status(const CommonOptions& common, const DiskStatusOptions& options) {
  const std::vector<ActiveVolume> active = active_volumes(options.sysfs);
  const Mapped mapped = mapped_now();
  json::array volumes;
  if (!options.device.empty()) {
    // One that was named must be there.
    if (auto read = luks::read_device_header(options.device);
        !read && read.error().code != Errc::malformed && read.error().code != Errc::mismatch) {
      return std::unexpected(std::move(read).error());
    }
    volumes.push_back(describe_volume(options, options.device, active, mapped));
  } else {
    for (const ActiveVolume& one : active) volumes.push_back(describe_volume(options, one.device, active, mapped));
  }
  const bool good =
      std::ranges::all_of(volumes, [](const json::value& one) { return one.at("header").as_string() == "good"; });
  if (common.json) {
    ATTESTD_CHECK(print(printable_json(json::serialize(json::object{{"volumes", volumes}})) + "\n"));
  } else if (volumes.empty()) {
    ATTESTD_CHECK(print("no LUKS2 volume is mapped\n"));
  } else {
    for (const auto& volume : volumes) ATTESTD_CHECK(print(human(volume.as_object())));
  }
  return good ? 0 : 1;
}

}  // namespace attestd
