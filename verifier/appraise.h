// A bundle against a policy: every check, the five answers, the verdict.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "evidence/bundle.h"
#include "evidence/statement.h"
#include "verifier/policy.h"
#include "verifier/snp.h"
#include "verifier/tdx.h"
#include "verifier/verdict.h"

namespace attestd {

struct AppraisalContext {
  std::optional<Bytes> nonce;                 // that we sent; nothing: freshness by age only
  std::int64_t at = 0;                        // Unix seconds
  SnpEndorsements extra_endorsements;         // cached certificates and CRLs
  TdxCollateral tdx_collateral;               // Intel's, from a folder or cache
  std::optional<Bytes> activation_seed{};     // of the credential that the VM was sent: verifier/credential.h
  std::optional<SshPublicKey> host_key;       // that ssh was offered; binding.host-key
  std::optional<StatementChannel> channel{};  // the TLS connection that the evidence came over; binding.channel
  std::optional<Purpose> purpose;             // that the statement must have; binding.purpose
  // RFC 7638 thumbprint of the key that what is released will be encrypted to; binding.recipient-key
  std::optional<Bytes> recipient_key{};
  VerificationCache* cache = nullptr;  // of who verifies often; not owned; null: one for this appraisal
  // For evidence of a protocol that binds runtime data of its own instead of a statement
  // (kbs/runtime_data.h): the 64 bytes of report data that bind them. The caller has put
  // the nonce that it sent into what it hashed. Then a bundle that has a statement is
  // refused, as is one without when this is empty, and what only a statement could say is
  // unknown. `nonce` is not looked at; `channel`, `host_key` and `purpose` fail.
  std::optional<FixedBytes<64>> report_data{};
  Bytes qualifying_data{};  // with report_data: what the vTPM's quote must carry; empty: not checked
};

struct Appraisal {
  Verdict verdict;
  std::optional<Statement> statement;  // believe it only when the verdict is trusted
};

// Skipped checks leave the answers that depend on them unknown, failed ones make
// them no; docs and attestctl(1) list what each question needs.
Appraisal appraise(const Bundle& bundle, const Policy& policy, const AppraisalContext& context);

// Why a statement is not for the TLS connection that it came over: nothing when it is. Who
// terminates TLS and passes evidence on has another key; who has that key too, another connection.
std::optional<std::string> foreign_channel(const Statement& statement, const StatementChannel& channel);

// `attestctl verify snp`: the report's own checks, and snp.policy, snp.tcb-minimum
// and snp.measurement against `policy`, or against the defaults when it is null.
Verdict appraise_snp(const SnpVerification& verification, const Policy* policy);

// `attestctl verify azure`: the hardware report's own checks and the policy's, then
// azure.runtime-data, azure.configuration and, with a quote of the vTPM by the key
// that the runtime data name, tpm.signature and tpm.extra-data.
struct AzureEvidence {
  ByteView hcl_report;
  SnpEndorsements endorsements;  // of an SNP report
  ByteView td_quote{};           // of a TDREPORT
  TdxCollateral tdx_collateral{};
  ByteView tpm_quote{};  // TPMS_ATTEST, or empty
  ByteView tpm_signature{};
  std::optional<Bytes> expected_extra_data{};
};
Verdict appraise_azure(const AzureEvidence& evidence, const Policy& policy, std::int64_t at);

// `attestctl verify tdx`: the quote's own checks, and tdx.tcb, tdx.policy,
// tdx.measurement, tdx.rtmrs likewise.
Verdict appraise_tdx(const TdxVerification& verification, const Policy* policy);

}  // namespace attestd
