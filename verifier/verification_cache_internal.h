// OpenSSL's objects in a VerificationCache. For .cpp files only.
#pragma once

#include <memory>

#include "base/openssl_internal.h"
#include "base/result.h"
#include "verifier/verification_cache.h"

namespace attestd {

// What `make` makes of the bytes, or made of them before. OpenSSL's objects count who
// holds them (`up_ref`, 1 on success), and reading one from many threads is allowed.
// `cache` may be null.
template <class Handle>
Result<Handle> made_once(VerificationCache::Kind kind, ByteView bytes, VerificationCache* cache, auto up_ref,
                         const auto& make) {
  using T = Handle::element_type;
  if (cache == nullptr) return make();
  if (const auto known = cache->find(kind, bytes)) {
    T* const object = static_cast<T*>(const_cast<void*>(known.get()));
    if (up_ref(object) == 1) return Handle(object);
  }
  Result<Handle> out = make();
  if (out && up_ref(out->get()) == 1) {
    cache->keep(kind, bytes, std::shared_ptr<T>(out->get(), typename Handle::deleter_type()));
  }
  return out;
}

}  // namespace attestd
