#include "broker/store_schema.h"

#include <thread>

#include "tests/broker/backends.h"
#include "tests/catch.h"

using namespace attestd;
using namespace attestd::broker;
using test::Backend;
using test::each_backend;
using test::now;
using test::open_raw;
using test::open_store;

namespace {

const Migration first{{"CREATE TABLE one (id BIGINT)"}, {"INSERT INTO one VALUES (1)"}, {"INSERT INTO one VALUES (2)"}};
const Migration second{{"ALTER TABLE one ADD COLUMN name TEXT"}, {}, {}};
const Migration broken{{"CREATE TABLE three (id BIGINT)", "no such statement"}, {}, {}};

std::size_t versions(Database& database) {
  return database.execute("SELECT version FROM schema_versions")->rows.size();
}

}  // namespace

TEST_CASE("each migration is made once, in order, in its database's own words") {
  each_backend([](const Backend& backend) {
    const auto database = open_raw(backend.url);
    const std::vector<Migration> old = {first};
    REQUIRE(migrate(*database, old, now));
    REQUIRE(migrate(*database, old, now));
    const std::int64_t expected = backend.dialect == Dialect::sqlite ? 1 : 2;
    CHECK(database->execute("SELECT id FROM one")->rows == std::vector<Row>{{expected}});
    const std::vector<Migration> newer = {first, second};
    REQUIRE(migrate(*database, newer, now));
    CHECK(database->execute("SELECT id, name FROM one")->rows.size() == 1);
    CHECK(versions(*database) == 2);
  });
}

TEST_CASE("a migration that fails leaves the version before, whole") {
  each_backend([](const Backend& backend) {
    const auto database = open_raw(backend.url);
    const std::vector<Migration> bad = {first, broken};
    CHECK(!migrate(*database, bad, now));
    CHECK(versions(*database) == 1);
    CHECK(!database->execute("SELECT id FROM three"));
    const std::vector<Migration> mended = {first, second};
    CHECK(migrate(*database, mended, now));
  });
}

TEST_CASE("a schema that is newer than ours is refused and left alone") {
  each_backend([](const Backend& backend) {
    {
      const auto store = open_store(backend.url);
    }
    const auto database = open_raw(backend.url);
    const auto ours = static_cast<std::int64_t>(store_migrations().size());
    REQUIRE(database->execute("INSERT INTO schema_versions (version, applied_at) VALUES ($1, 0)", {ours + 1}));
    const auto store = Store::open(backend.url, test::sealer(), now);
    REQUIRE(!store);
    CHECK(store.error().code == Errc::unsupported);
    CHECK(store.error().message.find("newer attest-brokerd") != std::string::npos);
    REQUIRE(database->execute("DELETE FROM schema_versions WHERE version = $1", {ours + 1}));
    CHECK(Store::open(backend.url, test::sealer(), now));
  });
}

TEST_CASE("brokers that start at once on an empty database agree on it") {
  each_backend([](const Backend& backend) {
    constexpr int brokers = 6;
    std::vector<Result<std::unique_ptr<Store>>> stores(brokers);
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < brokers; ++i) {
        threads.emplace_back(
            [&, i] { stores[static_cast<std::size_t>(i)] = Store::open(backend.url, test::sealer(), now); });
      }
    }
    for (const auto& store : stores) {
      if (!store) FAIL_CHECK(store.error().text());
    }
    CHECK(versions(*open_raw(backend.url)) == store_migrations().size());
  });
}

TEST_CASE("a store that was made with another master key is refused, and the sentence names both") {
  each_backend([](const Backend& backend) {
    {
      const auto store = open_store(backend.url);
    }
    const auto other = Store::open(backend.url, test::sealer(2), now);
    REQUIRE(!other);
    CHECK(other.error().code == Errc::mismatch);
    CHECK(other.error().message.find("master key") != std::string::npos);
    CHECK(Store::open(backend.url, test::sealer(1), now));
  });
}
