#include "evidence/statement.h"

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <limits>

#include "base/encoding.h"
#include "evidence/channel_json_internal.h"
#include "evidence/json_strict.h"
#include "evidence/storage_json_internal.h"
#include "evidence/unlock_json_internal.h"

namespace attestd {
namespace json = boost::json;
namespace {

constexpr std::array<std::pair<Purpose, std::string_view>, 4> purposes{{
    {Purpose::host, "host"},
    {Purpose::monitor, "monitor"},
    {Purpose::unlock, "unlock"},
    {Purpose::workload, "workload"},
}};

constexpr std::size_t host_key_limit = 64;
constexpr std::size_t list_limit = 64;
constexpr std::size_t sha256_size = 32;
constexpr std::size_t name_max_size = 2 + 64;  // TPM2B_NAME: algorithm and its digest

json::array encode_strings(const std::vector<std::string>& strings) {
  json::array out;
  for (const std::string& text : strings) out.emplace_back(to_valid_utf8(text));
  return out;
}

constexpr std::size_t uuid_size = 36;                           // characters, RFC 4122 section 3
constexpr std::uint64_t counter_max = std::uint64_t{1} << 53U;  // what every reader of JSON has exactly

Result<std::vector<SshPublicKey>> decode_host_keys(const JsonMembers& members) {
  ATTESTD_TRY(const std::vector<std::string> lines, members.strings("ssh_host_keys", host_key_limit));
  std::vector<SshPublicKey> keys;
  for (const std::string& line : lines) {
    auto key = parse_ssh_public_key(line);
    if (!key) return std::unexpected(std::move(key).error().in(members.place("ssh_host_keys")));
    keys.push_back(*std::move(key));
  }
  return keys;
}

Result<StatementPeer> decode_peer(const JsonMembers& members) {
  constexpr std::uint64_t id_max = std::numeric_limits<std::uint32_t>::max();
  StatementPeer peer;
  ATTESTD_TRY(const std::uint64_t uid, members.unsigned_integer("uid", id_max));
  ATTESTD_TRY(const std::uint64_t gid, members.unsigned_integer("gid", id_max));
  ATTESTD_TRY(const std::int64_t pid, members.signed_integer("pid", 0, std::numeric_limits<std::int32_t>::max()));
  peer.uid = static_cast<std::uint32_t>(uid);
  peer.gid = static_cast<std::uint32_t>(gid);
  peer.pid = static_cast<std::int32_t>(pid);
  ATTESTD_TRY(peer.unit, members.optional_string("unit"));
  return peer;
}

Result<ProvisioningClaim> decode_provisioning(const JsonMembers& members) {
  ProvisioningClaim claim;
  ATTESTD_TRY(claim.agent, members.string("agent"));
  ATTESTD_TRY(claim.datasource, members.optional_string("datasource"));
  ATTESTD_TRY(claim.detail, members.optional_string("detail"));
  return claim;
}

Result<PlatformClaim> decode_platform(const JsonMembers& members) {
  PlatformClaim claim;
  ATTESTD_TRY(claim.name, members.string("name"));
  ATTESTD_TRY(claim.reasons, members.strings("reasons", list_limit));
  ATTESTD_TRY(claim.kernel, members.string("kernel"));
  ATTESTD_TRY(claim.agent_version, members.string("agent_version"));
  return claim;
}

// The member `name` through `decode`, or nothing when it is absent.
template <class T>
Result<std::optional<T>> decode_optional(const JsonMembers& members, std::string_view name,
                                         Result<T> (*decode)(const JsonMembers&)) {
  const json::value* const value = members.find(name);
  if (value == nullptr) return std::optional<T>();
  ATTESTD_TRY(const JsonMembers inner, JsonMembers::of(*value, members.place(name)));
  ATTESTD_TRY(T decoded, decode(inner));
  return std::optional<T>(std::move(decoded));
}

Result<Bytes> decode_ak_name(const JsonMembers& members) {
  ATTESTD_TRY(const std::string text, members.optional_string("ak_name"));
  auto name = from_hex(text);
  if (!name) return std::unexpected(std::move(name).error().in(members.place("ak_name")));
  if (name->size() > name_max_size) return fail(Errc::out_of_range, members.place("ak_name") + " is too long");
  return name;
}

}  // namespace

Result<StatementChannel> decode_channel(const JsonMembers& members) {
  StatementChannel channel;
  ATTESTD_TRY(channel.tls_spki_sha256, members.bytes("tls_spki_sha256", sha256_size, sha256_size));
  if (members.find("tls_exporter") != nullptr) {
    ATTESTD_TRY(channel.tls_exporter, members.bytes("tls_exporter", sha256_size, sha256_size));
  }
  return channel;
}

json::object channel_to_json(const StatementChannel& channel) {
  json::object out{{"tls_spki_sha256", to_base64url(channel.tls_spki_sha256)}};
  if (!channel.tls_exporter.empty()) out["tls_exporter"] = to_base64url(channel.tls_exporter);
  return out;
}

Result<UnlockClaim::Volume> decode_volume(const JsonMembers& members) {
  UnlockClaim::Volume volume;
  ATTESTD_TRY(volume.uuid, members.string("uuid"));
  if (volume.uuid.size() != uuid_size) return fail(Errc::malformed, members.place("uuid") + " is no UUID");
  ATTESTD_TRY(volume.header_sha256, members.bytes("header_sha256", sha256_size, sha256_size));
  if (members.find("counter") != nullptr) {
    ATTESTD_TRY(volume.counter, members.unsigned_integer("counter", counter_max));
  }
  return volume;
}

json::object volume_to_json(const UnlockClaim::Volume& volume) {
  json::object out{{"uuid", to_valid_utf8(volume.uuid)}, {"header_sha256", to_base64url(volume.header_sha256)}};
  if (volume.counter) out["counter"] = *volume.counter;
  return out;
}

Result<UnlockClaim> decode_unlock(const JsonMembers& members) {
  UnlockClaim claim;
  ATTESTD_TRY(claim.key_thumbprint, members.bytes("jkt", sha256_size, sha256_size));
  ATTESTD_TRY(claim.volume, decode_optional<UnlockClaim::Volume>(members, "volume", decode_volume));
  return claim;
}

json::object unlock_to_json(const UnlockClaim& claim) {
  json::object out{{"jkt", to_base64url(claim.key_thumbprint)}};
  if (claim.volume) out["volume"] = volume_to_json(*claim.volume);
  return out;
}

std::string_view purpose_name(Purpose purpose) {
  for (const auto& [value, name] : purposes) {
    if (value == purpose) return name;
  }
  return "";
}

std::optional<Purpose> purpose_from_name(std::string_view name) {
  for (const auto& [value, candidate] : purposes) {
    if (candidate == name) return value;
  }
  return std::nullopt;
}

std::string encode_statement(const Statement& statement) {
  json::object out;
  out["eat_profile"] = statement_profile;
  out["purpose"] = purpose_name(statement.purpose);
  out["nonce"] = to_base64url(statement.nonce);
  out["iat"] = statement.issued_at;
  out["boot_id"] = to_valid_utf8(statement.boot_id);
  out["uptime_ms"] = statement.uptime_ms;
  json::array keys;
  for (const SshPublicKey& key : statement.ssh_host_keys) keys.emplace_back(key.line());
  out["ssh_host_keys"] = std::move(keys);
  if (statement.channel) {
    out["channel"] = channel_to_json(*statement.channel);
  }
  if (statement.peer) {
    json::object peer{{"uid", statement.peer->uid}, {"gid", statement.peer->gid}, {"pid", statement.peer->pid}};
    if (!statement.peer->unit.empty()) peer["unit"] = to_valid_utf8(statement.peer->unit);
    out["peer"] = std::move(peer);
  }
  if (statement.unlock) out["unlock"] = unlock_to_json(*statement.unlock);
  if (statement.workload) out["workload"] = to_base64url(*statement.workload);
  if (!statement.ak_name.empty()) out["ak_name"] = to_hex(statement.ak_name);
  if (!statement.ak_activation.empty()) out["ak_activation"] = to_base64url(statement.ak_activation);
  if (statement.storage) out["storage"] = storage_to_json(*statement.storage);
  if (statement.provisioning) {
    out["provisioning"] = json::object{{"agent", to_valid_utf8(statement.provisioning->agent)},
                                       {"datasource", to_valid_utf8(statement.provisioning->datasource)},
                                       {"detail", to_valid_utf8(statement.provisioning->detail)}};
  }
  out["platform"] = json::object{{"name", to_valid_utf8(statement.platform.name)},
                                 {"reasons", encode_strings(statement.platform.reasons)},
                                 {"kernel", to_valid_utf8(statement.platform.kernel)},
                                 {"agent_version", to_valid_utf8(statement.platform.agent_version)}};
  return json::serialize(out);
}

Result<Statement> parse_statement(ByteView bytes) {
  if (bytes.size() > statement_max_size) return fail(Errc::out_of_range, "statement is larger than 256 KiB");
  auto document = parse_json(as_text(bytes));
  if (!document) return std::unexpected(std::move(document).error().in("statement"));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(*document, "statement"));

  ATTESTD_TRY(const std::string profile, members.string("eat_profile"));
  if (profile != statement_profile) {
    return fail(Errc::unsupported, "statement.eat_profile is not " + std::string(statement_profile));
  }
  Statement out;
  ATTESTD_TRY(const std::string purpose_text, members.string("purpose"));
  const std::optional<Purpose> purpose = purpose_from_name(purpose_text);
  if (!purpose) return fail(Errc::unsupported, "statement.purpose is not host, monitor, unlock or workload");
  out.purpose = *purpose;
  ATTESTD_TRY(out.nonce, members.bytes("nonce", nonce_min_size, nonce_max_size));
  ATTESTD_TRY(out.issued_at, members.signed_integer("iat", 0, std::numeric_limits<std::int64_t>::max()));
  ATTESTD_TRY(out.boot_id, members.string("boot_id"));
  ATTESTD_TRY(out.uptime_ms, members.unsigned_integer("uptime_ms", std::numeric_limits<std::uint64_t>::max()));
  ATTESTD_TRY(out.ssh_host_keys, decode_host_keys(members));
  ATTESTD_TRY(out.channel, decode_optional<StatementChannel>(members, "channel", decode_channel));
  ATTESTD_TRY(out.peer, decode_optional<StatementPeer>(members, "peer", decode_peer));
  if (members.find("workload") != nullptr) {
    ATTESTD_TRY(out.workload, members.bytes("workload", 0, workload_max_size));
  }
  if (out.workload.has_value() != (out.purpose == Purpose::workload)) {
    return fail(Errc::malformed, "statement.workload must be there with purpose workload, and only then");
  }
  ATTESTD_TRY(out.unlock, decode_optional<UnlockClaim>(members, "unlock", decode_unlock));
  if (out.unlock && out.purpose != Purpose::unlock) {
    return fail(Errc::malformed, "statement.unlock goes with the purpose unlock, and with no other");
  }
  ATTESTD_TRY(out.ak_name, decode_ak_name(members));
  if (members.find("ak_activation") != nullptr) {
    ATTESTD_TRY(out.ak_activation, members.bytes("ak_activation", sha256_size, sha256_size));
  }
  if (members.find("storage") != nullptr) {
    ATTESTD_TRY(out.storage, storage_from_json(members));
  }
  ATTESTD_TRY(out.provisioning, decode_optional<ProvisioningClaim>(members, "provisioning", decode_provisioning));
  ATTESTD_TRY(const json::value* const platform_value, members.member("platform"));
  ATTESTD_TRY(const JsonMembers platform, JsonMembers::of(*platform_value, "statement.platform"));
  ATTESTD_TRY(out.platform, decode_platform(platform));
  return out;
}

}  // namespace attestd
