// What an owner expects, as TOML: attestd-policy(5) describes every key.
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
#include "verifier/roots.h"
#include "verifier/verdict.h"

namespace attestd {

// Where a reference value comes from: how much it is worth.
enum class ReferenceOrigin { own_firmware, reproducible_build, pre_measured, pinned };

struct ReferenceMeasurement {
  Bytes value;  // 48 bytes, launch digest
  ReferenceOrigin origin = ReferenceOrigin::pinned;
  std::string comment;
};

struct Policy {
  std::set<Question> required = {Question::hardware, Question::initial_state, Question::boot_chain};
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
  // [vtpm]
  std::set<std::string> vtpm_isolation = {"vmpl", "paravisor", "nitro", "td"};  // "host" must be named
  PcrValues pcrs;                                                               // values that must be so
  std::optional<bool> secure_boot;                                              // must be on, when true
  // [freshness]
  bool require_nonce = true;
  std::optional<std::int64_t> maximal_age_s;  // without a nonce
  // [storage], [provisioning]
  std::set<std::string> storage_key_origins;  // accepted; empty: any but "none" and "unknown"
  std::set<std::string> provisioning_agents = {"none"};
  // [trust]
  TrustRoots roots;
};

// Errors name the line and column, and unknown keys are errors too.
Result<Policy> parse_policy(std::string_view toml, const std::string& folder_for_relative_paths);
Result<Policy> load_policy(const std::string& path);
// A policy that accepts what this bundle shows; comments say what is pinned blindly.
Result<std::string> make_policy(const Bundle& bundle, std::string_view source_name);
// What it demands, sentence by sentence.
std::string explain_policy(const Policy& policy);

}  // namespace attestd
