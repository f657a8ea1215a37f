// Evidence that host-proof has verified, kept for as long as the policy allows
// ([host-proof] cache). What is kept is the evidence with the nonce that was asked with, not the
// keys: whoever takes it out verifies it again, so that nothing outlives its certificates, its
// revocation lists or a change of policy. One file a host, mode 0600, in a folder of mode 0700.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/source.h"

namespace attestd {

struct Proof {
  FetchedEvidence evidence;
  Bytes nonce;                  // that was asked with
  std::int64_t fetched_at = 0;  // Unix seconds, of our clock
};

std::string encode_proof(const Proof& proof);
// Errors: malformed, out_of_range.
Result<Proof> parse_proof(std::string_view json);

class ProofCache {
 public:
  explicit ProofCache(std::string folder) : folder_(std::move(folder)) {}

  // Of `host` from `source`; nothing when there is none, when it is older than `seconds` at `now` or
  // from the future, or when others than us may have written it.
  [[nodiscard]] std::optional<Proof> find(std::string_view host, std::string_view source, std::int64_t now,
                                          std::int64_t seconds) const;
  // Whole or not at all. Removes what is older than a day.
  [[nodiscard]] Result<void> keep(std::string_view host, std::string_view source, const Proof& proof) const;

 private:
  [[nodiscard]] std::string path(std::string_view host, std::string_view source) const;
  std::string folder_;
};

}  // namespace attestd
