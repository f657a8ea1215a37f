// Certificates, revocation lists, roots, policy and time, from options.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/commands.h"
#include "verifier/policy.h"
#include "verifier/snp.h"

namespace attestd {

// `name` of the option is put before errors.
Result<Bytes> read_option_file(std::string_view name, const std::string& path);

// --at, or the clock.
Result<std::int64_t> verification_time(const std::string& rfc3339);
// --certs (a folder or a file) and each --crl (PEM or DER).
Result<SnpEndorsements> load_endorsements(const TrustOptions& options);
// The policy's file, or the default policy when none is named, with each
// --trust-root added.
Result<Policy> load_trust(const TrustOptions& options);

// Prints it as --json says; its exit status.
Result<int> print_verdict(const CommonOptions& common, const Verdict& verdict);

}  // namespace attestd
