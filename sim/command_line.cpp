#include "sim/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <iostream>
#include <map>

#include "base/encoding.h"
#include "base/text.h"
#include "config.h"
#include "sim/faults.h"
#include "sim/platform.h"

namespace attestd::sim {
namespace {

constexpr std::uint64_t policy_debug = std::uint64_t{1} << 19U;  // 56860 table 9
constexpr int wrong_usage = 2;

// As typed; CLI11 fills it.
struct Typed {
  std::string state;
  std::string platform{platform_names().front()};
  std::string product = "Milan";
  bool vlek = false;
  std::string tcb;
  bool debug_policy = false;
  std::string measurement;
  std::string host_data;
  unsigned vmpl = 0;
  bool no_tsm = false;
  bool in_process = false;
  bool no_tpm = false;
  bool no_secure_boot = false;
  std::string kernel_command_line;
  std::string machine_id;
  std::string busy, slow, throttled, race, wipe_key;
  std::string report_data, report_vmpl, output = "-";
  std::string fault, fault_argument, tpm_action;
};

template <std::size_t N>
Result<void> fill(FixedBytes<N>& out, const std::string& hex, const std::string& name) {
  ATTESTD_TRY(const Bytes bytes, from_hex(hex));
  if (bytes.size() != N) return fail(Errc::usage, name + " takes " + std::to_string(2 * N) + " hex digits");
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return {};
}

// "bootloader=4,tee=0,snp=24,microcode=219"; fmc for Turin.
Result<SnpTcb> parse_tcb(const std::string& text) {
  SnpTcb out;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    const std::size_t equals = item.find('=');
    const std::string_view name = item.substr(0, equals);
    const std::string_view digits = equals == std::string_view::npos ? "" : item.substr(equals + 1);
    std::uint8_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
      return fail(Errc::usage, "--tcb takes NAME=NUMBER,… with numbers from 0 to 255");
    }
    if (name == "fmc") {
      out.fmc = value;
    } else if (name == "bootloader") {
      out.bootloader = value;
    } else if (name == "tee") {
      out.tee = value;
    } else if (name == "snp") {
      out.snp = value;
    } else if (name == "microcode") {
      out.microcode = value;
    } else {
      return fail(Errc::usage, "--tcb knows fmc, bootloader, tee, snp and microcode");
    }
  }
  return out;
}

Result<MachineOptions> machine_options(const Typed& typed) {
  MachineOptions out;
  out.state = typed.state;
  out.platform = typed.platform;
  const auto product = snp_product_from_name(typed.product);
  if (!product) return fail(Errc::usage, "--product takes Milan, Genoa or Turin");
  out.product = *product;
  out.vlek = typed.vlek;
  if (!typed.tcb.empty()) {
    ATTESTD_TRY(out.tcb, parse_tcb(typed.tcb));
    if (out.tcb->fmc && out.product != SnpProduct::turin) return fail(Errc::usage, "only Turin's TCB has an fmc");
  }
  if (typed.debug_policy) out.guest_policy |= policy_debug;
  out.measurement = simulated_measurement();
  if (!typed.measurement.empty()) ATTESTD_CHECK(fill(out.measurement, typed.measurement, "--measurement"));
  if (!typed.host_data.empty()) ATTESTD_CHECK(fill(out.host_data, typed.host_data, "--host-data"));
  out.vmpl = typed.vmpl;
  out.tsm = !typed.no_tsm && !typed.in_process;
  out.tpm = !typed.no_tpm;
  out.boot.secure_boot = !typed.no_secure_boot;
  if (!typed.kernel_command_line.empty()) out.boot.command_line = typed.kernel_command_line;
  if (!typed.machine_id.empty()) {
    FixedBytes<16> checked{};
    ATTESTD_CHECK(fill(checked, typed.machine_id, "--machine-id"));
    out.boot.machine_id = to_hex(checked);
  }
  return out;
}

std::vector<std::string> start_faults(const Typed& typed) {
  std::vector<std::string> out;
  const std::pair<const char*, const std::string*> all[] = {{"busy", &typed.busy},
                                                            {"slow", &typed.slow},
                                                            {"throttled", &typed.throttled},
                                                            {"race", &typed.race},
                                                            {"wipe-key", &typed.wipe_key}};
  for (const auto& [name, argument] : all) {
    if (!argument->empty()) out.push_back(std::string("fault ") + name + " " + *argument);
  }
  return out;
}

void add_machine_options(CLI::App& app, Typed& typed) {
  app.add_option("--platform", typed.platform, "what machine it is: " + joined(platform_names()))
      ->check(CLI::IsMember(std::vector<std::string>(platform_names().begin(), platform_names().end())));
  app.add_option("--product", typed.product, "Milan (default), Genoa or Turin");
  app.add_flag("--vlek", typed.vlek, "sign with a VLEK instead of a VCEK");
  app.add_option("--tcb", typed.tcb, "e.g. bootloader=4,tee=0,snp=24,microcode=219");
}

void add_run_options(CLI::App& app, Typed& typed) {
  app.add_flag("--debug-policy", typed.debug_policy, "a guest policy that allows debugging");
  app.add_option("--measurement", typed.measurement, "launch digest, 96 hex digits");
  app.add_option("--host-data", typed.host_data, "64 hex digits");
  app.add_option("--vmpl", typed.vmpl, "VMPL of the guest kernel")->check(CLI::Range(0U, 3U));
  app.add_flag("--no-tsm", typed.no_tsm, "no configfs-tsm tree");
  app.add_flag("--in-process", typed.in_process, "run attestd in this process (for machines without FUSE)");
  app.add_flag("--no-tpm", typed.no_tpm, "no TPM and no event logs");
  app.add_flag("--no-secure-boot", typed.no_secure_boot, "Secure Boot is off in the measured boot");
  app.add_option("--command-line", typed.kernel_command_line, "kernel command line in the measured boot");
  app.add_option("--machine-id", typed.machine_id, "32 hex digits, measured into PCR 15");
  app.add_option("--slow", typed.slow, "each report takes MS milliseconds");
  app.add_option("--busy", typed.busy, "the first N requests, or P% of all, fail with EBUSY");
  app.add_option("--throttled", typed.throttled, "the host puts off the first N requests");
  app.add_option("--race", typed.race, "another writer interferes with the first N reports");
  app.add_option("--wipe-key", typed.wipe_key, "the key is wiped after N requests");
}

std::string fault_footer() {
  std::string out = "Faults:\n";
  for (const FaultHelp& fault : fault_help()) {
    std::string left = "  " + std::string(fault.name) + " " + std::string(fault.argument);
    left.resize(std::max<std::size_t>(left.size() + 1, 24), ' ');
    out += left + std::string(fault.text) + "\n";
  }
  return out;
}

}  // namespace

ParsedCommandLine parse_command_line(int argc, const char* const* argv) {
  Typed typed;
  CLI::App app("A software confidential VM: makes a machine without SEV-SNP or TPM behave as one.", "attestd-sim");
  app.set_version_flag("--version", std::string("attestd-sim ") + ATTESTD_VERSION);
  app.require_subcommand(1);
  const auto command = [&](const char* name, const char* text) {
    CLI::App* out = app.add_subcommand(name, text);
    out->add_option("--state", typed.state, "folder of the software CVM")->required();
    return out;
  };
  CLI::App* run = command("run", "start everything and stay until SIGTERM");
  add_machine_options(*run, typed);
  add_run_options(*run, typed);
  CLI::App* mint = command("mint", "only make keys and certificates");
  add_machine_options(*mint, typed);
  CLI::App* fault = command("fault", "switch a fault of the running CVM");
  fault->add_option("NAME", typed.fault, "which")->required();
  fault->add_option("ARGUMENT", typed.fault_argument, "how much");
  fault->footer(fault_footer());
  CLI::App* tpm = command("tpm", "stop, start or swap the TPM of the running CVM");
  tpm->add_option("ACTION", typed.tpm_action, "stop, start or swap")
      ->required()
      ->check(CLI::IsMember({"stop", "start", "swap"}));
  CLI::App* report = command("report", "get a raw report, past the agent");
  report->add_option("--report-data", typed.report_data, "128 hex digits")->required();
  report->add_option("--vmpl", typed.report_vmpl, "0 to 3");
  report->add_option("-o,--output", typed.output, "file, or - for standard output (default)");
  CLI::App* status = command("status", "ask the running CVM how it is");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return {std::nullopt, app.exit(error) == 0 ? 0 : wrong_usage};
  }

  auto machine = machine_options(typed);
  if (!machine) {
    std::cerr << "attestd-sim: " << machine.error().text() << std::endl;
    return {std::nullopt, wrong_usage};
  }
  CommandLine out;
  out.machine = *std::move(machine);
  out.in_process = typed.in_process;
  out.start_faults = start_faults(typed);
  out.report_data = typed.report_data;
  out.vmpl = typed.report_vmpl;
  out.output = typed.output;
  if (run->parsed()) out.verb = Verb::run;
  if (mint->parsed()) out.verb = Verb::mint;
  if (report->parsed()) out.verb = Verb::report;
  if (fault->parsed() || tpm->parsed() || status->parsed()) out.verb = Verb::tell;
  if (fault->parsed()) {
    out.control_line = "fault " + typed.fault;
    if (!typed.fault_argument.empty()) out.control_line += " " + typed.fault_argument;
  }
  if (tpm->parsed()) out.control_line = "tpm " + typed.tpm_action;
  if (status->parsed()) out.control_line = "status";
  return {std::move(out), 0};
}

}  // namespace attestd::sim
