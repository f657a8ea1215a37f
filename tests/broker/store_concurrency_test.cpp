// Many threads, several brokers, and one that is killed.
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>
#include <thread>

#include "base/file.h"
#include "broker/store.h"
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

const std::string path = "default/luks/web-1";

// Each on a thread of its own, all at once.
void in_threads(unsigned count, const std::function<void(unsigned)>& work) {
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
}

SpentChallenge challenge(std::uint32_t number) {
  SpentChallenge out{{}, now + 60};
  std::memcpy(out.id.data(), &number, sizeof number);
  return out;
}

// The challenges below `count` that were spent here first, in the order of a `stride` that has
// no divisor in common with `count`: who comes second in one order is so to the end.
// Throws when one cannot be told.
std::vector<std::uint32_t> race(Store& store, std::uint32_t count, unsigned threads, std::uint32_t stride) {
  std::vector<std::vector<std::uint32_t>> won(threads);
  std::atomic<std::uint32_t> next = 0;
  std::atomic<bool> failed = false;
  in_threads(threads, [&](unsigned thread) {
    for (std::uint32_t i = next++; i < count; i = next++) {
      const std::uint32_t id = i * stride % count;
      const auto first = store.spend_challenge(challenge(id));
      if (!first) failed = true;
      if (first && *first) won[thread].push_back(id);
    }
  });
  if (failed) throw std::runtime_error("a challenge could not be spent");
  std::vector<std::uint32_t> out;
  for (const auto& each : won) out.insert(out.end(), each.begin(), each.end());
  return out;
}

// A child process that runs `work` with its end of a pair of sockets.
struct Child {
  pid_t pid = -1;
  UniqueFd from;
  explicit Child(const std::function<void(int)>& work) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    from = UniqueFd(ends[0]);
    pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid > 0) {
      ::close(ends[1]);
      return;
    }
    from.reset();
    try {
      work(ends[1]);
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  // Both are here: each says so and waits for the other.
  static void meet(int other) {
    std::array<std::byte, 1> byte{};
    if (!write_all(other, "the socket", byte) || ::read(other, byte.data(), 1) != 1) throw std::runtime_error("alone");
  }
  // The exit status, or the signal plus 128.
  [[nodiscard]] int wait() const {
    int status = -1;
    ::waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
};

// Catch's macros are the parent's: a child opens without them.
std::unique_ptr<Store> open_in_child(const std::string& url) {
  auto master = SecretBytes::make(master_key_size);
  std::ranges::fill(master->writable(), std::byte{1});
  auto store = Store::open(url, Sealer::from(*std::move(master)).value(), now);
  if (!store) throw std::runtime_error("the store cannot be opened");
  return *std::move(store);
}

std::vector<std::string> bodies(Database& database) {
  const auto rows = database.execute("SELECT body FROM audit ORDER BY seq");
  REQUIRE(rows);
  std::vector<std::string> out;
  for (const Row& row : rows->rows) out.push_back(std::get<std::string>(row[0]));
  return out;
}

void put_resource(Store& store) {
  REQUIRE(store.write([](StoreTransaction& t) -> Result<void> {
    ATTESTD_CHECK(t.put_policy("web", "x = 1\n", now));
    ATTESTD_CHECK(t.put_resource({path, "web", {}, {}}, as_bytes("secret"), now));
    return {};
  }));
}

Release release(const std::string& body, std::optional<std::int64_t> counter = std::nullopt) {
  Release out;
  out.path = path;
  out.version = 1;
  out.at = now;
  out.audit_body = body;
  out.update.counter = counter;
  return out;
}

}  // namespace

TEST_CASE("of two processes that race for 10,000 challenges, each is spent by one, once") {
  constexpr std::uint32_t count = 10000;
  constexpr unsigned threads = 24;
  each_backend([&](const Backend& backend) {
    {
      const auto schema = open_store(backend.url);
    }
    const Child child([&](int to) {
      const auto store = open_in_child(backend.url);
      Child::meet(to);
      const auto won = race(*store, count, threads, 7919);
      if (!write_all(to, "the socket", std::as_bytes(std::span(won)))) throw std::runtime_error("no socket");
    });
    const auto store = open_store(backend.url);
    Child::meet(child.from.get());
    const auto ours = race(*store, count, threads, 1);
    const auto bytes = read_fd(child.from.get(), "the socket", count * sizeof(std::uint32_t));
    REQUIRE(child.wait() == 0);
    REQUIRE(bytes);
    std::vector<std::uint32_t> all(bytes->size() / sizeof(std::uint32_t));
    if (!all.empty()) std::memcpy(all.data(), bytes->data(), bytes->size());
    CHECK(!all.empty());
    CHECK(!ours.empty());
    all.insert(all.end(), ours.begin(), ours.end());
    CHECK(all.size() == count);
    CHECK(std::set(all.begin(), all.end()).size() == count);
  });
}

TEST_CASE("two brokers with many threads make one chain, and each record is where its writer was told") {
  each_backend([](const Backend& backend) {
    const auto one = open_store(backend.url);
    const auto other = open_store(backend.url);
    constexpr unsigned threads = 16;
    constexpr int each = 40;
    std::vector<std::map<std::int64_t, std::string>> told(threads);
    in_threads(threads, [&](unsigned thread) {
      for (int i = 0; i < each; ++i) {
        const std::string body = "[" + std::to_string(thread) + "," + std::to_string(i) + "]";
        const auto record = (thread % 2 == 0 ? *one : *other).append_audit(now, body);
        if (record) told[thread][record->seq] = body;
      }
    });
    const auto chain = one->verify_chain();
    REQUIRE(chain);
    CHECK(!chain->first_bad);
    CHECK(chain->head.seq == threads * each);
    const auto stored = bodies(*open_raw(backend.url));
    std::size_t found = 0;
    for (const auto& records : told) {
      for (const auto& [seq, body] : records) {
        REQUIRE(stored.at(static_cast<std::size_t>(seq - 1)) == body);
        ++found;
      }
    }
    CHECK(found == threads * each);
  });
}

TEST_CASE("those who wait share one transaction") {
  test::PostgresqlServer* const server = test::postgresql();
  if (server == nullptr) return;
  const std::string url = server->new_database();
  const auto store = open_store(url);
  const auto database = open_raw(url);
  constexpr unsigned threads = 30;
  {
    // Nobody gets on until all have come.
    auto transaction = Transaction::begin(*database);
    REQUIRE(transaction);
    std::atomic<unsigned> started = 0;
    std::vector<std::jthread> askers;
    for (unsigned i = 0; i < threads; ++i) {
      askers.emplace_back([&] {
        ++started;
        static_cast<void>(store->append_audit(now, "{}"));
      });
    }
    while (started < threads) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    REQUIRE(transaction->commit());
  }
  const auto rows = database->execute("SELECT COUNT(*), COUNT(DISTINCT CAST(xmin AS TEXT)) FROM audit");
  REQUIRE(rows);
  CHECK(rows->rows[0][0] == Value(std::int64_t{threads}));
  CHECK(std::get<std::int64_t>(rows->rows[0][1]) <= 3);
}

TEST_CASE("a job that fails, even with an exception or after it wrote, takes nobody else with it") {
  each_backend([](const Backend& backend) {
    const auto store = open_store(backend.url);
    constexpr unsigned threads = 24;
    std::atomic<int> wrong = 0;
    in_threads(threads, [&](unsigned thread) {
      for (int i = 0; i < 10; ++i) {
        const std::string name = "p" + std::to_string(thread) + "-" + std::to_string(i);
        const auto done = store->write([&](StoreTransaction& t) -> Result<void> {
          ATTESTD_CHECK(t.append_audit(now, "\"" + name + "\""));
          if (thread % 4 == 1) return fail(Errc::refused, "before it writes");
          ATTESTD_CHECK(t.put_policy(name, "x = 1\n", now));
          if (thread % 4 == 2) return fail(Errc::refused, "after it wrote");
          if (thread % 4 == 3 && i % 2 == 0) throw std::runtime_error("an exception");
          if (thread % 4 == 3) {
            ATTESTD_CHECK(t.put_enrolment_token({{}, "a/b/c", name, now}, now));
            ATTESTD_CHECK(t.put_resource({"a/b/c", "none", {}, {}}, {}, now));
          }
          return {};
        });
        if (bool(done) != (thread % 4 == 0)) ++wrong;
      }
    });
    CHECK(wrong == 0);
    const auto chain = store->verify_chain();
    REQUIRE(chain);
    CHECK(!chain->first_bad);
    CHECK(chain->head.seq == threads / 4 * 10);
    const auto database = open_raw(backend.url);
    CHECK(database->execute("SELECT name FROM policies")->rows.size() == threads / 4 * 10);
    CHECK(database->execute("SELECT path FROM enrolment_tokens")->rows.empty());
  });
}

TEST_CASE("in the order of the chain no counter goes back, whoever races") {
  each_backend([](const Backend& backend) {
    const auto one = open_store(backend.url);
    const auto other = open_store(backend.url);
    put_resource(*one);
    std::atomic<int> released = 0;
    in_threads(16, [&](unsigned thread) {
      for (unsigned i = 0; i < 20; ++i) {
        const std::int64_t counter = i * 16 + (thread * 7) % 16;
        if ((thread % 2 == 0 ? *one : *other).decide(release(std::to_string(counter), counter))) ++released;
      }
    });
    std::int64_t last = -1;
    const auto stored = bodies(*open_raw(backend.url));
    CHECK(stored.size() == static_cast<std::size_t>(released));
    for (const std::string& body : stored) {
      const std::int64_t counter = std::stoll(body);
      REQUIRE(counter >= last);
      last = counter;
    }
    const auto rows = open_raw(backend.url)->execute("SELECT counter, releases FROM volume_states");
    REQUIRE(rows);
    CHECK(rows->rows[0] == Row{last, std::int64_t{released}});
  });
}

TEST_CASE("nothing is released after a revocation, whoever races") {
  each_backend([](const Backend& backend) {
    const auto one = open_store(backend.url);
    const auto other = open_store(backend.url);
    put_resource(*one);
    in_threads(12, [&](unsigned thread) {
      if (thread == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(60));
        static_cast<void>(other->write([](StoreTransaction& t) -> Result<void> {
          ATTESTD_CHECK(t.append_audit(now, "\"revoked\""));
          return t.revoke_resource(path, std::nullopt, now);
        }));
        return;
      }
      while ((thread % 2 == 0 ? *one : *other).decide(release("\"released\""))) continue;
    });
    const auto stored = bodies(*open_raw(backend.url));
    REQUIRE(!stored.empty());
    CHECK(std::ranges::count(stored, "\"revoked\"") == 1);
    CHECK(stored.back() == "\"revoked\"");
    CHECK(stored.size() > 1);
  });
}

TEST_CASE("of many who spend one enrolment token one may, and all who make one key get the same") {
  each_backend([](const Backend& backend) {
    const auto one = open_store(backend.url);
    const auto other = open_store(backend.url);
    put_resource(*one);
    REQUIRE(one->write([](StoreTransaction& t) { return t.put_enrolment_token({{}, path, "web", now + 60}, now); }));
    std::atomic<int> spent = 0;
    std::vector<std::string> keys(16);
    in_threads(16, [&](unsigned thread) {
      Store& store = thread % 2 == 0 ? *one : *other;
      if (store.write([](StoreTransaction& t) -> Result<void> {
            ATTESTD_CHECK(t.spend_enrolment_token({}, now));
            return {};
          })) {
        ++spent;
      }
      static_cast<void>(store.write([&](StoreTransaction& t) -> Result<void> {
        ATTESTD_TRY(const NamedKey key, t.insert_key_if_absent("token", std::to_string(thread), as_bytes("private")));
        keys[thread] = key.public_text;
        return {};
      }));
    });
    CHECK(spent == 1);
    CHECK(!keys[0].empty());
    CHECK(std::set(keys.begin(), keys.end()).size() == 1);
  });
}

TEST_CASE("a writer that is killed leaves a good chain with every record that it was told of") {
  each_backend([](const Backend& backend) {
    {
      const auto schema = open_store(backend.url);
    }
    std::int64_t acknowledged = 0;
    for (int round = 0; round < 3; ++round) {
      // Writes "seq\n" after each record is acknowledged, in one write(2) each.
      const Child child([&](int to) {
        const auto store = open_in_child(backend.url);
        in_threads(8, [&](unsigned) {
          for (;;) {
            const auto record = store->append_audit(now, "{}");
            if (!record || !write_all(to, "the socket", as_bytes(std::to_string(record->seq) + "\n"))) return;
          }
        });
      });
      std::string told;
      std::array<char, 4096> chunk{};
      const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (std::ranges::count(told, '\n') < 200 && std::chrono::steady_clock::now() < until) {
        const ssize_t count = ::read(child.from.get(), chunk.data(), chunk.size());
        if (count <= 0) break;
        told.append(chunk.data(), static_cast<std::size_t>(count));
      }
      REQUIRE(::kill(child.pid, SIGKILL) == 0);
      CHECK(child.wait() == 128 + SIGKILL);
      told += as_text(read_fd(child.from.get(), "the socket", 1 << 20).value());
      REQUIRE(std::ranges::count(told, '\n') >= 200);

      const auto store = open_store(backend.url);
      const auto chain = store->verify_chain();
      REQUIRE(chain);
      CHECK(!chain->first_bad);
      std::set<std::int64_t> records;
      std::size_t begin = 0;
      for (std::size_t end = told.find('\n'); end != std::string::npos; end = told.find('\n', begin)) {
        const std::int64_t seq = std::stoll(told.substr(begin, end - begin));
        REQUIRE(records.insert(seq).second);
        REQUIRE(seq <= chain->checked);
        REQUIRE(seq > acknowledged);
        begin = end + 1;
      }
      acknowledged = *records.rbegin();
    }
  });
}
