// What the appraisal knows when it comes to the five questions. Each question
// has a file of its own; each looks at the facts and at earlier answers only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "evidence/bundle.h"
#include "evidence/ccel.h"
#include "evidence/statement.h"
#include "verifier/appraise.h"
#include "verifier/azure.h"
#include "verifier/gcp.h"
#include "verifier/nitro.h"
#include "verifier/policy.h"
#include "verifier/snp.h"
#include "verifier/svsm.h"
#include "verifier/tdx.h"
#include "verifier/tpm.h"
#include "verifier/verdict.h"

namespace attestd {

enum class Freshness { nonce, age, unproven };

enum class HardwareKind { snp, tdx };
// "SEV-SNP", "TDX".
std::string_view hardware_name(HardwareKind kind);

// The hardware's word, whoever the vendor is: what bindings and questions 1 and 2
// need of it. Set by the platform's file once it has verified a report.
struct HardwareView {
  HardwareKind kind;
  bool good = false;       // genuine: signatures, chain and TCB binding hold, nothing is revoked
  bool simulated = false;  // the chain ends in a root that the user named
  std::string root_name{};
  std::optional<FixedBytes<64>> report_data{};  // of a report that parses; believe it only when good
};

struct Facts {
  const Policy& policy;
  std::optional<Statement> statement{};  // parsed, bound or not
  bool runtime_data = false;             // AppraisalContext::report_data takes the place of a statement
  std::optional<HardwareView> hardware{};
  std::optional<SnpVerification> snp{};
  std::optional<TdxVerification> tdx{};
  std::optional<EventLog> cc_log{};  // that replays to the quoted RTMRs
  std::optional<TpmVerification> tpm{};
  std::optional<NitroVerification> nitro{};
  std::optional<AzureVerification> azure{};
  bool azure_root_in_hardware = false;                // its hardware report was made for this statement
  std::optional<TpmKeyCertificate> ak_certificate{};  // once it is verified
  std::optional<SvsmVerification> svsm{};
  Freshness freshness = Freshness::unproven;
  // Who keeps the vTPM from the host: "host" (nobody does), "vmpl", "paravisor",
  // "nitro", "td". Only what was verified changes it.
  std::string isolation = "host";
  // binding.report-data on platforms whose report carries something else than the
  // root; nothing: it must be the root itself.
  std::optional<Check> report_data_binding{};
  // Some chain, of hardware or of the vTPM, ends in a root that the user named.
  bool simulated = false;
  std::vector<Check> checks{};
  std::map<Question, AnswerWithReasons> answers{};

  [[nodiscard]] const Check* find(std::string_view id) const;
  [[nodiscard]] bool passed(std::string_view id) const;
  [[nodiscard]] bool failed(std::string_view id) const;
  [[nodiscard]] Answer answer(Question question) const;
  // What the evidence binds, for people.
  [[nodiscard]] std::string_view bound() const { return runtime_data ? "this asker's runtime data" : "this statement"; }
};

// One for each kind of evidence, called in this order: those of hardware, which
// set Facts::hardware, the vTPM's, then those that tie the two together. A check
// that the bundle's platform does not have is not listed; one that could not be
// made is skipped with its reason.
void add_snp_checks(Facts& facts, const Bundle& bundle, const Result<MerkleHash>& root,
                    const AppraisalContext& context);
void add_tdx_checks(Facts& facts, const Bundle& bundle, const Result<MerkleHash>& root,
                    const AppraisalContext& context);
void add_tpm_checks(Facts& facts, const Bundle& bundle, const Result<MerkleHash>& root,
                    const AppraisalContext& context);
// The paravisor's hardware report; with the vTPM's checks made, what ties them.
void add_azure_hardware_checks(Facts& facts, const Bundle& bundle, const Result<MerkleHash>& root,
                               const AppraisalContext& context);
void add_azure_checks(Facts& facts, const Bundle& bundle, const Result<MerkleHash>& root,
                      const AppraisalContext& context);
void add_ak_certificate_checks(Facts& facts, const Bundle& bundle, const Result<MerkleHash>& root,
                               const AppraisalContext& context);
void add_svsm_checks(Facts& facts, const Bundle& bundle, const Result<MerkleHash>& root,
                     const AppraisalContext& context);

void add_nitro_checks(Facts& facts, const Bundle& bundle, const Result<MerkleHash>& root,
                      const AppraisalContext& context);

// Puts a verified TD quote where it belongs, as take_snp() does with an SNP report.
void take_tdx(Facts& facts, TdxVerification verification, ByteView cc_event_log);

// Puts a verified SNP report where it belongs: Facts::snp, Facts::hardware, its
// checks and the policy's. `chain_note` is added to an snp.chain that does not pass.
void take_snp(Facts& facts, SnpVerification verification, const std::string& chain_note);

AnswerWithReasons answer_hardware(const Facts& facts);
AnswerWithReasons answer_initial_state(const Facts& facts);
AnswerWithReasons answer_boot_chain(const Facts& facts);
AnswerWithReasons answer_storage(const Facts& facts);
AnswerWithReasons answer_provisioning(const Facts& facts);

class AnswerBuilder;
// Each kind of hardware's share of question 1: what it demands, and what it says
// of a report that is genuine. And of question 2.
void judge_snp_hardware(AnswerBuilder& answer, const Facts& facts);
void describe_snp_hardware(AnswerBuilder& answer, const Facts& facts);
void judge_snp_initial_state(AnswerBuilder& answer, const Facts& facts);
void judge_tdx_hardware(AnswerBuilder& answer, const Facts& facts);
void describe_tdx_hardware(AnswerBuilder& answer, const Facts& facts);
void judge_tdx_initial_state(AnswerBuilder& answer, const Facts& facts);
// Question 3 where a TD's own registers answer it: there is no vTPM, or the policy
// has RTMR values.
bool boots_into_rtmrs(const Facts& facts);
void judge_rtmrs(AnswerBuilder& answer, const Facts& facts);
// What Azure adds to question 1.
void judge_azure(AnswerBuilder& answer, const Facts& facts);
// Question 3's.
void judge_ak_certificate(AnswerBuilder& answer, const Facts& facts);
void judge_svsm(AnswerBuilder& answer, const Facts& facts);
void describe_vtpm_state(AnswerBuilder& answer, const Facts& facts);
void describe_azure(AnswerBuilder& answer, const Facts& facts);
// Question 2's yes, by where the reference comes from.
void accept_reference(AnswerBuilder& answer, const ReferenceMeasurement& reference);

// An answer in the making. The worst that was said stands: no, then unknown, then yes.
class AnswerBuilder {
 public:
  void yes(std::string code, std::string text) { add(Answer::yes, std::move(code), std::move(text)); }
  void unknown(std::string code, std::string text) { add(Answer::unknown, std::move(code), std::move(text)); }
  void no(std::string code, std::string text) { add(Answer::no, std::move(code), std::move(text)); }
  // Said beside the answer, whatever it is.
  void note(std::string code, std::string text) { out_.reasons.push_back({std::move(code), std::move(text)}); }
  [[nodiscard]] Answer worst() const { return said_ ? out_.answer : Answer::unknown; }
  // Without any statement the answer is unknown.
  [[nodiscard]] AnswerWithReasons take() { return std::move(out_); }

 private:
  static int badness(Answer answer) { return answer == Answer::no ? 2 : answer == Answer::unknown ? 1 : 0; }
  void add(Answer answer, std::string code, std::string text) {
    if (!said_ || badness(answer) > badness(out_.answer)) out_.answer = answer;
    said_ = true;
    note(std::move(code), std::move(text));
  }

  AnswerWithReasons out_;
  bool said_ = false;
};

// `check` must pass: fail says no, skipped or absent says unknown.
void demand(AnswerBuilder& answer, const Facts& facts, std::string_view check);
// `check` must not fail.
void tolerate(AnswerBuilder& answer, const Facts& facts, std::string_view check);

// `vtpm` of the reference that the launch measurement equals; empty when there is none.
std::string_view measured_vtpm(const Facts& facts);

// Decoded evidence as a JSON object; members that could not be decoded are absent.
std::string claims_to_json(ByteView statement, const Facts& facts);

}  // namespace attestd
