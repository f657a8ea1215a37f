#include "broker/refusal_log.h"

#include <algorithm>
#include <numeric>

#include "tests/catch.h"

using namespace attestd::broker;

TEST_CASE("an address has so many refusals recorded in a minute, and all addresses so many") {
  RefusalLog log({.per_address = 2, .in_total = 3});
  CHECK(log.admit("a", 60));
  CHECK(log.admit("a", 61));
  CHECK_FALSE(log.admit("a", 62));
  CHECK(log.admit("b", 63));
  CHECK_FALSE(log.admit("b", 64));  // its own second, and the fourth of all
  CHECK_FALSE(log.admit("c", 119));
  CHECK(log.admit("c", 120));
  CHECK(log.admit("a", 121));
}

TEST_CASE("what has no record is counted by address, with its first and last time, once") {
  RefusalLog log({.per_address = 1, .in_total = 100});
  for (std::int64_t at = 60; at < 70; ++at) log.admit("a", at);
  log.admit("b", 65);
  const auto told = log.take();
  REQUIRE(told.size() == 1);
  CHECK(told[0].address == "a");
  CHECK(told[0].count == 9);
  CHECK(told[0].first == 61);
  CHECK(told[0].last == 69);
  CHECK(log.take().empty());
  log.put_back(told);
  log.admit("a", 71);
  const auto again = log.take();
  REQUIRE(again.size() == 1);
  CHECK(again[0].count == 10);
  CHECK(again[0].first == 61);
  CHECK(again[0].last == 71);
}

TEST_CASE("many addresses take little room, and none of their refusals is lost") {
  RefusalLog log({.per_address = 1, .in_total = 1});
  for (int i = 0; i < 10000; ++i) log.admit("192.0.2." + std::to_string(i), 60);
  const auto told = log.take();
  CHECK(told.size() == 65);
  CHECK(std::ranges::count(told, "others", &UnrecordedRefusals::address) == 1);
  CHECK(std::accumulate(told.begin(), told.end(), std::uint64_t{0},
                        [](std::uint64_t sum, const UnrecordedRefusals& one) { return sum + one.count; }) == 9999);
}
