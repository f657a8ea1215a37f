// What becomes of a store when its database goes away at the worst time.
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "base/unix_socket.h"
#include "broker/store.h"
#include "tests/broker/backends.h"
#include "tests/catch.h"

using namespace attestd;
using namespace attestd::broker;
using test::now;
using test::open_raw;
using test::open_store;
using test::postgresql;

namespace {

const std::string path = "default/luks/web-1";

// Stands between a client and PostgreSQL, and breaks the connection at the next COMMIT.
class CommitBreaker {
 public:
  enum class Way { lets_all_pass, before_it_arrives, before_its_answer };

  explicit CommitBreaker(const std::string& server_folder) : server_(server_folder + socket_name) {
    const sockaddr_un address = unix_address(folder_.path() + socket_name).value();
    listener_ = unix_socket().value();
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_.get(), 16) == 0);
    accepting_ = std::jthread([this] {
      for (;;) {
        const int accepted = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
        if (accepted < 0) return;
        connections_.emplace_back([this, accepted](const std::stop_token& stop) { forward(UniqueFd(accepted), stop); });
      }
    });
  }
  ~CommitBreaker() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    accepting_.join();
  }
  CommitBreaker(const CommitBreaker&) = delete;
  CommitBreaker& operator=(const CommitBreaker&) = delete;

  void arm(Way way) { way_ = way; }
  [[nodiscard]] const std::string& folder() const { return folder_.path(); }
  [[nodiscard]] int broken() const { return broken_; }

 private:
  static constexpr const char* socket_name = "/.s.PGSQL.5432";
  // Query of PostgreSQL 15, section 55.7: ends in a NUL, unlike "READ COMMITTED".
  static constexpr std::string_view commit_message{"COMMIT\0", 7};

  // False at the end of a connection.
  static bool pass(int from, int to, std::string& bytes) {
    std::array<char, 16384> chunk;
    const ssize_t count = ::read(from, chunk.data(), chunk.size());
    if (count <= 0) return false;
    bytes.assign(chunk.data(), static_cast<std::size_t>(count));
    return to < 0 || bool(write_all(to, "the connection", as_bytes(bytes)));
  }

  void forward(const UniqueFd& client, const std::stop_token& stop) {
    const UniqueFd server = unix_socket().value();
    const sockaddr_un address = unix_address(server_).value();
    if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
    std::string bytes;
    while (!stop.stop_requested()) {
      std::array<pollfd, 2> ends = {pollfd{client.get(), POLLIN, 0}, pollfd{server.get(), POLLIN, 0}};
      if (::poll(ends.data(), ends.size(), 50) < 0) return;
      if (ends[1].revents != 0 && !pass(server.get(), client.get(), bytes)) return;
      if (ends[0].revents == 0) continue;
      if (!pass(client.get(), -1, bytes)) return;
      Way way = Way::lets_all_pass;
      if (bytes.find(commit_message) != std::string::npos) way = way_.exchange(Way::lets_all_pass);
      if (way != Way::lets_all_pass) ++broken_;
      if (way == Way::before_it_arrives) return;
      if (!write_all(server.get(), "the connection", as_bytes(bytes))) return;
      if (way == Way::before_its_answer) {
        pass(server.get(), -1, bytes);
        return;
      }
    }
  }

  test::TemporaryFolder folder_;
  std::string server_;
  UniqueFd listener_;
  std::atomic<Way> way_ = Way::lets_all_pass;
  std::atomic<int> broken_ = 0;
  std::vector<std::jthread> connections_;
  std::jthread accepting_;
};

Release release() {
  Release out;
  out.path = path;
  out.version = 1;
  out.at = now;
  out.audit_body = "{}";
  return out;
}

void put_resource(Store& store) {
  REQUIRE(store.write([](StoreTransaction& t) -> Result<void> {
    ATTESTD_CHECK(t.put_policy("web", "x = 1\n", now));
    ATTESTD_CHECK(t.put_resource({path, "web", {}, {}}, as_bytes("secret"), now));
    return {};
  }));
}

}  // namespace

TEST_CASE("a release whose COMMIT has no answer is an error, and is not tried again") {
  test::PostgresqlServer* const server = postgresql();
  if (server == nullptr) return;
  for (const auto way : {CommitBreaker::Way::before_it_arrives, CommitBreaker::Way::before_its_answer}) {
    const std::string url = server->new_database();
    CommitBreaker breaker(server->folder());
    std::string through = url;
    through.replace(through.find(server->folder()), server->folder().size(), breaker.folder());
    const auto store = open_store(through);
    put_resource(*store);
    breaker.arm(way);
    const auto decided = store->decide(release());
    REQUIRE(breaker.broken() == 1);
    REQUIRE(!decided);
    CHECK(decided.error().code == Errc::io);
    CHECK(decided.error().message.find("unknown") != std::string::npos);
    // Either may have come true.
    const std::int64_t records = way == CommitBreaker::Way::before_its_answer ? 1 : 0;
    CHECK(open_store(url)->verify_chain()->head.seq == records);
    // And the store goes on.
    CHECK(store->decide(release())->seq == records + 1);
  }
}

TEST_CASE("a store whose connections were all lost goes on, and its caller sees nothing of it") {
  test::PostgresqlServer* const server = postgresql();
  if (server == nullptr) return;
  const auto store = open_store(server->new_database());
  put_resource(*store);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(store->decide(release()));
    server->restart();
    REQUIRE(store->read([](const StoreReader& reader) -> Result<void> {
      ATTESTD_CHECK(reader.secret(path));
      return {};
    }));
  }
  CHECK(store->verify_chain()->checked == 3);
}

TEST_CASE("connections that are cut while many threads write cost no record and make none twice") {
  test::PostgresqlServer* const server = postgresql();
  if (server == nullptr) return;
  const std::string url = server->new_database();
  const auto store = open_store(url);
  std::atomic<bool> over = false;
  std::atomic<std::int64_t> acknowledged = 0;
  std::atomic<std::int64_t> unknown = 0;
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        while (!over) {
          const auto record = store->append_audit(now, "{}");
          if (record) ++acknowledged;
          if (!record && record.error().code == Errc::io) ++unknown;
          if (!record && record.error().code != Errc::io && record.error().code != Errc::unavailable) ++wrong;
        }
      });
    }
    const auto admin = open_raw(url);
    for (int i = 0; i < 20; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      CHECK(
          admin->execute("SELECT CAST(pg_terminate_backend(pid) AS TEXT) FROM pg_stat_activity "
                         "WHERE datname = current_database() AND pid <> pg_backend_pid()"));
    }
    over = true;
  }
  CHECK(wrong == 0);
  const auto chain = store->verify_chain();
  REQUIRE(chain);
  CHECK(!chain->first_bad);
  CHECK(acknowledged > 0);
  CHECK(chain->checked >= acknowledged);
  CHECK(chain->checked <= acknowledged + unknown);
}

TEST_CASE("a database without a server is unavailable, and the error says so") {
  const auto store = Store::open("postgresql:///broker?host=/nowhere", test::sealer(), now);
  REQUIRE(!store);
  CHECK(store.error().code == Errc::unavailable);
}

TEST_CASE("a disk that is full ends the transaction, and nothing of it is taken as done") {
  const test::TemporaryFolder folder;
  const auto database = open_raw("sqlite:" + folder.file("broker.db"));
  REQUIRE(database->execute("CREATE TABLE items (data BYTEA)"));
  REQUIRE(database->execute("PRAGMA max_page_count=10"));
  auto transaction = Transaction::begin(*database);
  REQUIRE(transaction);
  REQUIRE(database->execute("INSERT INTO items VALUES ($1)", {to_bytes("small")}));
  const auto full = database->execute("INSERT INTO items VALUES ($1)", {Bytes(1000000)});
  REQUIRE(!full);
  CHECK(full.error().code == Errc::io);
  const bool committed = bool(transaction->commit());
  const auto rows = database->execute("SELECT data FROM items");
  REQUIRE(rows);
  CHECK(rows->rows.size() == (committed ? 1 : 0));
}
