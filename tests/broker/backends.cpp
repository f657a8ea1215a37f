#include "tests/broker/backends.h"

#include <algorithm>
#include <cstdio>

#include "tests/catch.h"

namespace attestd::test {
namespace {

// Says at the end of the run what the run did not cover.
struct Skips {
  unsigned count = 0;
  ~Skips() {
    if (count > 0) std::fprintf(stderr, "skipped %u cases: PostgreSQL's server is not installed\n", count);
  }
};

}  // namespace

PostgresqlServer* postgresql() {
  static Skips skips;
  if (!PostgresqlServer::installed()) {
    ++skips.count;
    return nullptr;
  }
  static PostgresqlServer server;
  return &server;
}

void each_backend(const std::function<void(const Backend&)>& claim) {
  {
    Backend sqlite{broker::Dialect::sqlite, {}, {}};
    sqlite.url = "sqlite:" + sqlite.folder.file("broker.db");
    INFO("SQLite");
    claim(sqlite);
  }
  PostgresqlServer* const server = postgresql();
  if (server == nullptr) return;
  const Backend backend{broker::Dialect::postgresql, server->new_database(), {}};
  INFO("PostgreSQL");
  claim(backend);
}

broker::Sealer sealer(unsigned fill) {
  auto master = SecretBytes::make(broker::master_key_size);
  REQUIRE(master);
  std::ranges::fill(master->writable(), static_cast<std::byte>(fill));
  auto made = broker::Sealer::from(*std::move(master));
  REQUIRE(made);
  return *std::move(made);
}

std::unique_ptr<broker::Database> open_raw(const std::string& url, const broker::DatabaseOptions& options) {
  auto database = broker::open_database(url, options);
  if (!database) FAIL(database.error().text());
  return *std::move(database);
}

std::unique_ptr<broker::Store> open_store(const std::string& url, const broker::StoreOptions& options,
                                          unsigned key_fill) {
  auto store = broker::Store::open(url, sealer(key_fill), now, options);
  if (!store) FAIL(store.error().text());
  return *std::move(store);
}

Result<void> write(broker::Store& store, const broker::StoreQueue::Job& job) {
  auto done = store.write(job);
  if (!done) UNSCOPED_INFO(done.error().text());
  return done;
}

}  // namespace attestd::test
