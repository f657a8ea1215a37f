#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "evidence/hcl_report.h"
#include "evidence/json_internal.h"

namespace attestd {
namespace {

namespace json = boost::json;

constexpr std::string_view place = "runtime data";
constexpr std::size_t max_keys = 16;
constexpr std::size_t max_operations = 16;
constexpr std::size_t max_modulus = 1024;  // bytes, RSA-8192

Result<HclKey> parse_key(const json::value& value) {
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(value, std::string(place) + ".keys[]"));
  HclKey out;
  ATTESTD_TRY(out.id, members.string("kid"));
  if (members.find("key_ops") != nullptr) {
    ATTESTD_TRY(out.operations, members.strings("key_ops", max_operations));
  }
  ATTESTD_TRY(const std::string type, members.string("kty"));
  if (type != "RSA") return fail(Errc::unsupported, members.place("kty") + " is not RSA");
  ATTESTD_TRY(const Bytes exponent, members.bytes("e", 1, 4));
  for (const std::byte byte : exponent) out.exponent = out.exponent << 8U | std::to_integer<std::uint32_t>(byte);
  ATTESTD_TRY(const Bytes modulus, members.bytes("n", 1, max_modulus));
  out.modulus.assign(std::ranges::find_if(modulus, [](std::byte byte) { return byte != std::byte{0}; }), modulus.end());
  // No key has these, and they could not be written as they were read.
  if (out.exponent == 0 || out.modulus.empty()) return fail(Errc::malformed, members.place("e or n") + " is zero");
  return out;
}

Result<std::optional<bool>> optional_boolean(const JsonMembers& members, std::string_view name) {
  if (members.find(name) == nullptr) return std::optional<bool>();
  ATTESTD_TRY(const bool value, members.boolean(name));
  return std::optional(value);
}

Result<void> parse_configuration(const json::value& value, HclRuntimeData& out) {
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(value, std::string(place) + ".vm-configuration"));
  ATTESTD_TRY(out.secure_boot, optional_boolean(members, "secure-boot"));
  ATTESTD_TRY(out.console_enabled, optional_boolean(members, "console-enabled"));
  ATTESTD_TRY(out.tpm_enabled, optional_boolean(members, "tpm-enabled"));
  ATTESTD_TRY(out.tpm_persisted, optional_boolean(members, "tpm-persisted"));
  ATTESTD_TRY(out.vm_unique_id, members.optional_string("vmUniqueId"));
  ATTESTD_TRY(out.root_certificate_thumbprint, members.optional_string("root-cert-thumbprint"));
  return {};
}

Bytes exponent_bytes(std::uint32_t exponent) {
  const Bytes all = Writer().be32(exponent).take();
  return {std::ranges::find_if(all, [](std::byte byte) { return byte != std::byte{0}; }), all.end()};
}

}  // namespace

const HclKey* HclRuntimeData::attestation_key() const {
  const HclKey* found = nullptr;
  for (const HclKey& key : keys) {
    if (key.id != "HCLAkPub") continue;
    if (found != nullptr) return nullptr;
    found = &key;
  }
  return found;
}

Result<HclRuntimeData> parse_hcl_runtime_data(ByteView text) {
  ATTESTD_TRY(const json::value document, parse_json(as_text(text)));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(document, std::string(place)));
  HclRuntimeData out;
  ATTESTD_TRY(const json::array* const keys, members.array("keys", max_keys));
  for (const json::value& value : *keys) {
    ATTESTD_TRY(HclKey key, parse_key(value));
    out.keys.push_back(std::move(key));
  }
  if (const json::value* const configuration = members.find("vm-configuration")) {
    ATTESTD_CHECK(parse_configuration(*configuration, out));
  }
  ATTESTD_TRY(const std::string user_data, members.optional_string("user-data"));
  if (!user_data.empty()) {
    auto bytes = from_hex(user_data);
    if (!bytes) return std::unexpected(std::move(bytes).error().in(members.place("user-data")));
    if (bytes->size() != hcl_user_data_size) {
      return fail(Errc::out_of_range, members.place("user-data") + " has " + std::to_string(bytes->size()) +
                                          " bytes, not " + std::to_string(hcl_user_data_size));
    }
    std::ranges::copy(*bytes, out.user_data.emplace().begin());
  }
  return out;
}

std::string encode_hcl_runtime_data(const HclRuntimeData& data) {
  json::array keys;
  for (const HclKey& key : data.keys) {
    json::array operations;
    for (const std::string& operation : key.operations) operations.emplace_back(operation);
    keys.emplace_back(json::object{{"kid", key.id},
                                   {"key_ops", std::move(operations)},
                                   {"kty", "RSA"},
                                   {"e", to_base64url(exponent_bytes(key.exponent))},
                                   {"n", to_base64url(key.modulus)}});
  }
  json::object configuration;
  const auto add = [&](std::string_view name, const std::optional<bool>& value) {
    if (value) configuration[name] = *value;
  };
  add("console-enabled", data.console_enabled);
  if (!data.root_certificate_thumbprint.empty()) {
    configuration["root-cert-thumbprint"] = data.root_certificate_thumbprint;
  }
  add("secure-boot", data.secure_boot);
  add("tpm-enabled", data.tpm_enabled);
  add("tpm-persisted", data.tpm_persisted);
  if (!data.vm_unique_id.empty()) configuration["vmUniqueId"] = data.vm_unique_id;
  json::object out{{"keys", std::move(keys)}, {"vm-configuration", std::move(configuration)}};
  if (data.user_data) out["user-data"] = to_hex(*data.user_data);
  return json::serialize(out);
}

}  // namespace attestd
