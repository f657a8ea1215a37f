// Where a host's evidence is, when only its name is known.
#pragma once

#include <string>
#include <string_view>

#include "client/source.h"
#include "net/srv.h"

namespace attestd {

inline constexpr std::string_view srv_service = "_attestd._tcp.";

struct Whereabouts {
  Source source;
  std::string found_by;         // "hosts.toml", "the SRV record _attestd._tcp.vm.example", "the default port 28443"
  std::string policy, ca_file;  // as the file of hosts says; empty: it does not
};

// By the file of hosts (`hosts`; empty: the default files); where that does not say, by the SRV
// record of the name; without one, at the default port. An address has no SRV record, and a DNS
// that does not answer is taken for one without: evidence decides what is believed, not where it was found.
// `name`: a name or address, without brackets and port; a dot at its end is left out. Errors: usage
// (neither), those of find_host_entry() and parse_source(); not_found (the SRV record says that there is none; an
// explicit file is not there).
Result<Whereabouts> find_host(const std::string& name, const std::string& hosts, const NameServer& dns = {});

// What went wrong with asking there, with how it was found.
Error unreached(Error error, const Whereabouts& where);

}  // namespace attestd
