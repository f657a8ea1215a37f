// What the store's .cpp files share: values from digests and back.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "broker/store_transaction.h"

namespace attestd::broker {

inline Value value_of(const std::optional<std::string>& text) { return text ? Value(*text) : Value(); }
inline Value value_of(const std::optional<Sha256Digest>& digest) { return digest ? Value(to_bytes(*digest)) : Value(); }

// Error: malformed (not 32 bytes).
inline Result<std::optional<Sha256Digest>> digest_from(const std::optional<Bytes>& bytes) {
  if (!bytes) return std::nullopt;
  Sha256Digest out{};
  if (bytes->size() != out.size()) return fail(Errc::malformed, "a digest in the database has not 32 bytes");
  std::ranges::copy(*bytes, out.begin());
  return out;
}

inline SealContext resource_context(const std::string& path, std::int64_t version) {
  return {"resource", path, version};
}
inline SealContext key_context(const std::string& name) { return {"key", name, 1}; }

inline std::unexpected<Error> no_policy(const std::string& name) {
  return fail(Errc::not_found, "there is no policy \"" + name + "\"");
}
inline std::unexpected<Error> no_resource(const std::string& path) {
  return fail(Errc::not_found, "there is no resource \"" + path + "\"");
}

}  // namespace attestd::broker
