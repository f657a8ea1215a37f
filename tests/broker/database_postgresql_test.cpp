// What only PostgreSQL does: it is another process, and may go.
#include <signal.h>

#include "broker/database_pool.h"
#include "tests/broker/backends.h"
#include "tests/catch.h"

using namespace attestd;
using namespace attestd::broker;
using test::open_raw;
using test::postgresql;

namespace {

std::int64_t backend_of(Database& database) {
  const auto rows = database.execute("SELECT pg_backend_pid()");
  REQUIRE(rows);
  return RowReader(rows->rows[0]).integer();
}

void terminate(const std::string& url, std::int64_t backend) {
  const auto admin = open_raw(url);
  REQUIRE(admin->execute("SELECT CAST(pg_terminate_backend(CAST($1 AS INTEGER), 5000) AS TEXT)", {backend}));
}

}  // namespace

TEST_CASE("PostgreSQL's errors are told apart by what can be done about them") {
  test::PostgresqlServer* const server = postgresql();
  if (server == nullptr) return;
  const auto database = open_raw(server->new_database());
  struct Case {
    const char* state;
    Errc code;
  };
  for (const Case& each : {Case{"40001", Errc::busy}, Case{"40P01", Errc::busy}, Case{"55P03", Errc::busy},
                           Case{"57014", Errc::timed_out}, Case{"23505", Errc::internal}, Case{"P0001", Errc::internal},
                           Case{"53100", Errc::io}, Case{"42501", Errc::internal}, Case{"25006", Errc::unavailable},
                           Case{"08006", Errc::unavailable}, Case{"22021", Errc::malformed}}) {
    const auto done = database->execute(std::string("DO 'BEGIN RAISE SQLSTATE ''") + each.state + "''; END'");
    INFO(each.state);
    REQUIRE(!done);
    CHECK(done.error().code == each.code);
    // A lost connection is made anew.
    CHECK(database->execute("SELECT 1"));
  }
}

TEST_CASE("a statement that takes too long is ended") {
  test::PostgresqlServer* const server = postgresql();
  if (server == nullptr) return;
  DatabaseOptions options;
  options.statement_timeout = std::chrono::milliseconds(200);
  const auto database = open_raw(server->new_database(), options);
  const auto done = database->execute("SELECT 1 FROM pg_sleep(20)");
  REQUIRE(!done);
  CHECK(done.error().code == Errc::timed_out);
  CHECK(database->execute("SELECT 1"));
}

TEST_CASE("a server that answers nothing at all is given up") {
  test::PostgresqlServer* const server = postgresql();
  if (server == nullptr) return;
  DatabaseOptions options;
  options.statement_timeout = std::chrono::milliseconds(100);
  const auto database = open_raw(server->new_database(), options);
  const auto backend = static_cast<pid_t>(backend_of(*database));
  REQUIRE(::kill(backend, SIGSTOP) == 0);
  const auto done = database->execute("SELECT 1");
  ::kill(backend, SIGCONT);
  REQUIRE(!done);
  CHECK(done.error().code == Errc::unavailable);
  CHECK(database->execute("SELECT 1"));
}

TEST_CASE("a connection that is lost is made anew, but never in the middle of a transaction") {
  test::PostgresqlServer* const server = postgresql();
  if (server == nullptr) return;
  const std::string url = server->new_database();
  const auto database = open_raw(url);
  REQUIRE(database->execute("CREATE TABLE items (id BIGINT PRIMARY KEY)"));
  terminate(url, backend_of(*database));
  CHECK(!database->usable());
  const auto lost = database->execute("SELECT 1");
  REQUIRE(!lost);
  CHECK(lost.error().code == Errc::unavailable);
  CHECK(database->execute("SELECT 1"));

  auto transaction = Transaction::begin(*database);
  REQUIRE(transaction);
  REQUIRE(database->execute("INSERT INTO items (id) VALUES (1)"));
  terminate(url, backend_of(*database));
  for (int i = 0; i < 2; ++i) {
    const auto more = database->execute("INSERT INTO items (id) VALUES (2)");
    REQUIRE(!more);
    CHECK(more.error().code == Errc::unavailable);
  }
  CHECK(!database->in_transaction());
  const auto committed = transaction->commit();
  REQUIRE(!committed);
  CHECK(committed.error().code == Errc::unavailable);
  CHECK(database->execute("SELECT id FROM items")->rows.empty());
}

TEST_CASE("a pool outlives a restart of the server") {
  test::PostgresqlServer* const server = postgresql();
  if (server == nullptr) return;
  DatabasePool pool(server->new_database(), 2);
  {
    const auto first = pool.take();
    const auto second = pool.take();
    REQUIRE(first);
    REQUIRE(second);
  }
  server->restart();
  const auto first = pool.take();
  const auto second = pool.take();
  REQUIRE(first);
  REQUIRE(second);
  CHECK((*first)->execute("SELECT 1"));
  CHECK((*second)->execute("SELECT 1"));
}

TEST_CASE("the password is in no error") {
  test::PostgresqlServer* const server = postgresql();
  if (server == nullptr) return;
  REQUIRE(open_raw(server->url("postgres"))->execute("CREATE ROLE locked LOGIN PASSWORD 'right'"));
  const std::string place = "@/postgres?host=" + server->folder();
  CHECK(open_database("postgresql://locked:right" + place));
  const auto refused = open_database("postgresql://locked:hunter2" + place);
  REQUIRE(!refused);
  CHECK(refused.error().code == Errc::unavailable);
  CHECK(refused.error().text().find("hunter2") == std::string::npos);
  // Nor where libpq would say it, as part of something else.
  const auto echoed = open_database("postgresql://locked:hunter2@/hunter2?host=/nowhere/hunter2");
  REQUIRE(!echoed);
  CHECK(echoed.error().text().find("hunter2") == std::string::npos);
}

TEST_CASE("commits are waited for, though the server's default be another") {
  test::PostgresqlServer* const server = postgresql();
  if (server == nullptr) return;
  const std::string url = server->new_database();
  for (const auto& [set, kept] :
       {std::pair{"off", "on"}, {"local", "local"}, {"on", "on"}, {"remote_apply", "remote_apply"}}) {
    REQUIRE(open_raw(url)->execute("ALTER ROLE attestd SET synchronous_commit = '" + std::string(set) + "'"));
    CHECK(open_raw(url)->execute("SELECT current_setting('synchronous_commit')")->rows[0] == Row{std::string(kept)});
  }
  REQUIRE(open_raw(url)->execute("ALTER ROLE attestd RESET synchronous_commit"));
}

TEST_CASE("an error says nothing of a row's values") {
  test::PostgresqlServer* const server = postgresql();
  if (server == nullptr) return;
  const auto database = open_raw(server->new_database());
  REQUIRE(database->execute("CREATE TABLE items (name TEXT PRIMARY KEY)"));
  REQUIRE(database->execute("INSERT INTO items (name) VALUES ($1)", {std::string("hunter2")}));
  const auto again = database->execute("INSERT INTO items (name) VALUES ($1)", {std::string("hunter2")});
  REQUIRE(!again);
  CHECK(again.error().text().find("hunter2") == std::string::npos);
}
