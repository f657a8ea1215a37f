// What attestctl does, one function a command; client/command_line.cpp fills
// the options. Each returns the exit status: 0 good, 1 refused, 2 cannot tell.
// An error stands for status 2.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/terminal.h"
#include "client/source.h"

namespace attestd {

struct CommonOptions {
  Colour colour = Colour::automatic;
  std::chrono::milliseconds timeout{15000};
  HttpsOptions https;
  bool json = false;
};

struct StatusOptions {
  std::string socket;
};
Result<int> run_status(const CommonOptions& common, const StatusOptions& options);

struct EvidenceOptions {
  std::string nonce;  // hexadecimal, empty: a fresh one
  std::string from;
  std::string purpose = "host";
  bool cached = false;
  std::string output;
  std::string credential;         // "BLOB.SECRET", base64url; "none"
  std::string activation_secret;  // file to write
};
Result<int> run_evidence(const CommonOptions& common, const EvidenceOptions& options);

struct InspectOptions {
  std::string file;
  std::string type;  // empty: by content
};
Result<int> run_inspect(const CommonOptions& common, const InspectOptions& options);

// Files of roots to trust beside the vendors', by what each may vouch for.
struct RootOptions {
  std::vector<std::string> hardware;
  std::vector<std::string> vtpm;
  std::vector<std::string> nitro;
};

// What `verify` and its kinds share.
struct TrustOptions {
  std::string policy;
  std::string at;  // RFC 3339, empty: now
  std::string certificates;
  std::vector<std::string> crls;
  std::string collateral;  // folder or file, Intel's for TDX
  RootOptions roots;
  std::string cache;  // of `keys fetch`; empty: the default folder
  bool no_cache = false;
};

struct VerifyOptions {
  TrustOptions trust;
  std::string bundle;
  std::string nonce;
  std::string from;
  std::string purpose;            // that is demanded, and asked for; empty: host of what is fetched, any of a file
  std::string activation_secret;  // file
  bool cached = false;
};
Result<int> run_verify(const CommonOptions& common, const VerifyOptions& options);

struct VerifySnpOptions {
  TrustOptions trust;
  std::string report;
};
Result<int> run_verify_snp(const CommonOptions& common, const VerifySnpOptions& options);

struct VerifyAzureOptions {
  TrustOptions trust;
  std::string hcl;
  std::string quote;  // of the TD
  std::string tpm_quote;
  std::string tpm_signature;
  std::string extra_data;  // hexadecimal
};
Result<int> run_verify_azure(const CommonOptions& common, const VerifyAzureOptions& options);

struct VerifyTdxOptions {
  TrustOptions trust;
  std::string quote;
};
Result<int> run_verify_tdx(const CommonOptions& common, const VerifyTdxOptions& options);

struct VerifyTpmOptions {
  std::string quote;
  std::string signature;
  std::string ak;
  std::string pcrs;
  std::string event_log;
  std::string userspace_log;
  std::string extra_data;  // hexadecimal
};
Result<int> run_verify_tpm(const CommonOptions& common, const VerifyTpmOptions& options);

struct VerifyNitrotpmOptions {
  TrustOptions trust;  // roots.nitro: --root, and then only those
  std::string document;
};
Result<int> run_verify_nitrotpm(const CommonOptions& common, const VerifyNitrotpmOptions& options);

struct HostProofOptions {
  TrustOptions trust;              // the policy may be empty: the file of hosts has it
  std::string from;                // empty: by the file of hosts, an SRV record, or the default port
  std::string hosts;               // file of hosts; empty: the user's and the system's
  std::vector<std::string> words;  // HOST, or INVOCATION HOST KEYTYPE KEY
};
// Its errors are refusals too: status 1.
Result<int> run_host_proof(const CommonOptions& common, const HostProofOptions& options);

struct HostCertOptions {
  std::string broker;  // "https://HOST[:PORT]"
  std::string from;    // empty: the agent's socket
  std::vector<std::string> principals;
  std::string folder = "/etc/ssh";
  std::string authority;      // file with the public key that must sign; empty: any of the broker's
  std::string on_change;      // command for /bin/sh -c, once certificates were written; empty: none
  double renew_before_s = 0;  // certificates that last so much longer are left as they are; 0: none is
};
Result<int> run_host_cert(const CommonOptions& common, const HostCertOptions& options);

struct ExporterOptions {
  TrustOptions trust;  // but for policy and time
  std::string listen = "127.0.0.1:9743";
  std::string policy_folder = "/etc/attestd/policies";
  std::string targets_file;   // empty: none
  std::string targets_allow;  // extended regular expression; empty: any https target
  unsigned max_probes = 16;
};
// Serves until SIGINT or SIGTERM. `timeout`: of a probe, at most.
Result<int> run_exporter(const CommonOptions& common, const ExporterOptions& options);

struct WatchOptions {
  TrustOptions trust;
  std::vector<std::string> hosts;
  double interval_s = 10;
  bool once = false;
  bool cached = false;
};
// Until a signal, or once: 0 all trusted, 1 some refused, 2 some cannot tell.
Result<int> run_watch(const CommonOptions& common, const WatchOptions& options);

struct KeysFetchOptions {
  std::vector<std::string> files;  // evidence to fetch for
  std::vector<std::string> prime;  // folders or files
  std::vector<std::string> products;
  std::string chip_id, tcb;  // hexadecimal
  std::string cache;         // empty: the default folder
  std::string amd_url, intel_url, intel_crl_url;
  std::string ca_file;
  std::string at;  // RFC 3339, empty: now
  std::vector<std::string> trust_roots;
  std::chrono::milliseconds patience{60000};
};
Result<int> run_keys_fetch(const CommonOptions& common, const KeysFetchOptions& options);

// Values of PCRs are those of --values, or those that the TPM quoted in a bundle.
struct PcrPolicySignOptions {
  std::string key;  // file with the owner's private key
  std::vector<unsigned> pcrs;
  std::string from;    // bundle
  std::string policy;  // that the bundle must meet; empty: only the quote is checked
  std::vector<std::string> roots;
  std::string values;  // JSON or tpm2_quote's
  std::string add_to;  // file of signed policies
  std::string output;
};
Result<int> run_pcr_policy_sign(const CommonOptions& common, const PcrPolicySignOptions& options);
struct PcrPolicyShowOptions {
  std::string file;
  std::string key;  // file with the owner's public key, to check signatures by
};
// Status 1: a signature is not by that key.
Result<int> run_pcr_policy_show(const CommonOptions& common, const PcrPolicyShowOptions& options);

struct PolicyInitOptions {
  std::string from;
  RootOptions roots;
  std::string output;
};
Result<int> run_policy_init(const CommonOptions& common, const PolicyInitOptions& options);
struct PolicyFileOptions {
  std::string file;
};
Result<int> run_policy_check(const CommonOptions& common, const PolicyFileOptions& options);
Result<int> run_policy_explain(const CommonOptions& common, const PolicyFileOptions& options);

}  // namespace attestd
