// What group commit brings: releases decided per second, each durable with its record in the
// audit chain, by threads that each ask again as soon as they are answered. SQLite in a
// temporary folder and, where its server is installed, a PostgreSQL of our own with fsync.
//   store-load [SECONDS [THREADS…]]
// Prints "DATABASE THREADS GROUP per_s P50_MS P99_MS"; a group of 1 is a COMMIT for each.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/stopwatch.h"
#include "broker/store.h"
#include "tests/broker/postgresql_server.h"
#include "tests/temporary_folder.h"

namespace attestd::broker {
namespace {

template <class T>
T value(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

std::string path_of(unsigned thread) { return "default/luks/" + std::to_string(thread); }

std::unique_ptr<Store> prepare(const std::string& url, unsigned threads, std::size_t group) {
  StoreOptions options;
  options.group = group;
  // Whoever waits for its turn to commit is not to give up.
  options.database.lock_timeout = std::chrono::seconds(60);
  options.database.statement_timeout = std::chrono::seconds(90);
  auto store = value(Store::open(url, value(Sealer::from(value(SecretBytes::make(master_key_size)))), 0, options));
  value(store->write([&](StoreTransaction& transaction) -> Result<void> {
    ATTESTD_CHECK(transaction.put_policy("web", "x = 1\n", 0));
    for (unsigned i = 0; i < threads; ++i) {
      ATTESTD_CHECK(transaction.put_resource({path_of(i), "web", {}, {}}, as_bytes("secret"), 0));
    }
    return {};
  }));
  return store;
}

// Decides on releases until `over`; the time of each, in ms.
std::vector<double> ask(Store& store, unsigned thread, const std::atomic<bool>& over) {
  std::vector<double> times;
  Release release;
  release.path = path_of(thread);
  release.version = 1;
  release.audit_body = R"({"event":"release","path":")" + release.path +
                       R"(","vm":"0123456789abcdef0123456789abcdef","verdict":"trusted","policy":"web","version":1})";
  while (!over) {
    const Stopwatch watch;
    release.update.counter = static_cast<std::int64_t>(times.size());
    value(store.decide(release));
    times.push_back(watch.seconds() * 1e3);
  }
  return times;
}

void measure(const char* database, const std::string& url, unsigned threads, std::size_t group, double seconds) {
  const auto store = prepare(url, threads, group);
  std::atomic<bool> over = false;
  std::vector<std::vector<double>> each(threads);
  const Stopwatch watch;
  {
    std::vector<std::jthread> askers;
    for (unsigned i = 0; i < threads; ++i) {
      askers.emplace_back([&, i] { each[i] = ask(*store, i, over); });
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    over = true;
  }
  const double took = watch.seconds();
  std::vector<double> times;
  for (const auto& some : each) times.insert(times.end(), some.begin(), some.end());
  std::ranges::sort(times);
  const auto at = [&](double part) {
    return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
  };
  const ChainCheck chain = value(store->verify_chain());
  if (chain.first_bad || chain.checked != static_cast<std::int64_t>(times.size()))
    throw std::runtime_error("a bad chain");
  std::printf("%-10s %7u %6zu %9.0f %8.2f %8.2f\n", database, threads, group, static_cast<double>(times.size()) / took,
              at(0.5), at(0.99));
  std::fflush(stdout);
}

int run(const std::vector<std::string>& words) {
  const double seconds = words.empty() ? 3 : std::stod(words[0]);
  std::vector<unsigned> counts;
  for (std::size_t i = 1; i < words.size(); ++i) counts.push_back(static_cast<unsigned>(std::stoul(words[i])));
  if (counts.empty()) counts = {1, 8, 64};
  std::optional<test::PostgresqlServer> server;
  if (test::PostgresqlServer::installed()) server.emplace(true);
  std::printf("%-10s %7s %6s %9s %8s %8s\n", "database", "threads", "group", "per_s", "p50_ms", "p99_ms");
  for (const unsigned threads : counts) {
    for (const std::size_t group : {std::size_t{1}, StoreOptions{}.group}) {
      const test::TemporaryFolder folder;
      measure("sqlite", "sqlite:" + folder.file("broker.db"), threads, group, seconds);
      if (server) measure("postgresql", server->new_database(), threads, group, seconds);
    }
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace attestd::broker

int main(int argc, char** argv) {
  try {
    return attestd::broker::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "store-load: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
