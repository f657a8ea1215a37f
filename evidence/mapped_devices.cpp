#include "evidence/mapped_devices.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <map>

#include "base/encoding.h"
#include "evidence/json_internal.h"
#include "evidence/json_strict.h"

namespace attestd {
namespace json = boost::json;
namespace {

constexpr std::size_t device_limit = 4096;
constexpr std::size_t target_limit = 4096;
constexpr std::uint64_t key_size_max = 4096;  // bytes

using Attributes = std::map<std::string, std::string, std::less<>>;

// "name=value,name=value;". Values have commas too, within parentheses: "capi:authenc(hmac(sha256),xts(aes))-random".
Result<Attributes> parse_status(std::string_view status) {
  Attributes out;
  if (!status.ends_with(';')) return fail(Errc::malformed, "a target's status does not end in ';'");
  status.remove_suffix(1);
  const auto take = [&](std::string_view pair) -> Result<void> {
    const std::size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string_view::npos) {
      return fail(Errc::malformed, "a target's status has a part that is no name=value");
    }
    if (!out.try_emplace(std::string(pair.substr(0, equals)), pair.substr(equals + 1)).second) {
      return fail(Errc::malformed, "a target's status names something twice");
    }
    return {};
  };
  std::size_t begin = 0;
  unsigned depth = 0;
  for (std::size_t i = 0; i < status.size(); ++i) {
    if (status[i] == '(') ++depth;
    if (status[i] == ')' && depth-- == 0) return fail(Errc::malformed, "a target's status closes what was not open");
    if (status[i] != ',' || depth > 0) continue;
    ATTESTD_CHECK(take(status.substr(begin, i - begin)));
    begin = i + 1;
  }
  if (depth != 0) return fail(Errc::malformed, "a target's status leaves a parenthesis open");
  ATTESTD_CHECK(take(status.substr(begin)));
  return out;
}

std::string value_of(const Attributes& attributes, std::string_view name) {
  const auto found = attributes.find(name);
  return found == attributes.end() ? std::string() : found->second;
}

Result<void> read_crypt(const Attributes& attributes, StorageMapping& into) {
  into.cipher = value_of(attributes, "cipher_string");
  const std::string integrity = value_of(attributes, "cipher_auth");
  // As the kernel prints a text that is not there.
  if (integrity != "(null)") into.integrity = integrity;
  const std::string size = value_of(attributes, "key_size");
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), into.key_size);
  if (error != std::errc{} || end != size.data() + size.size() || into.key_size > key_size_max) {
    return fail(Errc::malformed, "the status of a crypt target has no size of its key");
  }
  return {};
}

Result<void> read_verity(const Attributes& attributes, StorageMapping& into) {
  into.hash = value_of(attributes, "verity_algorithm");
  into.mode = value_of(attributes, "verity_mode");
  ATTESTD_TRY(into.root_hash, from_hex(value_of(attributes, "root_digest")));
  if (into.root_hash.empty() || into.root_hash.size() > mapping_root_hash_max) {
    return fail(Errc::malformed, "the status of a verity target has no root hash");
  }
  return {};
}

Result<MappedDeviceReport::Target> decode_target(const json::value& value, const std::string& place) {
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(value, place));
  MappedDeviceReport::Target out;
  ATTESTD_TRY(out.type, members.string("type"));
  ATTESTD_TRY(out.status, members.string("status"));
  return out;
}

Result<MappedDeviceReport> decode_device(const json::value& value) {
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(value, "devices"));
  MappedDeviceReport out;
  ATTESTD_TRY(out.number, members.string("device"));
  ATTESTD_TRY(out.name, members.string("name"));
  ATTESTD_TRY(const json::array* const targets, members.array("targets", target_limit));
  for (const json::value& target : *targets) {
    ATTESTD_TRY(auto decoded, decode_target(target, members.place("targets")));
    out.targets.push_back(std::move(decoded));
  }
  return out;
}

}  // namespace

std::string encode_mapped_devices(const std::vector<MappedDeviceReport>& devices) {
  json::array list;
  for (const MappedDeviceReport& device : devices) {
    json::array targets;
    for (const MappedDeviceReport::Target& target : device.targets) {
      targets.push_back(json::object{{"type", to_valid_utf8(target.type)}, {"status", to_valid_utf8(target.status)}});
    }
    list.push_back(
        json::object{{"device", device.number}, {"name", to_valid_utf8(device.name)}, {"targets", std::move(targets)}});
  }
  return json::serialize(json::object{{"devices", std::move(list)}});
}

Result<std::vector<MappedDeviceReport>> parse_mapped_devices(ByteView bytes) {
  if (bytes.size() > mapped_devices_max_size) return fail(Errc::out_of_range, "it is larger than 1 MiB");
  ATTESTD_TRY(const json::value document, parse_json(as_text(bytes)));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(document, "document"));
  ATTESTD_TRY(const json::array* const devices, members.array("devices", device_limit));
  std::vector<MappedDeviceReport> out;
  for (const json::value& device : *devices) {
    ATTESTD_TRY(auto decoded, decode_device(device));
    out.push_back(std::move(decoded));
  }
  return out;
}

Result<std::vector<StorageMapping>> mappings_of(const MappedDeviceReport& device, const std::string& layer) {
  std::vector<StorageMapping> out;
  for (const MappedDeviceReport::Target& target : device.targets) {
    StorageMapping mapping{.device = device.name, .layer = layer, .target = target.type};
    if (!target.status.empty()) {
      ATTESTD_TRY(const Attributes attributes, parse_status(target.status));
      if (value_of(attributes, "target_name") != target.type) {
        return fail(Errc::malformed, "a target of type " + target.type + " has the status of another");
      }
      if (target.type == "crypt") ATTESTD_CHECK(read_crypt(attributes, mapping));
      if (target.type == "verity") ATTESTD_CHECK(read_verity(attributes, mapping));
    }
    if (out.empty() || out.back() != mapping) out.push_back(std::move(mapping));
  }
  return out;
}

}  // namespace attestd
