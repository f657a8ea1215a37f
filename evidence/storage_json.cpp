#include "evidence/storage_json_internal.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <limits>

#include "base/encoding.h"
#include "evidence/json_strict.h"

namespace attestd {
namespace json = boost::json;
namespace {

constexpr std::size_t volume_limit = 512;
constexpr std::size_t layer_limit = 64;
constexpr std::size_t mapping_limit = 256;
constexpr std::size_t sha256_size = 32;

json::array strings_to_json(const std::vector<std::string>& strings) {
  json::array out;
  for (const std::string& text : strings) out.emplace_back(to_valid_utf8(text));
  return out;
}

json::value encode_mappings(const std::vector<StorageMapping>& mappings) {
  json::array out;
  for (const StorageMapping& mapping : mappings) {
    json::object one{{"device", to_valid_utf8(mapping.device)},
                     {"layer", to_valid_utf8(mapping.layer)},
                     {"target", to_valid_utf8(mapping.target)}};
    const std::pair<const char*, const std::string&> texts[] = {
        {"cipher", mapping.cipher}, {"integrity", mapping.integrity}, {"hash", mapping.hash}, {"mode", mapping.mode}};
    for (const auto& [name, value] : texts) {
      if (!value.empty()) one[name] = to_valid_utf8(value);
    }
    if (mapping.key_size != 0) one["key_size"] = mapping.key_size;
    if (!mapping.root_hash.empty()) one["root_hash"] = to_hex(mapping.root_hash);
    out.emplace_back(std::move(one));
  }
  return out;
}

Result<StorageMapping> decode_mapping(const JsonMembers& members) {
  constexpr std::uint64_t key_size_max = std::numeric_limits<std::uint32_t>::max();
  StorageMapping out;
  ATTESTD_TRY(out.device, members.string("device"));
  ATTESTD_TRY(out.layer, members.string("layer"));
  ATTESTD_TRY(out.target, members.string("target"));
  ATTESTD_TRY(out.cipher, members.optional_string("cipher"));
  ATTESTD_TRY(out.integrity, members.optional_string("integrity"));
  ATTESTD_TRY(out.hash, members.optional_string("hash"));
  ATTESTD_TRY(out.mode, members.optional_string("mode"));
  if (members.find("key_size") != nullptr) {
    ATTESTD_TRY(out.key_size, members.unsigned_integer("key_size", key_size_max));
  }
  ATTESTD_TRY(const std::string root_hash, members.optional_string("root_hash"));
  auto digest = from_hex(root_hash);
  if (!digest) return std::unexpected(std::move(digest).error().in(members.place("root_hash")));
  if (digest->size() > mapping_root_hash_max) {
    return fail(Errc::out_of_range, members.place("root_hash") + " is too long");
  }
  out.root_hash = *std::move(digest);
  return out;
}

Result<std::vector<StorageMapping>> decode_mappings(const JsonMembers& volume) {
  ATTESTD_TRY(const json::array* const elements, volume.array("mappings", mapping_limit));
  std::vector<StorageMapping> out;
  for (const json::value& element : *elements) {
    ATTESTD_TRY(const JsonMembers one, JsonMembers::of(element, volume.place("mappings")));
    ATTESTD_TRY(StorageMapping mapping, decode_mapping(one));
    out.push_back(std::move(mapping));
  }
  return out;
}

}  // namespace

json::value storage_to_json(const std::vector<StorageClaim>& volumes) {
  json::array out;
  for (const StorageClaim& volume : volumes) {
    json::object one{
        {"mount_point", to_valid_utf8(volume.mount_point)}, {"source", to_valid_utf8(volume.source)},
        {"filesystem", to_valid_utf8(volume.filesystem)},   {"read_only", volume.read_only},
        {"layers", strings_to_json(volume.layers)},         {"key_origin", to_valid_utf8(volume.key_origin)},
    };
    if (!volume.first_boot.empty()) one["first_boot"] = to_valid_utf8(volume.first_boot);
    if (!volume.image_sha256.empty()) one["image_sha256"] = to_base64url(volume.image_sha256);
    if (!volume.key_resource.empty()) one["key_resource"] = to_valid_utf8(volume.key_resource);
    if (volume.mappings) one["mappings"] = encode_mappings(*volume.mappings);
    out.emplace_back(std::move(one));
  }
  return out;
}

Result<std::vector<StorageClaim>> storage_from_json(const JsonMembers& members) {
  ATTESTD_TRY(const json::array* const elements, members.array("storage", volume_limit));
  std::vector<StorageClaim> volumes;
  for (const json::value& element : *elements) {
    ATTESTD_TRY(const JsonMembers one, JsonMembers::of(element, members.place("storage")));
    StorageClaim volume;
    ATTESTD_TRY(volume.mount_point, one.string("mount_point"));
    ATTESTD_TRY(volume.source, one.string("source"));
    ATTESTD_TRY(volume.filesystem, one.string("filesystem"));
    ATTESTD_TRY(volume.read_only, one.boolean("read_only"));
    ATTESTD_TRY(volume.layers, one.strings("layers", layer_limit));
    ATTESTD_TRY(volume.key_origin, one.string("key_origin"));
    ATTESTD_TRY(volume.first_boot, one.optional_string("first_boot"));
    if (one.find("image_sha256") != nullptr) {
      ATTESTD_TRY(volume.image_sha256, one.bytes("image_sha256", sha256_size, sha256_size));
    }
    ATTESTD_TRY(volume.key_resource, one.optional_string("key_resource"));
    if (one.find("mappings") != nullptr) {
      ATTESTD_TRY(volume.mappings, decode_mappings(one));
    }
    volumes.push_back(std::move(volume));
  }
  return volumes;
}

}  // namespace attestd
