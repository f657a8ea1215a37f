// A Store's jobs that give a value.
#pragma once

#include <type_traits>

#include "broker/store.h"

namespace attestd::broker {

// What `job` makes of a StoreReader: a Result. It may run twice.
template <class Job>
auto read_from(Store& store, const Job& job) -> std::invoke_result_t<Job, const StoreReader&> {
  using Got = std::invoke_result_t<Job, const StoreReader&>;
  Got out = fail(Errc::internal, "the store's job did not run");
  auto done = store.read([&](const StoreReader& reader) -> Result<void> {
    out = job(reader);
    if (!out) return std::unexpected(out.error());
    return {};
  });
  if (!done) return std::unexpected(std::move(done).error());
  return out;
}

// Likewise of a StoreTransaction, once all of it is durable. It may run more than once, and on another thread.
template <class Job>
auto write_to(Store& store, const Job& job) -> std::invoke_result_t<Job, StoreTransaction&> {
  using Got = std::invoke_result_t<Job, StoreTransaction&>;
  Got out = fail(Errc::internal, "the store's job did not run");
  auto done = store.write([&](StoreTransaction& transaction) -> Result<void> {
    out = job(transaction);
    if (!out) return std::unexpected(out.error());
    return {};
  });
  if (!done) return std::unexpected(std::move(done).error());
  return out;
}

}  // namespace attestd::broker
