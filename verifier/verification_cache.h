// What a verifier that meets the same vendor's certificates and collateral again
// and again need not do again: parsing them, and checking signatures over them. Both
// depend on nothing but bytes, so they do not age. Validity, revocation, trust in
// a root, fitness for a platform, and the evidence itself are judged anew each time.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/bytes.h"

namespace attestd {

// Any thread may call any of these. Everything is forgotten together when the next
// object would pass a limit: what strangers send must not make it grow.
class VerificationCache {
 public:
  enum class Kind : unsigned char { certificate, revocation_list, p256_key, tpm_key, tcb_info, qe_identity };
  struct Limits {
    std::size_t objects = 1024;
    std::size_t bytes = std::size_t{4} << 20U;  // of what they were parsed from
  };

  VerificationCache() : VerificationCache(Limits{}) {}
  explicit VerificationCache(Limits limits) : limits_(limits) {}
  VerificationCache(const VerificationCache&) = delete;
  VerificationCache& operator=(const VerificationCache&) = delete;

  // What was parsed from exactly these bytes; null when it is not known. The caller
  // knows the type by the kind.
  [[nodiscard]] std::shared_ptr<const void> find(Kind kind, ByteView bytes) const;
  void keep(Kind kind, ByteView bytes, std::shared_ptr<const void> object);

  // Whether `signer`'s signature over `object` was found good before. Objects are
  // told apart by address, which is theirs alone for as long as the cache keeps them:
  // what it does not keep is not remembered.
  [[nodiscard]] bool is_good(const void* object, const void* signer) const;
  void remember_good(const void* object, const void* signer);

 private:
  struct Pair {
    const void* object;
    const void* signer;
    bool operator==(const Pair&) const = default;
  };
  struct PairHash {
    std::size_t operator()(const Pair& pair) const;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Objects = std::unordered_map<std::string, std::shared_ptr<const void>, TextHash, std::equal_to<>>;

  const Limits limits_;
  mutable std::mutex mutex_;
  std::unordered_map<Kind, Objects> objects_;  // by the bytes
  std::unordered_set<const void*> kept_;
  std::unordered_set<Pair, PairHash> good_;
  std::size_t bytes_ = 0;
};

}  // namespace attestd
