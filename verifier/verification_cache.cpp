#include "verifier/verification_cache.h"

#include <utility>

namespace attestd {

std::size_t VerificationCache::PairHash::operator()(const Pair& pair) const {
  constexpr std::size_t odd = 0x9e3779b97f4a7c15U;  // 2^64 over the golden ratio
  const std::hash<const void*> hash;
  return hash(pair.object) * odd ^ hash(pair.signer);
}

std::shared_ptr<const void> VerificationCache::find(Kind kind, ByteView bytes) const {
  const std::lock_guard lock(mutex_);
  const auto objects = objects_.find(kind);
  if (objects == objects_.end()) return nullptr;
  const auto found = objects->second.find(as_text(bytes));
  return found == objects->second.end() ? nullptr : found->second;
}

void VerificationCache::keep(Kind kind, ByteView bytes, std::shared_ptr<const void> object) {
  if (bytes.size() > limits_.bytes || limits_.objects == 0) return;
  const std::lock_guard lock(mutex_);
  if (kept_.size() >= limits_.objects || bytes_ + bytes.size() > limits_.bytes) {
    good_.clear();
    kept_.clear();
    objects_.clear();
    bytes_ = 0;
  }
  const void* const address = object.get();
  // Two threads may have parsed the same bytes: the first object stays.
  if (!objects_[kind].emplace(std::string(as_text(bytes)), std::move(object)).second) return;
  kept_.insert(address);
  bytes_ += bytes.size();
}

bool VerificationCache::is_good(const void* object, const void* signer) const {
  const std::lock_guard lock(mutex_);
  return good_.contains({object, signer});
}

void VerificationCache::remember_good(const void* object, const void* signer) {
  const std::lock_guard lock(mutex_);
  if (kept_.contains(object) && kept_.contains(signer)) good_.insert({object, signer});
}

}  // namespace attestd
