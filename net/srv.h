// SRV records of the DNS (RFC 2782), by the system's resolver.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace attestd {

struct SrvRecord {
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  std::string target;  // without the dot at its end; empty: the service is decidedly not there
  bool operator==(const SrvRecord&) const = default;
};

inline constexpr std::size_t srv_limit = 16;  // records of an answer that are looked at

struct NameServer {
  std::string address;  // IPv4
  std::uint16_t port = 53;
};

// Of "_attestd._tcp.vm.example", the best first: by priority, then at random by weight (RFC 2782
// "Usage rules"). Nothing where the name or the record is not there. Asks `server` alone when it is
// named, else those of resolv.conf(5), three at most, each once for 2 s, by UDP alone: whoever
// answers may not keep us waiting by TCP. Who writes the answer is not known: believe
// nothing that is found there. Errors: usage (no name of the DNS), unavailable (no answer), malformed.
Result<std::vector<SrvRecord>> lookup_srv(const std::string& name, const NameServer& server = {});

// The SRV records of a DNS message (RFC 1035 section 4), in its order, at most srv_limit.
// Errors: malformed.
Result<std::vector<SrvRecord>> parse_srv(ByteView message);

}  // namespace attestd
