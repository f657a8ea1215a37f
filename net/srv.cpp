#include "net/srv.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>

#include <algorithm>
#include <array>
#include <random>

#include "net/https_url.h"

namespace attestd {
namespace {

constexpr std::size_t message_limit = 65535;  // bytes, RFC 1035 section 4.2.2
constexpr int patience_s = 2;
constexpr std::size_t srv_fixed_size = 6;  // bytes before the target, RFC 2782

class Resolver {
 public:
  Resolver() : good_(::res_ninit(&state_) == 0) {}
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  Resolver(Resolver&&) = delete;
  Resolver& operator=(Resolver&&) = delete;
  ~Resolver() {
    if (good_) ::res_nclose(&state_);
  }
  [[nodiscard]] bool good() const { return good_; }
  res_state state() { return &state_; }

 private:
  struct __res_state state_{};
  bool good_;
};

// RFC 2782: at random among those of one priority, the chance of each by its weight.
void order(std::vector<SrvRecord>& records) {
  std::stable_sort(records.begin(), records.end(),
                   [](const SrvRecord& a, const SrvRecord& b) { return a.priority < b.priority; });
  std::random_device random;
  for (auto first = records.begin(); first != records.end(); ++first) {
    const auto last =
        std::find_if(first, records.end(), [&](const SrvRecord& other) { return other.priority != first->priority; });
    // A weight of 0 has a small chance too.
    std::vector<double> chances;
    for (auto record = first; record != last; ++record) chances.push_back(record->weight == 0 ? 0.01 : record->weight);
    std::discrete_distribution<std::ptrdiff_t> choose(chances.begin(), chances.end());
    std::iter_swap(first, first + choose(random));
  }
}

}  // namespace

Result<std::vector<SrvRecord>> parse_srv(ByteView message) {
  ns_msg parsed{};
  const auto* const bytes = reinterpret_cast<const unsigned char*>(message.data());
  if (message.size() > message_limit || ::ns_initparse(bytes, static_cast<int>(message.size()), &parsed) != 0) {
    return fail(Errc::malformed, "the DNS server's answer is no DNS message");
  }
  std::vector<SrvRecord> out;
  const int count = ns_msg_count(parsed, ns_s_an);
  for (int i = 0; i < count && out.size() < srv_limit; ++i) {
    ns_rr record{};
    if (::ns_parserr(&parsed, ns_s_an, i, &record) != 0) {
      return fail(Errc::malformed, "the DNS server's answer has a record that cannot be read");
    }
    if (ns_rr_type(record) != ns_t_srv || ns_rr_class(record) != ns_c_in) continue;
    if (ns_rr_rdlen(record) <= srv_fixed_size) return fail(Errc::malformed, "an SRV record is too short");
    const unsigned char* const data = ns_rr_rdata(record);
    std::array<char, NS_MAXDNAME> target{};
    if (::dn_expand(bytes, bytes + message.size(), data + srv_fixed_size, target.data(), target.size()) < 0 ||
        (target[0] != '\0' && !is_host_name(target.data()))) {
      return fail(Errc::malformed, "an SRV record's target is no host's name");
    }
    out.push_back({static_cast<std::uint16_t>(ns_get16(data)), static_cast<std::uint16_t>(ns_get16(data + 2)),
                   static_cast<std::uint16_t>(ns_get16(data + 4)), target.data()});
  }
  return out;
}

Result<std::vector<SrvRecord>> lookup_srv(const std::string& name, const NameServer& server) {
  if (name.size() > NS_MAXDNAME || !is_host_name(name)) {
    return fail(Errc::usage, "\"" + name + "\" is no name of the DNS");
  }
  Resolver resolver;
  if (!resolver.good()) return fail(Errc::unavailable, "the resolver does not start: see /etc/resolv.conf");
  const res_state state = resolver.state();
  state->retrans = patience_s;
  state->retry = 1;
  state->options |= RES_IGNTC | RES_USE_EDNS0;
  if (!server.address.empty()) {
    sockaddr_in& only = state->nsaddr_list[0];
    only.sin_family = AF_INET;
    only.sin_port = htons(server.port);
    if (::inet_pton(AF_INET, server.address.c_str(), &only.sin_addr) != 1) {
      return fail(Errc::usage, "\"" + server.address + "\" is no IPv4 address of a DNS server");
    }
    state->nscount = 1;
  }
  Bytes answer(message_limit);
  const int size = ::res_nquery(state, name.c_str(), ns_c_in, ns_t_srv, reinterpret_cast<unsigned char*>(answer.data()),
                                static_cast<int>(answer.size()));
  if (size < 0) {
    const int why = state->res_h_errno;
    if (why == HOST_NOT_FOUND || why == NO_DATA) return std::vector<SrvRecord>();
    return fail(Errc::unavailable, "the DNS gives no answer for the SRV record of " + name + ": " + ::hstrerror(why));
  }
  answer.resize(std::min(static_cast<std::size_t>(size), answer.size()));
  auto records = parse_srv(answer);
  if (!records) return std::unexpected(std::move(records).error().in("the SRV record of " + name));
  order(*records);
  return records;
}

}  // namespace attestd
