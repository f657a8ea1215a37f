// Lines for ssh's KnownHostsCommand.
// Source: sshd(8) "SSH_KNOWN_HOSTS FILE FORMAT".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "evidence/ssh_key.h"

namespace attestd {

// `host` may stand as the first field of a known_hosts line and matches only
// itself: a name or address, or "[name]:port". Refuses patterns ("*", "?",
// "!"), lists (","), markers ("@"), hashes ("|"), comments ("#") and white
// space. Error: usage.
Result<void> check_known_host(std::string_view host);

// One line a key: "HOST TYPE BASE64". `host` must have passed the check.
std::string known_hosts_lines(std::string_view host, const std::vector<SshPublicKey>& keys);

}  // namespace attestd
