// What the broker keeps, in SQLite or PostgreSQL, for any number of threads and brokers.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "broker/database_pool.h"
#include "broker/seal.h"
#include "broker/store_queue.h"
#include "broker/store_transaction.h"

namespace attestd::broker {

struct StoreOptions {
  std::size_t connections = 8;  // at most
  std::size_t group = 256;      // jobs in one transaction, at most
  DatabaseOptions database;
};

class Store {
 public:
  // Opens the database and brings its schema up to date. A new store remembers the sealer's
  // master key by its id. `now`: Unix time in s. Errors: those of open_database() and
  // migrate(), and mismatch (made with another master key).
  static Result<std::unique_ptr<Store>> open(const std::string& url, Sealer sealer, std::int64_t now,
                                             const StoreOptions& options = {});
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Who has a master key that was replaced gets mismatch from all of these, also for what is not sealed.

  // One transaction with all that `job` does, in a group with others' jobs; see
  // StoreQueue::Job for what a job may do, and StoreQueue::run() for the errors.
  Result<void> write(const StoreQueue::Job& job) { return queue_.run(job); }

  // `job` on a connection of its own, once more when the connection turns out to be lost.
  Result<void> read(const std::function<Result<void>(const StoreReader&)>& job);

  // Durable when they return a value; as in StoreTransaction.
  Result<bool> spend_challenge(const SpentChallenge& challenge);
  Result<AuditHead> decide(const Release& release);
  Result<AuditHead> append_audit(std::int64_t at, const std::string& body);

  // Walks the chain on a connection of its own; see verify_chain() in broker/audit.h.
  Result<ChainCheck> verify_chain(std::int64_t from = 1, const std::optional<Sha256Digest>& before = std::nullopt);

  // All secrets under the master key of `to`; this Store opens none of them afterwards, and
  // no other broker that still has the old key. Error: mismatch (a blob does not open; then
  // all stay as they were).
  Result<void> reseal_all(const Sealer& to);

 private:
  Store(const std::string& url, Sealer sealer, const StoreOptions& options)
      : sealer_(std::move(sealer)),
        pool_(url, options.connections, options.database),
        queue_(pool_, sealer_, std::max<std::size_t>(options.group, 1)) {}
  Result<void> prepare(std::int64_t now);

  Sealer sealer_;
  DatabasePool pool_;
  StoreQueue queue_;
};

}  // namespace attestd::broker
