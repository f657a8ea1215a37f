#include "verifier/appraise.h"

#include <algorithm>

#include "base/encoding.h"
#include "evidence/event_log_writer.h"
#include "evidence/event_names.h"
#include "tests/catch.h"
#include "tests/vectors.h"
#include "tests/verifier/simulated_vm.h"
#include "verifier/snp_policy.h"

namespace attestd::test {
namespace {

constexpr Question all_questions[] = {Question::hardware, Question::initial_state, Question::boot_chain,
                                      Question::storage, Question::provisioning};

const SimulatedVm& vm() {
  static const SimulatedVm one;
  return one;
}

Verdict judge(const Bundle& bundle, const Policy& policy, const AppraisalContext& context = context_for(test_nonce())) {
  return appraise(bundle, policy, context).verdict;
}

Answer answer_of(const Verdict& verdict, Question question) { return verdict.answers.at(question).answer; }

bool has_reason(const Verdict& verdict, Question question, std::string_view code) {
  return std::ranges::find(verdict.answers.at(question).reasons, code, &Reason::code) !=
         verdict.answers.at(question).reasons.end();
}

CheckResult result_of(const Verdict& verdict, std::string_view id) {
  const Check* const check = verdict.find(id);
  REQUIRE(check != nullptr);
  return check->result;
}

}  // namespace

TEST_CASE("a VM that is as its owner expects is trusted, with a yes to all five questions") {
  const Verdict verdict = judge(vm().bundle(test_nonce()), policy_for(vm()));
  INFO(verdict_to_text(verdict, false));
  CHECK(verdict.outcome == Outcome::trusted);
  CHECK(verdict.exit_status() == 0);
  for (const Question question : all_questions) CHECK(answer_of(verdict, question) == Answer::yes);
  CHECK(has_reason(verdict, Question::initial_state, "own-firmware"));
  CHECK(has_reason(verdict, Question::boot_chain, "vtpm-host"));
}

TEST_CASE("under a named root the hardware answer begins with 'simulated', and so does the text") {
  const Verdict verdict = judge(vm().bundle(test_nonce()), policy_for(vm()));
  CHECK(verdict.simulated);
  CHECK(verdict.answers.at(Question::hardware).reasons.at(0).code == "simulated");
  CHECK(verdict.answers.at(Question::hardware).reasons.at(0).text.starts_with("SIMULATED"));
  const std::string text = verdict_to_text(verdict, false);
  CHECK(text.substr(0, text.find('\n')).find("simulated") != std::string::npos);
}

TEST_CASE("no attack and no missing part leaves a verdict of trusted") {
  using Hooks = SimulatedVm::Hooks;
  struct Case {
    std::string_view what;
    Hooks hooks;
    std::string_view check;  // that must not pass
    Outcome outcome;
  };
  const SimulatedVm other;
  const Bytes old_nonce = to_bytes("an older nonce..");
  const std::vector<Case> cases{
      {"a replayed bundle", {[&](Statement& s) { s.nonce = old_nonce; }, {}, {}}, "binding.nonce", Outcome::refused},
      {"another statement in its place",
       {{}, {}, [&](Bundle& b) { b.statement = other.bundle(test_nonce()).statement; }},
       "binding.report-data",
       Outcome::refused},
      {"a statement with one byte more",
       {{}, {}, [](Bundle& b) { b.statement.push_back(std::byte{' '}); }},
       "binding.report-data",
       Outcome::refused},
      {"a statement that is no JSON",
       {{}, {}, [](Bundle& b) { b.statement = to_bytes("host"); }},
       "binding.report-data",
       Outcome::refused},
      {"an inclusion path to another root",
       {{}, {}, [](Bundle& b) { b.inclusion.path[0][0] ^= std::byte{1}; }},
       "binding.report-data",
       Outcome::refused},
      {"an inclusion path that is too short",
       {{}, {}, [](Bundle& b) { b.inclusion.path.pop_back(); }},
       "binding.report-data",
       Outcome::refused},
      {"the quote of another VM",
       {{}, {}, [&](Bundle& b) { b.tpm = other.bundle(test_nonce()).tpm; }},
       "tpm.ak",
       Outcome::refused},
      {"a quote over the right data by another key",
       {{}, {}, [&](Bundle& b) { b.tpm = other.ak.quote(quote_qualifying_data(bundle_root(b).value()), b.tpm->pcrs); }},
       "tpm.ak",
       Outcome::refused},
      {"an older quote by the right key",
       {{}, {}, [&](Bundle& b) { b.tpm = vm().ak.quote(Bytes(32, std::byte{1}), b.tpm->pcrs); }},
       "tpm.extra-data",
       Outcome::refused},
      {"a statement that names no attestation key",
       {[](Statement& s) { s.ak_name.clear(); }, {}, {}},
       "tpm.ak",
       Outcome::refused},
      {"PCR values that the quote does not cover",
       {{}, {}, [](Bundle& b) { b.tpm->pcrs[HashAlgorithm::sha256][4][0] ^= std::byte{1}; }},
       "tpm.pcrs",
       Outcome::refused},
      {"an event log with one byte of an event's data changed",
       {{},
        {},
        [](Bundle& b) {
          const std::string_view text = as_text(b.firmware_event_log);
          const std::size_t at = text.find("firmware 1");
          REQUIRE(at != std::string_view::npos);
          // The digest lies before the data: its last byte is what replays.
          b.firmware_event_log[at - 5] ^= std::byte{1};
        }},
       "tpm.eventlog",
       Outcome::refused},
      {"debugging allowed", {{}, [](SnpReport& r) { r.policy.raw |= 1U << 19U; }, {}}, "snp.policy", Outcome::refused},
      {"a migration agent", {{}, [](SnpReport& r) { r.policy.raw |= 1U << 18U; }, {}}, "snp.policy", Outcome::refused},
      {"a report from VMPL 1", {{}, [](SnpReport& r) { r.vmpl = 1; }, {}}, "snp.policy", Outcome::refused},
      {"a report that the host asked for",
       {{}, [](SnpReport& r) { r.vmpl = 0xffffffff; }, {}},
       "snp.policy",
       Outcome::refused},
      {"a launch digest off by one bit",
       {{}, [](SnpReport& r) { r.measurement[47] ^= std::byte{1}; }, {}},
       "snp.measurement",
       Outcome::refused},
      {"report data off by one bit",
       {{}, [](SnpReport& r) { r.report_data[63] ^= std::byte{1}; }, {}},
       "binding.report-data",
       Outcome::refused},
      {"a report with a flipped bit",
       {{}, {}, [](Bundle& b) { b.snp_report[0x90] ^= std::byte{1}; }},
       "snp.signature",
       Outcome::refused},
      {"no report", {{}, {}, [](Bundle& b) { b.snp_report.clear(); }}, "snp.signature", Outcome::undecided},
      {"no certificates", {{}, {}, [](Bundle& b) { b.snp_certificates.clear(); }}, "snp.chain", Outcome::undecided},
      {"no quote", {{}, {}, [](Bundle& b) { b.tpm.reset(); }}, "tpm.signature", Outcome::undecided},
      {"no event log though Secure Boot is demanded",
       {{}, {}, [](Bundle& b) { b.firmware_event_log.clear(); }},
       "tpm.eventlog",
       Outcome::undecided},
  };
  for (const Case& c : cases) {
    const Verdict verdict = judge(vm().bundle(test_nonce(), c.hooks), policy_for(vm()));
    INFO(c.what << "\n" << verdict_to_text(verdict, false));
    CHECK(verdict.outcome != Outcome::trusted);
    CHECK((verdict.outcome == c.outcome || c.what == "no certificates"));
    CHECK(result_of(verdict, c.check) != CheckResult::pass);
    const bool any_required_no = std::ranges::any_of(policy_for(vm()).required,
                                                     [&](Question q) { return answer_of(verdict, q) != Answer::yes; });
    CHECK(any_required_no);
  }
}

TEST_CASE("a log's text cannot turn Secure Boot on") {
  constexpr std::uint32_t ev_separator = 4;
  constexpr std::uint32_t ev_ipl = 0x0d;
  constexpr std::uint32_t driver_config = 0x80000001;
  const FixedBytes<16> global = [] {
    FixedBytes<16> guid{};
    const Bytes bytes = from_hex("61dfe48bca93d211aa0d00e098032b8c").value();
    std::ranges::copy(bytes, guid.begin());
    return guid;
  }();
  const Bytes on = encode_uefi_variable_data(global, "SecureBoot", Bytes{std::byte{1}});
  const Bytes off = encode_uefi_variable_data(global, "SecureBoot", Bytes{std::byte{0}});
  // What the firmware measured, Secure Boot being off: told as something else.
  EventLogWriter disguised({HashAlgorithm::sha256});
  disguised.measure(7, ev_ipl, off, as_bytes("x"));
  // The same, and what the guest measured after the firmware's separator as the firmware's word.
  EventLogWriter moved({HashAlgorithm::sha256});
  moved.measure(7, ev_ipl, off, as_bytes("x"));
  moved.measure(7, ev_ipl, Bytes(4), as_bytes("x"));
  moved.measure(7, driver_config, on);
  // A log of a bank that is not quoted; userspace's log makes it replay to something.
  EventLogWriter foreign({HashAlgorithm::sha1});
  foreign.measure(7, driver_config, on);
  foreign.measure(7, ev_separator, Bytes(4));
  const UserspaceRecord record = write_userspace_record(11, {HashAlgorithm::sha256}, "phase", "ready");

  struct Case {
    std::string_view what;
    const EventLogWriter* log;
    bool userspace;
  };
  for (const Case& c : {Case{"disguised", &disguised, false}, Case{"moved", &moved, false},
                        Case{"another bank's log", &foreign, true}}) {
    INFO(c.what);
    SimulatedVm other;
    const bool foreign_log = c.userspace;
    other.firmware_log = c.log->bytes();
    EventLogWriter truth({HashAlgorithm::sha256});
    truth.measure(7, driver_config, off);
    if (!foreign_log) {
      other.pcrs[HashAlgorithm::sha256] = replay(parse_event_log(other.firmware_log).value(), HashAlgorithm::sha256);
    } else {
      PcrBank bank = replay(parse_event_log(truth.bytes()).value(), HashAlgorithm::sha256);
      replay(parse_userspace_log(record.bytes).value(), HashAlgorithm::sha256, bank);
      other.pcrs[HashAlgorithm::sha256] = bank;
    }
    Policy policy = policy_for(other);
    std::erase_if(policy.pcrs[HashAlgorithm::sha256], [](const auto& one) { return one.first == 7; });
    const auto add_userspace = [&](Bundle& bundle) {
      if (foreign_log) bundle.userspace_event_log = record.bytes;
    };
    const Verdict verdict = judge(other.bundle(test_nonce(), {{}, {}, add_userspace}), policy);
    INFO(verdict_to_text(verdict, false));
    CHECK(result_of(verdict, "tpm.eventlog") == CheckResult::pass);
    CHECK(answer_of(verdict, Question::boot_chain) != Answer::yes);
    CHECK(verdict.outcome != Outcome::trusted);
  }
}

TEST_CASE("ssh may use only a host key that the statement lists") {
  AppraisalContext context = context_for(test_nonce());
  context.host_key = parse_ssh_public_key(test_host_key).value();
  Verdict verdict = judge(vm().bundle(test_nonce()), policy_for(vm()), context);
  CHECK(result_of(verdict, "binding.host-key") == CheckResult::pass);
  CHECK(verdict.outcome == Outcome::trusted);
  context.host_key->blob.back() ^= std::byte{1};
  verdict = judge(vm().bundle(test_nonce()), policy_for(vm()), context);
  CHECK(result_of(verdict, "binding.host-key") == CheckResult::fail);
  CHECK(verdict.outcome == Outcome::refused);
}

TEST_CASE("evidence that came over TLS must name that very connection") {
  const Bytes key(32, std::byte{1});
  const Bytes exporter(32, std::byte{2});
  const Bytes other(32, std::byte{3});
  struct Case {
    std::string_view what;
    std::optional<StatementChannel> stated;
    std::optional<StatementChannel> used;
    CheckResult result;
  };
  const std::vector<Case> cases{
      {"its own connection", StatementChannel{key, exporter}, StatementChannel{key, exporter}, CheckResult::pass},
      {"relayed under another key", StatementChannel{key, exporter}, StatementChannel{other, exporter},
       CheckResult::fail},
      {"relayed under the same key", StatementChannel{key, exporter}, StatementChannel{key, other}, CheckResult::fail},
      {"made for a certificate", StatementChannel{key, {}}, StatementChannel{key, exporter}, CheckResult::fail},
      {"made for the local socket", std::nullopt, StatementChannel{key, exporter}, CheckResult::fail},
      {"not over TLS", StatementChannel{key, exporter}, std::nullopt, CheckResult::skipped},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    AppraisalContext context = context_for(test_nonce());
    context.channel = c.used;
    const Bundle bundle = vm().bundle(test_nonce(), {[&](Statement& s) { s.channel = c.stated; }, {}, {}});
    const Verdict verdict = judge(bundle, policy_for(vm()), context);
    CHECK(result_of(verdict, "binding.channel") == c.result);
    CHECK((verdict.outcome == Outcome::trusted) == (c.result != CheckResult::fail));
  }
}

TEST_CASE("a statement of another purpose than was demanded is refused") {
  const Policy policy = policy_for(vm());
  const Bundle monitor = vm().bundle(test_nonce(), {[](Statement& s) { s.purpose = Purpose::monitor; }, {}, {}});
  AppraisalContext context = context_for(test_nonce());
  CHECK(result_of(appraise(monitor, policy, context).verdict, "binding.purpose") == CheckResult::skipped);
  CHECK(appraise(monitor, policy, context).verdict.outcome == Outcome::trusted);
  context.purpose = Purpose::monitor;
  CHECK(result_of(appraise(monitor, policy, context).verdict, "binding.purpose") == CheckResult::pass);
  CHECK(appraise(monitor, policy, context).verdict.outcome == Outcome::trusted);
  context.purpose = Purpose::host;
  CHECK(result_of(appraise(monitor, policy, context).verdict, "binding.purpose") == CheckResult::fail);
  CHECK(appraise(monitor, policy, context).verdict.outcome == Outcome::refused);
}

TEST_CASE("freshness without a nonce needs a policy that accepts an age") {
  const Bundle bundle = vm().bundle(test_nonce());
  struct Case {
    bool require_nonce;
    std::optional<std::int64_t> maximal_age_s;
    std::int64_t at;
    Outcome outcome;
  };
  const std::vector<Case> cases{
      {true, std::nullopt, test_time, Outcome::undecided},  {true, 600, test_time, Outcome::undecided},
      {false, std::nullopt, test_time, Outcome::undecided}, {false, 600, test_time + 600, Outcome::trusted},
      {false, 600, test_time + 601, Outcome::refused},      {false, 600, test_time - 60, Outcome::trusted},
      {false, 600, test_time - 61, Outcome::refused},
  };
  for (const Case& c : cases) {
    Policy policy = policy_for(vm());
    policy.require_nonce = c.require_nonce;
    policy.maximal_age_s = c.maximal_age_s;
    AppraisalContext context;
    context.at = c.at;
    const Verdict verdict = judge(bundle, policy, context);
    INFO(c.require_nonce << " " << c.at - test_time);
    CHECK(verdict.outcome == c.outcome);
    CHECK(result_of(verdict, "binding.nonce") != CheckResult::pass);
  }
}

TEST_CASE("a policy that demands more or knows less never turns unknown into trust") {
  const Bundle bundle = vm().bundle(test_nonce());
  struct Case {
    std::string_view what;
    std::function<void(Policy&)> change;
    Question question;
    Answer answer;
    Outcome outcome;
  };
  const auto own_tcb = [](Policy& p) -> SnpTcb& { return p.snp_minimum_tcb[SnpProduct::milan]; };
  const std::vector<Case> cases{
      {"no roots", [](Policy& p) { p.roots.named.clear(); }, Question::hardware, Answer::no, Outcome::refused},
      {"no reference", [](Policy& p) { p.snp_measurements.clear(); }, Question::initial_state, Answer::unknown,
       Outcome::undecided},
      {"no PCRs", [](Policy& p) { p.pcrs.clear(); }, Question::boot_chain, Answer::unknown, Outcome::undecided},
      {"host may not run the vTPM", [](Policy& p) { p.vtpm_isolation = {"vmpl", "paravisor", "nitro", "td"}; },
       Question::boot_chain, Answer::unknown, Outcome::undecided},
      {"another PCR value", [](Policy& p) { p.pcrs[HashAlgorithm::sha256][4][0] ^= std::byte{1}; },
       Question::boot_chain, Answer::no, Outcome::refused},
      {"a PCR that is not quoted", [](Policy& p) { p.pcrs[HashAlgorithm::sha256][12] = Bytes(32); },
       Question::boot_chain, Answer::unknown, Outcome::undecided},
      {"a newer TCB", [&](Policy& p) { ++own_tcb(p).microcode; }, Question::hardware, Answer::no, Outcome::refused},
      {"a minimum for another product only",
       [](Policy& p) {
         p.snp_minimum_tcb.clear();
         p.snp_minimum_tcb[SnpProduct::genoa] = {};
       },
       Question::hardware, Answer::no, Outcome::refused},
      {"VLEK only", [](Policy& p) { p.snp_signers = {"VLEK"}; }, Question::hardware, Answer::no, Outcome::refused},
      {"no SMT", [](Policy& p) { p.snp_smt = false; }, Question::hardware, Answer::no, Outcome::refused},
      {"one socket", [](Policy& p) { p.snp_single_socket = true; }, Question::hardware, Answer::no, Outcome::refused},
      {"host data", [](Policy& p) { p.snp_host_data = {Bytes(32, std::byte{1})}; }, Question::hardware, Answer::no,
       Outcome::refused},
      {"an ID key", [](Policy& p) { p.snp_id_key_digests = {Bytes(48, std::byte{1})}; }, Question::hardware, Answer::no,
       Outcome::refused},
      {"a revocation list", [](Policy& p) { p.snp_require_crl = true; }, Question::hardware, Answer::no,
       Outcome::refused},
      {"keys from a vTPM only",
       [](Policy& p) {
         p.storage_key_origins = {"vtpm"};
         p.required.insert(Question::storage);
       },
       Question::storage, Answer::no, Outcome::refused},
      {"cloud-init expected",
       [](Policy& p) {
         p.provisioning_agents = {"cloud-init"};
         p.required.insert(Question::provisioning);
       },
       Question::provisioning, Answer::no, Outcome::refused},
      {"nothing required", [](Policy& p) { p.required.clear(); }, Question::hardware, Answer::yes, Outcome::undecided},
  };
  for (const Case& c : cases) {
    Policy policy = policy_for(vm());
    c.change(policy);
    const Verdict verdict = judge(bundle, policy);
    INFO(c.what << "\n" << verdict_to_text(verdict, false));
    CHECK(answer_of(verdict, c.question) == c.answer);
    CHECK(verdict.outcome == c.outcome);
  }
}

using Mappings = std::vector<StorageMapping>;
const Mappings crypt_root{{"root", "crypt-luks2", "crypt", "aes-xts-plain64", 64}};
const Mappings verity_usr{{.device = "usr",
                           .layer = "verity",
                           .target = "verity",
                           .hash = "sha256",
                           .mode = {},
                           .root_hash = Bytes(32, std::byte{7})}};

TEST_CASE("what a guest says of its storage counts as far as it can be believed") {
  struct Case {
    StorageClaim volume;
    Answer believed;
    Answer doubted;  // when the initial state is unknown
  };
  const std::vector<Case> cases{
      {{"/", "/dev/dm-0", "ext4", false, {"crypt-luks2", "integrity"}, "broker", {}, crypt_root},
       Answer::yes,
       Answer::unknown},
      {{"/", "/dev/dm-0", "ext4", false, {"crypt-luks2"}, "vtpm", {}, crypt_root}, Answer::yes, Answer::unknown},
      {{"/", "/dev/dm-0", "ext4", false, {"integrity"}, "passphrase"}, Answer::yes, Answer::unknown},
      {{"/usr", "/dev/dm-1", "erofs", true, {"verity"}, "none", {}, verity_usr}, Answer::yes, Answer::unknown},
      {{"/", "overlay", "overlay", false, {}, "none"}, Answer::unknown, Answer::unknown},
      {{"/srv", "sshfs", "fuse.sshfs", false, {}, "none"}, Answer::unknown, Answer::unknown},
      {{"/", "/dev/sda1", "ext4", false, {}, "none"}, Answer::no, Answer::no},
      {{"/", "/dev/sda1", "ext4", true, {}, "none"}, Answer::no, Answer::no},
      {{"/", "/dev/dm-0", "ext4", false, {"verity"}, "none"}, Answer::no, Answer::no},
      {{"/", "/dev/dm-0", "ext4", false, {"linear"}, "broker"}, Answer::no, Answer::no},
      {{"/", "/dev/dm-0", "ext4", false, {"crypt-luks2"}, "none", {}, crypt_root}, Answer::no, Answer::no},
      {{"/", "/dev/dm-0", "ext4", false, {"crypt-luks2"}, "unknown", {}, crypt_root}, Answer::no, Answer::no},
      {{"/", "/dev/dm-0", "ext4", false, {"integrity"}, "none"}, Answer::no, Answer::no},
  };
  Policy doubting = policy_for(vm());
  doubting.snp_measurements.clear();
  for (const Case& c : cases) {
    INFO(c.volume.mount_point << " " << c.volume.source << " " << c.volume.key_origin);
    const Bundle bundle = vm().bundle(test_nonce(), {[&](Statement& s) { s.storage = {c.volume}; }, {}, {}});
    CHECK(answer_of(judge(bundle, policy_for(vm())), Question::storage) == c.believed);
    CHECK(answer_of(judge(bundle, doubting), Question::storage) == c.doubted);
  }
  // Who keeps the vTPM has the key.
  Policy isolated = policy_for(vm());
  isolated.vtpm_isolation = {"vmpl"};
  for (const auto& [origin, answer] : {std::pair("vtpm", Answer::no), std::pair("broker", Answer::unknown)}) {
    const StorageClaim volume{"/", "/dev/dm-0", "ext4", false, {"crypt-luks2"}, origin, {}, crypt_root};
    const Bundle bundle = vm().bundle(test_nonce(), {[&](Statement& s) { s.storage = {volume}; }, {}, {}});
    INFO(origin);
    CHECK(answer_of(judge(bundle, isolated), Question::storage) == answer);
  }
  const Bundle silent = vm().bundle(test_nonce(), {[](Statement& s) {
                                                     s.storage.reset();
                                                     s.provisioning.reset();
                                                   },
                                                   {},
                                                   {}});
  const Verdict verdict = judge(silent, policy_for(vm()));
  CHECK(answer_of(verdict, Question::storage) == Answer::unknown);
  CHECK(answer_of(verdict, Question::provisioning) == Answer::unknown);
}

TEST_CASE("a volume is protected by what the kernel's tables say, not by what its layers are called") {
  const auto crypt = [](std::string cipher) {
    return Mappings{{"root", "crypt-luks2", "crypt", std::move(cipher), 32}};
  };
  Mappings careless = verity_usr;
  careless.front().mode = "ignore_corruption";
  Mappings half = crypt_root;
  half.push_back({"root", "crypt-luks2", "linear"});
  Mappings tagged = crypt_root;
  tagged.push_back({"root_dif", "integrity", "integrity"});
  Mappings untagged = crypt_root;
  untagged.push_back({"root_dif", "integrity", "linear"});
  Mappings raid = crypt_root;
  raid.push_back({"other", "crypt-luks2", "crypt", "cipher_null-ecb", 0});
  struct Case {
    std::vector<std::string> layers;
    std::optional<Mappings> mappings;
    Answer answer;
    std::string_view reason;
  };
  const std::vector<Case> cases{
      {{"crypt-luks2"}, crypt("aes-xts-plain64"), Answer::yes, "encrypted"},
      {{"crypt-luks2"}, crypt("capi:authenc(hmac(sha256),xts(aes))-plain64"), Answer::yes, "encrypted"},
      {{"crypt-luks2"}, crypt("cipher_null-ecb"), Answer::no, "cipher"},
      {{"crypt-luks2"}, crypt("capi:ecb(cipher_null)"), Answer::no, "cipher"},
      {{"crypt-luks2"}, crypt("aes-ecb"), Answer::no, "cipher"},
      {{"crypt-luks2"}, crypt(""), Answer::unknown, "cipher-unknown"},
      {{"crypt-luks2", "integrity"}, crypt("cipher_null-ecb"), Answer::no, "cipher"},
      {{"crypt-luks2"}, Mappings{{"root", "crypt-luks2", "linear"}}, Answer::no, "mapping"},
      {{"crypt-luks2"}, half, Answer::no, "mapping"},
      {{"crypt-luks2", "integrity"}, tagged, Answer::yes, "encrypted-integrity"},
      {{"crypt-luks2", "integrity"}, untagged, Answer::no, "mapping"},
      {{"integrity"}, Mappings{{"root_dif", "integrity", "linear"}}, Answer::no, "mapping"},
      {{"raid", "crypt-luks2"}, raid, Answer::no, "cipher"},
      {{"crypt-luks2"}, std::nullopt, Answer::unknown, "mapping-unknown"},
      {{"crypt-luks2"}, Mappings{}, Answer::unknown, "mapping-unknown"},
      {{"lvm", "crypt-luks2", "crypt-plain"}, crypt_root, Answer::unknown, "mapping-unknown"},
      {{"verity"}, verity_usr, Answer::yes, "verity"},
      {{"verity"}, careless, Answer::no, "verity-mode"},
      {{"verity"}, Mappings{{"usr", "verity", "linear"}}, Answer::no, "mapping"},
      {{"verity"}, std::nullopt, Answer::unknown, "mapping-unknown"},
  };
  for (const Case& c : cases) {
    const Bundle bundle = vm().bundle(
        test_nonce(),
        {[&](Statement& s) { s.storage = {{"/", "/dev/dm-0", "ext4", true, c.layers, "broker", {}, c.mappings}}; },
         {},
         {}});
    const Verdict verdict = judge(bundle, policy_for(vm()));
    INFO(verdict_to_text(verdict, false));
    CHECK(answer_of(verdict, Question::storage) == c.answer);
    CHECK(has_reason(verdict, Question::storage, c.reason));
  }
}

TEST_CASE("ciphers and root hashes that a policy does not list are refused") {
  struct Case {
    Mappings mappings;
    std::string layer;
    void (*change)(Policy&);
    Answer answer;
  };
  const std::vector<Case> cases{
      {crypt_root, "crypt-luks2", [](Policy& p) { p.storage_ciphers = {"aes-xts-plain64"}; }, Answer::yes},
      {crypt_root, "crypt-luks2", [](Policy& p) { p.storage_ciphers = {"aes-xts-random"}; }, Answer::no},
      {{{"root", "crypt-luks2", "crypt", "cipher_null-ecb", 0}},
       "crypt-luks2",
       [](Policy& p) { p.storage_ciphers = {"cipher_null-ecb"}; },
       Answer::no},
      {verity_usr, "verity", [](Policy& p) { p.storage_root_hashes = {Bytes(32, std::byte{7})}; }, Answer::yes},
      {verity_usr, "verity", [](Policy& p) { p.storage_root_hashes = {Bytes(32, std::byte{8})}; }, Answer::no},
  };
  for (const Case& c : cases) {
    const Bundle bundle = vm().bundle(
        test_nonce(),
        {[&](Statement& s) { s.storage = {{"/", "/dev/dm-0", "ext4", true, {c.layer}, "broker", {}, c.mappings}}; },
         {},
         {}});
    Policy policy = policy_for(vm());
    c.change(policy);
    CHECK(answer_of(judge(bundle, policy), Question::storage) == c.answer);
  }
}

TEST_CASE("the policy that is made from a bundle accepts that VM and no other") {
  const auto text = make_policy(vm().bundle(test_nonce()), "a\nfile\x1b[2J");
  REQUIRE(text);
  CHECK(text->find('\x1b') == std::string::npos);
  auto policy = parse_policy(*text, "");
  INFO(*text);
  REQUIRE(policy);
  CHECK(judge(vm().bundle(test_nonce()), *policy).outcome == Outcome::refused);  // its root is not trusted
  policy->roots.named = {signer().root_der()};
  const Bytes nonce = to_bytes("another nonce");
  CHECK(judge(vm().bundle(nonce), *policy, context_for(nonce)).outcome == Outcome::trusted);
  CHECK(policy->snp_minimum_tcb.at(SnpProduct::milan) == signer().options().tcb);
  CHECK(policy->secure_boot == true);
  const Bundle changed = vm().bundle(nonce, {{}, [](SnpReport& r) { r.measurement[0] ^= std::byte{1}; }, {}});
  CHECK(judge(changed, *policy, context_for(nonce)).outcome == Outcome::refused);
  CHECK_FALSE(make_policy(vm().bundle(nonce, {{}, {}, [](Bundle& b) { b.snp_report.clear(); }}), "x"));
}

TEST_CASE("the made policy pins PCR 9 where the kernel's EFI stub alone measured command line and initrd into it") {
  // TCG_PCClientTaggedEvent: the ID, the size of what follows.
  const auto tagged = [](std::uint8_t id) {
    return Bytes{std::byte{id}, std::byte{0x22}, std::byte{0x3b}, std::byte{0x8f}, {}, {}, {}, {}};
  };
  const Bytes initrd = tagged(0xec);
  const Bytes command_line = tagged(0xed);
  const Bytes other = tagged(0xee);
  struct Case {
    std::string_view what;
    std::function<void(EventLogWriter&)> measure;
    bool pinned;
    std::string_view comment;
  };
  const std::vector<Case> cases{
      {"stub",
       [&](EventLogWriter& log) {
         log.measure(9, ev_event_tag, as_bytes("x"), command_line);
         log.measure(9, ev_event_tag, as_bytes("y"), initrd);
       },
       true, "command line and initrd, by the kernel's EFI stub"},
      {"unified image",
       [&](EventLogWriter& log) {
         log.measure(11, ev_ipl, as_bytes(".linux"));
         log.measure(9, ev_event_tag, as_bytes("y"), initrd);
       },
       false, "unified kernel image 4 and 11 have it"},
      {"GRUB",
       [&](EventLogWriter& log) {
         log.measure(9, ev_ipl, as_bytes("/boot/grub/grubenv"));
         log.measure(9, ev_event_tag, as_bytes("y"), initrd);
       },
       false, "GRUB keeps between boots"},
      {"another's tag", [&](EventLogWriter& log) { log.measure(9, ev_event_tag, as_bytes("y"), other); }, false, ""},
      {"a tag cut short", [&](EventLogWriter& log) { log.measure(9, ev_event_tag, as_bytes("y"), Bytes(3)); }, false,
       ""},
      {"nobody", [](EventLogWriter&) {}, false, "files that GRUB read"},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    EventLogWriter log({HashAlgorithm::sha256});
    log.measure(0, ev_s_crtm_version, as_bytes("firmware"));
    c.measure(log);
    const auto with_log = [&](Bundle& b) {
      b.firmware_event_log = log.bytes();
      b.tpm->pcrs[HashAlgorithm::sha256][9] = Bytes(32, std::byte{9});
    };
    const std::string text = make_policy(vm().bundle(test_nonce(), {{}, {}, with_log}), "x").value();
    const std::string line = "\n" + std::string(c.pinned ? "" : "# ") + "9 = \"0909";
    CHECK(text.find(line) != std::string::npos);
    CHECK(text.find(c.comment) != std::string::npos);
    CHECK(parse_policy(text, "")->pcrs.at(HashAlgorithm::sha256).contains(9) == c.pinned);
  }
}

TEST_CASE("without a quote the made policy leaves the boot chain out") {
  const auto drop_quote = [](Bundle& b) { b.tpm.reset(); };
  const auto pin_more = [](SnpReport& r) {
    r.host_data[0] = std::byte{9};
    r.id_key_digest[0] = std::byte{8};
  };
  const Bundle bundle = vm().bundle(test_nonce(), {{}, pin_more, drop_quote});
  auto policy = parse_policy(make_policy(bundle, "x").value(), "");
  REQUIRE(policy);
  CHECK(policy->snp_host_data.size() == 1);
  CHECK(policy->snp_id_key_digests.size() == 1);
  policy->roots.named = {signer().root_der()};
  const Verdict verdict = judge(bundle, *policy);
  CHECK(verdict.outcome == Outcome::trusted);
  CHECK(answer_of(verdict, Question::boot_chain) == Answer::unknown);
}

TEST_CASE("a genuine report that allows debugging fails snp.policy and nothing else") {
  const auto report = vector_file("snp/milan-vcek-v2/report.bin");
  if (!report) return;
  const auto endorsements = load_snp_endorsements(vectors_folder() + "/snp/milan-vcek-v2");
  REQUIRE(endorsements);
  const Verdict verdict = appraise_snp(verify_snp(*report, *endorsements, {}, test_time), nullptr);
  INFO(verdict_to_text(verdict, false));
  CHECK(result_of(verdict, "snp.signature") == CheckResult::pass);
  CHECK(result_of(verdict, "snp.chain") == CheckResult::pass);
  CHECK(result_of(verdict, "snp.policy") == CheckResult::fail);
  CHECK(result_of(verdict, "snp.measurement") == CheckResult::skipped);
  CHECK(verdict.outcome == Outcome::refused);
  CHECK_FALSE(verdict.simulated);
  Policy lenient;
  lenient.snp_allow_debug = true;
  lenient.snp_allow_migration_agent = true;
  CHECK(appraise_snp(verify_snp(*report, *endorsements, {}, test_time), &lenient).outcome == Outcome::trusted);
}

TEST_CASE("a secret is released to the key that the statement names, and to no other") {
  const Bytes key(32, std::byte{7});
  const auto asking = [&](std::optional<Bytes> named) {
    return vm().bundle(test_nonce(), {.statement = [named](Statement& statement) {
                         statement.purpose = Purpose::unlock;
                         if (named) statement.unlock = UnlockClaim{*named, {}};
                       }});
  };
  AppraisalContext context = context_for(test_nonce());
  CHECK(judge(asking(key), policy_for(vm()), context).find("binding.recipient-key") == nullptr);
  context.recipient_key = key;
  const Verdict good = judge(asking(key), policy_for(vm()), context);
  CHECK(good.outcome == Outcome::trusted);
  CHECK(result_of(good, "binding.recipient-key") == CheckResult::pass);
  for (const auto& named : {std::optional<Bytes>(), std::optional<Bytes>(Bytes(32, std::byte{8}))}) {
    const Verdict bad = judge(asking(named), policy_for(vm()), context);
    CHECK(bad.outcome == Outcome::refused);
    CHECK(result_of(bad, "binding.recipient-key") == CheckResult::fail);
  }
}

}  // namespace attestd::test
