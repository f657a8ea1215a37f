// Certificates, revocation lists, roots, policy and time, from options.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/commands.h"
#include "evidence/bundle.h"
#include "verifier/policy.h"
#include "verifier/snp.h"
#include "verifier/tdx_collateral.h"

namespace attestd {

// `name` of the option is put before errors.
Result<Bytes> read_option_file(std::string_view name, const std::string& path);

// --at, or the clock.
Result<std::int64_t> verification_time(const std::string& rfc3339);
// --certs (a folder or a file) and each --crl (PEM or DER).
Result<SnpEndorsements> load_endorsements(const TrustOptions& options);
// The folder of --cache, or the default one; empty when it is not to be used: --no-cache, or
// --certs, which says what to use instead.
std::string cache_folder(const TrustOptions& options);
// Adds what that cache has for an SNP report, or for the one in a bundle.
void add_cached_endorsements(const TrustOptions& options, ByteView report, std::int64_t at, SnpEndorsements& into);
void add_cached_endorsements(const TrustOptions& options, const Bundle& bundle, std::int64_t at, SnpEndorsements& into);
// --collateral (a folder or a file), and each --crl; empty without them.
Result<TdxCollateral> load_collateral(const TrustOptions& options);
// The collateral that the cache has for a quote's platform, unless --collateral says what to use.
void add_cached_collateral(const TrustOptions& options, ByteView quote, TdxCollateral& into);
// The policy's file, or the default policy when none is named, with each
// --trust-root, --trust-vtpm-root and --trust-nitro-root added.
Result<Policy> load_trust(const TrustOptions& options);

// Prints it as --json says; its exit status.
Result<int> print_verdict(const CommonOptions& common, const Verdict& verdict);

}  // namespace attestd
