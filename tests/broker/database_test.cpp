#include "broker/database.h"

#include <sys/stat.h>

#include <limits>
#include <thread>

#include "broker/database_pool.h"
#include "tests/broker/backends.h"
#include "tests/catch.h"

using namespace attestd;
using namespace attestd::broker;
using test::Backend;
using test::each_backend;
using test::open_raw;

namespace {

constexpr const char* make_table = "CREATE TABLE items (id BIGINT PRIMARY KEY, name TEXT, data BYTEA)";

DatabaseOptions impatient() {
  DatabaseOptions options;
  options.lock_timeout = std::chrono::milliseconds(200);
  return options;
}

std::int64_t count(Database& database) {
  const auto rows = database.execute("SELECT COUNT(*) FROM items");
  REQUIRE(rows);
  return RowReader(rows->rows[0]).integer();
}

}  // namespace

TEST_CASE("values come back as they went in") {
  each_backend([](const Backend& backend) {
    const auto database = open_raw(backend.url);
    REQUIRE(database->execute(make_table));
    const std::vector<Row> rows = {
        {std::int64_t{1}, std::string("text"), to_bytes("bytes")},
        {std::int64_t{2}, std::string(), Bytes{}},
        {std::int64_t{3}, std::monostate{}, std::monostate{}},
        {std::numeric_limits<std::int64_t>::min(), std::string("\u00e4\u20ac $1 ' \\ \n"), Bytes(300, std::byte{0})},
        {std::numeric_limits<std::int64_t>::max(), std::string(70000, 'x'), Bytes(70000, std::byte{0xff})},
    };
    for (const Row& row : rows) {
      const auto done = database->execute("INSERT INTO items (id, name, data) VALUES ($1, $2, $3)", row);
      REQUIRE(done);
      CHECK(done->changed == 1);
      CHECK(done->rows.empty());
      const auto read = database->execute("SELECT id, name, data FROM items WHERE id = $1", {row[0]});
      REQUIRE(read);
      REQUIRE(read->rows.size() == 1);
      CHECK(read->rows[0] == row);
      CHECK(read->changed == 0);
    }
    CHECK(database->execute("UPDATE items SET name = 'y' WHERE id > 0")->changed == 4);
    CHECK(database->changes() == 9);
  });
}

TEST_CASE("parameters are taken by their numbers, not in the order of their appearance") {
  each_backend([](const Backend& backend) {
    const auto database = open_raw(backend.url);
    const auto rows = database->execute("SELECT CAST($2 AS TEXT), CAST($1 AS TEXT), CAST($2 AS TEXT)",
                                        {std::string("one"), std::string("two")});
    REQUIRE(rows);
    CHECK(rows->rows[0] == Row{std::string("two"), std::string("one"), std::string("two")});
  });
}

TEST_CASE("a wrong number of parameters and a NUL in a text are refused") {
  each_backend([](const Backend& backend) {
    const auto database = open_raw(backend.url);
    CHECK(!database->execute("SELECT CAST($1 AS TEXT)", {}));
    CHECK(!database->execute("SELECT CAST($1 AS TEXT)", {std::string("a"), std::string("b")}));
    const auto nul = database->execute("SELECT CAST($1 AS TEXT)", {std::string("a\0b", 3)});
    REQUIRE(!nul);
    CHECK(nul.error().code == Errc::usage);
    // And the connection is as good as before.
    CHECK(database->execute("SELECT CAST($1 AS TEXT)", {std::string("a")}));
  });
}

TEST_CASE("more statements than a connection keeps prepared are as good as few") {
  each_backend([](const Backend& backend) {
    const auto database = open_raw(backend.url);
    for (std::int64_t i = 0; i < 450; ++i) {
      const auto rows = database->execute("SELECT CAST(" + std::to_string(i) + " + $1 AS BIGINT)", {i});
      REQUIRE(rows);
      REQUIRE(rows->rows[0] == Row{2 * i});
    }
  });
}

TEST_CASE("a transaction is rolled back unless it is committed") {
  each_backend([](const Backend& backend) {
    const auto database = open_raw(backend.url);
    REQUIRE(database->execute(make_table));
    {
      const auto transaction = Transaction::begin(*database);
      REQUIRE(transaction);
      CHECK(database->in_transaction());
      REQUIRE(database->execute("INSERT INTO items (id) VALUES (1)"));
    }
    CHECK(!database->in_transaction());
    CHECK(count(*database) == 0);
    auto transaction = Transaction::begin(*database);
    REQUIRE(transaction);
    REQUIRE(database->execute("INSERT INTO items (id) VALUES (2)"));
    REQUIRE(transaction->commit());
    CHECK(count(*open_raw(backend.url)) == 1);
  });
}

TEST_CASE("a transaction with a statement that failed is never taken as committed") {
  each_backend([](const Backend& backend) {
    const auto database = open_raw(backend.url);
    REQUIRE(database->execute(make_table));
    REQUIRE(database->execute("INSERT INTO items (id) VALUES (1)"));
    auto transaction = Transaction::begin(*database);
    REQUIRE(transaction);
    REQUIRE(database->execute("INSERT INTO items (id) VALUES (2)"));
    const auto again = database->execute("INSERT INTO items (id) VALUES (1)");
    REQUIRE(!again);
    CHECK(again.error().code == Errc::internal);
    // SQLite goes on after a statement that did nothing; PostgreSQL answers COMMIT with ROLLBACK.
    const auto committed = transaction->commit();
    CHECK(bool(committed) == (count(*database) == 2));
    CHECK(bool(committed) == (backend.dialect == Dialect::sqlite));
  });
}

TEST_CASE("of two writers one waits, and is told that the database is busy when it takes too long") {
  each_backend([](const Backend& backend) {
    const auto first = open_raw(backend.url);
    const auto second = open_raw(backend.url, impatient());
    REQUIRE(first->execute(make_table));
    auto transaction = Transaction::begin(*first);
    REQUIRE(transaction);
    const auto refused = Transaction::begin(*second);
    REQUIRE(!refused);
    CHECK(refused.error().code == Errc::busy);
    REQUIRE(transaction->commit());
    CHECK(Transaction::begin(*second));
  });
}

TEST_CASE("a pool gives each thread its own connection, and no more than it may") {
  each_backend([](const Backend& backend) {
    DatabasePool pool(backend.url, 2, impatient());
    auto first = pool.take();
    REQUIRE(first);
    {
      auto second = pool.take();
      REQUIRE(second);
      CHECK(&**first != &**second);
      const auto third = pool.take();
      REQUIRE(!third);
      CHECK(third.error().code == Errc::busy);
    }
    CHECK(pool.take());
  });
}

TEST_CASE("a pool that cannot connect says so each time, and keeps its places") {
  DatabasePool pool("sqlite:/nowhere/at/all.db", 1, impatient());
  for (int i = 0; i < 3; ++i) {
    const auto lease = pool.take();
    REQUIRE(!lease);
    CHECK(lease.error().code == Errc::not_found);
  }
}

TEST_CASE("a URL of another kind is refused without being repeated") {
  for (const char* const url :
       {"", "mysql://u:hunter2@h/d", "/var/lib/hunter2", "sqlite:hunter2", "sqlite:/", "postgresql://u:hunter2@[::1/d",
        "postgresql://u:hunter2@h/d?no_such=hunter2", "postgresql://u:hunter2@h:port/d"}) {
    const auto database = open_database(url);
    INFO(url);
    REQUIRE(!database);
    CHECK(database.error().text().find("hunter2") == std::string::npos);
  }
}

TEST_CASE("a row that holds another type than the schema says is an error") {
  const Row row = {std::int64_t{1}, std::string("text")};
  RowReader good(row);
  CHECK(good.integer() == 1);
  CHECK(good.text() == "text");
  CHECK(good.done("it"));
  RowReader wrong(row);
  wrong.text();
  wrong.text();
  CHECK(!wrong.done("it"));
  RowReader early(row);
  early.integer();
  CHECK(!early.done("it"));
  RowReader late(row);
  late.integer();
  late.text();
  late.optional_bytes();
  CHECK(!late.done("it"));
}

TEST_CASE("SQLite writes through to the disk, checks foreign keys, and keeps its files to itself") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("broker.db");
  const auto database = open_raw("sqlite:" + path);
  CHECK(database->execute("PRAGMA synchronous")->rows[0] == Row{std::int64_t{2}});
  CHECK(database->execute("PRAGMA foreign_keys")->rows[0] == Row{std::int64_t{1}});
  CHECK(database->execute("PRAGMA journal_mode")->rows[0] == Row{std::string("wal")});
  REQUIRE(database->execute(make_table));
  for (const char* const suffix : {"", "-wal", "-shm"}) {
    struct stat status{};
    REQUIRE(::stat((path + suffix).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
  }
}

TEST_CASE("an SQLite file that others may reach is refused") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("broker.db");
  const std::string url = "sqlite:" + path;
  REQUIRE(open_database(url));
  struct Case {
    std::string path;
    mode_t bad, good;
  };
  for (const Case& each : {Case{path, 0640, 0600}, Case{path, 0604, 0600}, Case{path, 0620, 0600},
                           Case{folder.path(), 0770, 0700}, Case{folder.path(), 01777, 0755}}) {
    REQUIRE(::chmod(each.path.c_str(), each.bad) == 0);
    const auto refused = open_database(url);
    INFO(each.path << " " << each.bad);
    REQUIRE(!refused);
    CHECK(refused.error().code == Errc::permission);
    REQUIRE(::chmod(each.path.c_str(), each.good) == 0);
    CHECK(open_database(url));
  }
  const std::string link = folder.file("link.db");
  REQUIRE(::symlink(path.c_str(), link.c_str()) == 0);
  CHECK(!open_database("sqlite:" + link));
}

TEST_CASE("what is no SQLite database is refused") {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("broker.db", std::string(4096, 'x'));
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  const auto database = open_database("sqlite:" + path);
  REQUIRE(!database);
  CHECK(database.error().code == Errc::malformed);
}
