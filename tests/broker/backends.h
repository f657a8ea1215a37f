// Each claim is made of both databases.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "broker/store.h"
#include "tests/broker/postgresql_server.h"

namespace attestd::test {

// An empty database of one kind.
struct Backend {
  broker::Dialect dialect;
  std::string url;
  TemporaryFolder folder;  // SQLite's
};

// The program's one server, or null; then the case is counted as skipped for PostgreSQL.
PostgresqlServer* postgresql();

// `claim` with an empty database of each kind that there is here. Opens no more than one at
// a time.
void each_backend(const std::function<void(const Backend&)>& claim);

// Of 32 bytes `fill`.
broker::Sealer sealer(unsigned fill = 1);
// Fails the test with its reason.
std::unique_ptr<broker::Database> open_raw(const std::string& url, const broker::DatabaseOptions& options = {});
std::unique_ptr<broker::Store> open_store(const std::string& url, const broker::StoreOptions& options = {},
                                          unsigned key_fill = 1);
// What `job` gives, or its error.
Result<void> write(broker::Store& store, const broker::StoreQueue::Job& job);

inline constexpr std::int64_t now = 1800000000;

}  // namespace attestd::test
