#include "unlock/route.h"

#include <string>

#include "tests/catch.h"

namespace attestd::unlock::test {
namespace {

using namespace std::chrono_literals;

const std::string four_head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
const std::string zeros(32, '0');

std::string six(const std::string& destination, const std::string& flags, const std::string& interface) {
  return destination + " 40 " + zeros + " 00 " + zeros + " 00000400 00000001 00000000 " + flags + "     " + interface +
         "\n";
}

TEST_CASE("a network is there when a route leads out of the machine") {
  const std::string global = "20010db8" + std::string(24, '0');
  const std::string link_local = "fe80" + std::string(28, '0');
  struct Case {
    std::string name, ipv4, ipv6;
    bool there;
  };
  for (const auto& [name, ipv4, ipv6, there] : std::vector<Case>{
           {"nothing", "", "", false},
           {"a table without a route", four_head, "", false},
           {"DHCP's", four_head + "enp0s2\t00000000\t0202000A\t0003\t0\t0\t1024\t00000000\t0\t0\t0\n", "", true},
           {"one that is down", four_head + "enp0s2\t00000000\t0202000A\t0002\t0\t0\t1024\t00000000\t0\t0\t0\n", "",
            false},
           {"one that refuses", four_head + "*\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n", "", false},
           {"loopback's", four_head + "lo\t0000007F\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n", "", false},
           {"link-local IPv4 alone", four_head + "enp0s2\t0000FEA9\t00000000\t0001\t0\t0\t1024\t0000FFFF\t0\t0\t0\n",
            "", false},
           {"one address of link-local IPv4",
            four_head + "enp0s2\tFEA9FEA9\t0202000A\t0007\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n", "", false},
           {"not quite link-local IPv4", four_head + "enp0s2\t0000FFA9\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n",
            "", true},
           {"a default route by a link-local gateway",
            four_head + "enp0s2\t00000000\t0100FEA9\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", "", true},
           {"link-local IPv6 alone", four_head, six(link_local, "00000001", "enp0s2"), false},
           {"multicast alone", four_head, six("ff" + std::string(30, '0'), "00000001", "enp0s2"), false},
           {"IPv6", four_head, six(global, "00000001", "enp0s2"), true},
           {"a default route of IPv6", four_head, six(zeros, "00450003", "enp0s2"), true},
           {"the kernel's that refuses all", four_head, six(zeros, "00200200", "lo"), false},
           {"half a line", "enp0s2\t00000000", zeros, false},
       }) {
    INFO(name);
    CHECK(has_route(ipv4, ipv6) == there);
  }
  CHECK(has_name_server("search x\n  nameserver 10.0.2.3\n"));
  CHECK_FALSE(has_name_server("# nameserver 10.0.2.3\nnameserver\n"));
}

TEST_CASE("who sleeps without a network wakes when it comes, and otherwise sleeps on") {
  std::chrono::milliseconds slept{0};
  const auto sleep = [&](std::chrono::milliseconds time) { slept += time; };
  sleep_or_network(2s, [] { return true; }, sleep);
  CHECK(slept == 2s);
  slept = 0ms;
  sleep_or_network(2s, [] { return false; }, sleep);
  CHECK(slept == 2s);
  slept = 0ms;
  sleep_or_network(2s, [&] { return slept >= 300ms; }, sleep);
  CHECK(slept == 300ms);
}

}  // namespace
}  // namespace attestd::unlock::test
