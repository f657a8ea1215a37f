// What an owner expects, as TOML. attestd-policy(5) describes every key:
//
//   (a list must not be empty: leave its key out)
//   [policy]
//   version = 1                      required
//   required = ["hardware", "initial_state", "boot_chain"]   the default; also "storage", "provisioning"
//   [snp]
//   debug = false                    may the guest policy allow debugging?
//   migration-agent = false          may it allow a migration agent?
//   smt = true                       the guest policy's bit must be so; left out: either
//   single-socket = true             as above
//   max-vmpl = 0                     0 to 3
//   signers = ["VCEK", "VLEK"]       which keys may sign
//   require-crl = false              is a report without a revocation list refused?
//   host-data = ["hex of 32 bytes"]  any of them; left out: any value
//   id-key-digests = ["hex of 48 bytes"]   as above
//   [[snp.measurement]]              any of them; none at all: initial_state is unknown
//   value = "hex of 48 bytes"
//   origin = "own-firmware" | "reproducible-build" | "pre-measured" | "pinned"
//   comment = "text"                 optional
//   [snp.minimum-tcb.Milan]          also Genoa, Turin; left-out components are 0
//   bootloader = 4                   0 to 255, as are tee, snp, microcode, and on Turin fmc
//   [tdx]                            verifier/tdx_policy.h lists its keys
//   [azure]                          what the paravisor's runtime data must say; left out: anything
//   vm-ids = ["UUID"]                any of them is vmUniqueId
//   secure-boot = true               as are console and tpm-persisted
//   [gcp]                            what Google certified of the vTPM's key; any of each; left out: anything
//   project-ids = ["text"]           also zones, instance-names
//   instance-ids = ["decimal"]       also project-numbers
//   production = true
//   [svsm]
//   states = ["ephemeral"]           also "stateful"; left out: either
//   endorsement-keys = ["hex of 34 bytes"]   TPM names of the vTPM's endorsement key; any of them
//   [vtpm]
//   isolation = ["vmpl", "paravisor", "nitro", "td"]   the default; "host" must be named
//   secure-boot = true               the event log must show it on
//   [vtpm.pcrs.sha256]               or another bank; no values at all: boot_chain is unknown
//   0 = "hex"                        the register must have this value
//   [nitro]
//   modules = ["i-0123…-tpm0000…"]    module IDs in AWS attestation documents; left out: any
//   [freshness]
//   nonce = true                     false needs maximal-age
//   maximal-age = "10m"              of a statement without a nonce of ours: s, m, h, d
//   [storage]
//   key-origins = ["broker", "vtpm"] accepted; left out: any but "none" and "unknown"
//   ciphers = ["aes-xts-plain64"]    accepted, as dm-crypt has them; left out: any but null ciphers and ECB
//   root-hashes = ["hex"]            of dm-verity, any of them; left out: any
//   [provisioning]
//   agents = ["none"]                accepted; the default
//   [trust]
//   roots = ["root.pem"]             further roots of hardware, relative to the policy, or PEM in place of a
//                                    file's name; verdicts say `simulated`
//   vtpm-roots = ["root.pem"]        likewise of certificates of the vTPM's keys
//   nitro-roots = ["root.pem"]       likewise of AWS's attestation documents
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "evidence/bundle.h"
#include "evidence/pcr.h"
#include "evidence/snp_report.h"
#include "verifier/azure.h"
#include "verifier/gcp.h"
#include "verifier/reference.h"
#include "verifier/roots.h"
#include "verifier/svsm.h"
#include "verifier/tdx_policy.h"
#include "verifier/verdict.h"

namespace attestd {

struct Policy {
  std::set<Question> required = {Question::hardware, Question::initial_state, Question::boot_chain};
  // Is there a [snp], a [tdx]? A policy that speaks of one kind of hardware only accepts no other.
  bool names_snp = false;
  bool names_tdx = false;
  // [snp]
  bool snp_allow_debug = false;
  bool snp_allow_migration_agent = false;
  std::optional<bool> snp_smt;  // must be so, when given
  std::optional<bool> snp_single_socket;
  unsigned snp_max_vmpl = 0;
  std::vector<ReferenceMeasurement> snp_measurements;
  std::vector<Bytes> snp_host_data;       // 32 bytes each; any of them, when given
  std::vector<Bytes> snp_id_key_digests;  // 48 bytes each
  std::map<SnpProduct, SnpTcb> snp_minimum_tcb;
  std::set<std::string> snp_signers = {"VCEK", "VLEK"};
  bool snp_require_crl = false;
  AzurePolicy azure;  // [azure]
  GcpPolicy gcp;      // [gcp]
  SvsmPolicy svsm;    // [svsm]
  TdxPolicy tdx;      // [tdx]
  // [vtpm]
  std::set<std::string> vtpm_isolation = {"vmpl", "paravisor", "nitro", "td"};  // "host" must be named
  PcrValues pcrs;                                                               // values that must be so
  std::optional<bool> secure_boot;                                              // must be on, when true
  // [nitro]
  std::set<std::string> nitro_modules;  // any of them, when given
  // [freshness]
  bool require_nonce = true;
  std::optional<std::int64_t> maximal_age_s;  // without a nonce
  // [storage], [provisioning]
  std::set<std::string> storage_key_origins;  // accepted; empty: any but "none" and "unknown"
  std::set<std::string> storage_ciphers;      // accepted; empty: any that hides something
  std::vector<Bytes> storage_root_hashes;     // any of them, when given
  std::set<std::string> provisioning_agents = {"none"};
  // [host-proof]
  std::int64_t host_proof_cache_s = 0;  // how long verified evidence may serve again; at most a day
  // [trust]
  TrustRoots roots;
};

// Errors name the line and column, and unknown keys are errors too.
Result<Policy> parse_policy(std::string_view toml, const std::string& folder_for_relative_paths);
Result<Policy> load_policy(const std::string& path);
// The text of the policy in `path`, with the roots that it names in place of their files' names: whole, to be kept
// elsewhere. Errors: those of load_policy().
Result<std::string> load_policy_text(const std::string& path);
// A policy that accepts what this bundle shows; comments say what is pinned blindly.
Result<std::string> make_policy(const Bundle& bundle, std::string_view source_name);
// What it demands, sentence by sentence.
std::string explain_policy(const Policy& policy);

}  // namespace attestd
