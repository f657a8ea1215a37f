#include "sim/platform_tdx.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <utility>

#include "base/encoding.h"
#include "base/file.h"
#include "evidence/digest.h"

namespace attestd::sim {
namespace {

constexpr unsigned public_mode = 0644;
constexpr std::size_t ccel_area_size = std::size_t{64} * 1024;  // as OVMF reserves it
constexpr std::uint64_t ccel_area_address = 0xbe000000;
constexpr std::uint64_t debug_policy_bit = std::uint64_t{1} << 19U;  // MachineOptions::guest_policy, SNP's
constexpr std::uint64_t attribute_sept_ve_disable = std::uint64_t{1} << 28U;
// "Exit Boot Services Returned with Success", the boot's last event.
constexpr std::size_t last_event_data = 40;
constexpr std::uint64_t usual_xfam = 0x61ae7;  // FP, SSE, AVX, AVX-512, PKRU, AMX

struct FaultName {
  std::string_view name;
  std::string_view done;
  void (*set)(TdxFaults&);
};
constexpr std::array faults{
    FaultName{"no-answer", "the quoting service gives no quotes any more", [](TdxFaults& f) { f.no_answer = true; }},
    FaultName{"other-td", "the host gives quotes of another TD", [](TdxFaults& f) { f.other_td = true; }},
    FaultName{"other-nonce", "the host gives old quotes of this TD", [](TdxFaults& f) { f.other_nonce = true; }},
};

Result<unsigned> number(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) {
    return fail(Errc::usage, "a number from 0 to " + std::to_string(most) + " belongs there");
  }
  return value;
}

template <std::size_t N>
Result<FixedBytes<N>> fixed_hex(const std::string& hex, std::string_view what) {
  ATTESTD_TRY(const Bytes bytes, from_hex(hex));
  if (bytes.size() != N) {
    return fail(Errc::usage, std::string(what) + " takes " + std::to_string(2 * N) + " hex digits");
  }
  FixedBytes<N> out{};
  std::ranges::copy(bytes, out.begin());
  return out;
}

Result<TdxSigner> load_or_mint(const StatePaths& paths, const Progress& progress) {
  if (std::filesystem::exists(paths.keys + "/tdx-root.pem")) {
    ATTESTD_TRY(TdxSigner signer, TdxSigner::load(paths.keys, {}));
    progress("keys: kept those in " + paths.keys);
    return signer;
  }
  ATTESTD_TRY(TdxSigner signer, TdxSigner::mint({}));
  ATTESTD_CHECK(signer.save(paths.keys));
  progress("keys: minted in " + paths.keys);
  return signer;
}

// What the module says of the TD: --measurement is its MRTD, --debug-policy its
// debug attribute.
TdReport td_of(const MachineOptions& options, const TdxSigner& signer) {
  const TdQuoteBody body = signer.body(TdBodyType::td_15);
  TdReport out;
  out.type = td_tee_type_tdx;
  out.version = 1;
  out.valid = 0x301ff;
  static_cast<TeeTcbFields&>(out) = static_cast<const TeeTcbFields&>(body);
  out.tee_tcb_svn_2 = body.tee_tcb_svn_2;
  out.td_attributes.raw = attribute_sept_ve_disable | ((options.guest_policy & debug_policy_bit) != 0 ? 1U : 0U);
  out.xfam = usual_xfam;
  out.mrtd = options.measurement;
  // --host-data: what the host chose, in the register for it.
  std::ranges::copy(options.host_data, out.mrconfigid.begin());
  out.rtmrs = measure_boot(options.boot).rtmrs;
  return out;
}

class TdxPlatform final : public PlatformModel {
 public:
  TdxPlatform(const MachineOptions& options, const StatePaths& paths, std::unique_ptr<TdxHardware> hardware)
      : boot_(options.boot),
        table_(paths.state + "/acpi/CCEL"),
        area_(paths.state + "/acpi/data/CCEL"),
        hardware_(std::move(hardware)) {}

  TsmProvider* tsm() override { return &hardware_->module(); }

  Result<void> start_services(const Progress& progress) override {
    CcelTable table;
    table.cc_type = cc_type_tdx;
    table.log_area_minimum_length = ccel_area_size;
    table.log_area_start_address = ccel_area_address;
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(area_).parent_path(), error);
    if (error) return fail_errno(error.value(), "cannot create the folder of " + area_);
    ATTESTD_CHECK(replace_file(table_, encode_ccel_table(table), public_mode));
    ATTESTD_CHECK(write_log(measure_boot(boot_).cc_event_log));
    progress("measured boot: " + area_);
    return {};
  }

  [[nodiscard]] std::string agent_config(const std::string& tsm) const override {
    // An agent in this process is given the device: nothing tells it where it is.
    std::string out = tsm.empty() ? "[platform]\nname = \"kvm-tdx\"\n\n" : "";
    out += "[tdx]\n";
    out += tsm.empty() ? "backend = \"off\"\n" : "backend = \"configfs-tsm\"\nconfigfs = " + toml_string(tsm) + "\n";
    // A machine that is a TD itself has a device, which knows nothing of this TD.
    return out + "device = \"\"\nevent-log = " + toml_string(area_) + "\n";
  }
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> environment() const override {
    auto out = hardware_->environment();
    out.emplace_back("ccel_table", table_);
    out.emplace_back("cc_event_log", area_);
    return out;
  }
  Result<std::string> control(TsmModel* tree, const std::string& verb, const std::string& rest) override {
    // The host can write the log's memory, though not the registers.
    const std::string fault = verb == "fault" ? rest.substr(0, rest.find(' ')) : "";
    if (fault == "ccel") {
      Bytes log = measure_boot(boot_).cc_event_log;
      // In the last event's digest, behind which are its data and their size.
      log.at(log.size() - last_event_data - 4 - 1) ^= std::byte{1};
      ATTESTD_CHECK(write_log(log));
      return std::string("the CC event log is not the one that was measured");
    }
    if (fault == "clear") ATTESTD_CHECK(write_log(measure_boot(boot_).cc_event_log));
    return hardware_->control(tree, verb, rest);
  }
  [[nodiscard]] std::string status() const override { return hardware_->status(); }

 private:
  Result<void> write_log(Bytes log) const {
    log.resize(ccel_area_size, std::byte{0xff});
    return replace_file(area_, log, public_mode);
  }

  BootOptions boot_;
  std::string table_;
  std::string area_;
  std::unique_ptr<TdxHardware> hardware_;
};

}  // namespace

TdxHardware::TdxHardware(const MachineOptions& options, TdxSigner signer, std::string collateral)
    : signer_(std::move(signer)),
      collateral_(std::move(collateral)),
      module_(td_of(options, signer_), [this](const TdReport& report) { return quote(report); }) {}

Result<std::unique_ptr<TdxHardware>> TdxHardware::make(const MachineOptions& options, const StatePaths& paths,
                                                       const Progress& progress) {
  ATTESTD_TRY(TdxSigner signer, load_or_mint(paths, progress));
  const std::string collateral = paths.state + "/collateral";
  std::error_code error;
  std::filesystem::create_directories(collateral, error);
  if (error) return fail_errno(error.value(), "cannot create " + collateral);
  ATTESTD_CHECK(signer.write_collateral(collateral));
  ATTESTD_CHECK(replace_file(paths.trust_root, as_bytes(signer.root_pem()), public_mode));
  progress("collateral: " + collateral + ", root in " + paths.trust_root);
  return std::make_unique<TdxHardware>(options, std::move(signer), collateral);
}

Result<Bytes> TdxHardware::quote(const TdReport& report) const {
  TdQuote out;
  out.body = td_quote_body(report, TdBodyType::td_15);
  return signer_.sign_quote(std::move(out));
}

Result<std::string> TdxHardware::control(TsmModel* tree, const std::string& verb, const std::string& rest) {
  const std::size_t space = rest.find(' ');
  const std::string first = rest.substr(0, space);
  const std::string second = space == std::string::npos ? "" : rest.substr(space + 1);
  if (verb == "report" || verb == "quote") {
    ATTESTD_TRY(const auto report_data, fixed_hex<64>(first, verb));
    const Bytes report = module_.report(report_data);
    if (verb == "report") return to_hex(report);
    ATTESTD_TRY(const TdReport parsed, parse_td_report(report));
    ATTESTD_TRY(const Bytes quoted, quote(parsed));
    return to_hex(quoted);
  }
  if (verb == "extend") {
    ATTESTD_TRY(const unsigned index, number(first, 3));
    ATTESTD_TRY(const auto digest, fixed_hex<48>(second, verb));
    module_.extend(index, digest);
    return "RTMR" + std::to_string(index) + " is " + to_hex(module_.rtmr(index));
  }
  if (verb != "fault") return fail(Errc::usage, "no such command");
  TdxFaults now = module_.faults();
  if (first == "clear") {
    module_.set_faults({});
    if (tree != nullptr) tree->set_race(0);
    return std::string("no faults from now on");
  }
  if (first == "busy") {
    ATTESTD_TRY(now.busy, number(second, 1000000));
    module_.set_faults(now);
    return "the next " + second + " quotes fail with EBUSY";
  }
  if (first == "race" && tree != nullptr) {
    ATTESTD_TRY(const unsigned count, number(second, 1000000));
    tree->set_race(count);
    return "another writer interferes with the next " + second + " quotes";
  }
  for (const FaultName& fault : faults) {
    if (fault.name != first) continue;
    fault.set(now);
    module_.set_faults(now);
    return std::string(fault.done);
  }
  return fail(Errc::usage,
              "this platform's faults are busy N, race N, no-answer, other-td, other-nonce, ccel and clear");
}

std::string TdxHardware::status() const { return std::to_string(module_.quotes()) + " quotes signed"; }

std::vector<std::pair<std::string, std::string>> TdxHardware::environment() const {
  const auto report = parse_td_report(module_.report({}));
  return {{"collateral", collateral_}, {"mrtd", report ? to_hex(report->mrtd) : ""}};
}

Result<std::unique_ptr<PlatformModel>> make_tdx_platform(const MachineOptions& options, const StatePaths& paths,
                                                         const Progress& progress) {
  if (options.vmpl != 0) return fail(Errc::usage, "a TD has no VMPLs");
  if (options.vlek || options.tcb) return fail(Errc::usage, "VLEKs and TCB components are SEV-SNP's");
  ATTESTD_TRY(auto hardware, TdxHardware::make(options, paths, progress));
  return std::make_unique<TdxPlatform>(options, paths, std::move(hardware));
}

}  // namespace attestd::sim
