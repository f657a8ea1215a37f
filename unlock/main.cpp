// attestd-unlock(8).
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <thread>

#include <config.h>
#include "agent/evidence_once.h"
#include "agent/service_manager.h"
#include "base/file.h"
#include "luks/token.h"
#include "net/https_url.h"
#include "unlock/socket.h"
#include "unlock/volume.h"
#include "unlock/vtpm_method.h"

namespace {

using namespace attestd;
using namespace attestd::unlock;

constexpr int exit_refused = 1;
constexpr int exit_trouble = 2;
constexpr std::uint16_t default_broker_port = 28444;
constexpr std::size_t small_file = std::size_t{64} << 10U;

struct Options {
  std::string settings = std::string(default_settings_path);
  std::string command_line = "/proc/cmdline";
  std::string agent = std::string(agent::default_config_path);
  std::string crypttab = "/etc/crypttab";
  bool once = false;
  bool enrol_vtpm = false;
  VtpmEnrolment enrolment;
  std::string name, device, uuid, header_out, origins;
};

void tell(const std::string& sentence) {
  std::fputs(("attestd-unlock: " + luks::printable_ascii(sentence) + "\n").c_str(), stderr);
}

// No core dump has the key, and no debugger of the same user's.
void shut_in() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
}

std::string text_of(const std::string& path) {
  const auto bytes = read_file(path, small_file);
  return bytes ? std::string(as_text(*bytes)) : std::string();
}

kbs::Tee tee_of(const std::string& platform) {
  if (platform == "azure-snp") return kbs::Tee::az_snp_vtpm;
  if (platform == "azure-tdx") return kbs::Tee::az_tdx_vtpm;
  return platform.ends_with("-tdx") ? kbs::Tee::tdx : kbs::Tee::snp;
}

// The devices of this machine, opened when the first evidence is needed.
class Machine {
 public:
  static Result<Machine> open(const std::string& config_path) {
    ATTESTD_TRY(agent::Config config, agent::load_config(config_path));
    // There is no sshd to ask in an initrd.
    config.ssh.sshd.clear();
    agent::Devices devices = agent::system_devices(config);
    return Machine(std::make_unique<agent::EvidenceOnce>(std::move(config), std::move(devices)));
  }

  [[nodiscard]] Attester attester() const {
    Attester out;
    out.tee = tee_of(evidence_->platform());
    out.bundle = [this](const Bytes& nonce, const UnlockClaim& claim) {
      agent::EvidenceRequest request;
      request.nonce = nonce;
      request.purpose = Purpose::unlock;
      request.unlock = claim;
      request.peer = StatementPeer{::getuid(), ::getgid(), ::getpid(), {}};
      return evidence_->bundle(std::move(request));
    };
    out.raw_report = [this](const FixedBytes<64>& report_data) { return evidence_->raw_report(report_data); };
    return out;
  }

 private:
  explicit Machine(std::unique_ptr<agent::EvidenceOnce> evidence) : evidence_(std::move(evidence)) {}
  std::unique_ptr<agent::EvidenceOnce> evidence_;
};

Result<ReleaseRequest> request_of(const Settings& settings, const std::string& uuid) {
  if (settings.url.empty()) {
    return fail(Errc::usage, "there is no relying party to ask: rd.attestd.url=https://HOST, or url in [unlock]");
  }
  if (settings.ca.empty()) {
    return fail(Errc::usage,
                "nothing says which certificate the relying party has: rd.attestd.ca=FILE, or ca in [unlock]");
  }
  ATTESTD_TRY(const HttpsServerName server, parse_https_url(settings.url, default_broker_port));
  const std::string resource = resource_of(settings, uuid);
  if (auto path = kbs::parse_resource_path("/kbs/v0/resource/" + resource); !path) {
    return std::unexpected(std::move(path).error().in("rd.attestd.resource"));
  }
  return ReleaseRequest{.url = https_url(server),
                        .ca_file = settings.ca,
                        .resource = resource,
                        .policy = settings.policy,
                        .trustee = settings.evidence == EvidenceForm::trustee};
}

Result<void> hand_over(const Options& options, const luks::DeviceHeader& header, const std::string& header_out,
                       const Origin& origin, const SecretBytes& key, int out) {
  ATTESTD_CHECK(luks::write_header_copy(header_out, header.metadata));
  Places places;
  if (!options.origins.empty()) places.origins = options.origins;
  ATTESTD_CHECK(write_all(out, "who asked for the key", key.view()));
  return write_origin(places, origin);
}

Result<void> unlock_by_tpm(const Options& options, const Settings& settings, const Volume& volume,
                           const luks::DeviceHeader& header, const std::string& header_out, int out) {
  ATTESTD_TRY(const agent::Config config, agent::load_config(options.agent));
  ATTESTD_TRY(const SecretBytes key, unseal_volume(settings, config, volume, header.header, tell));
  ATTESTD_CHECK(
      hand_over(options, header, header_out, {volume.uuid, "vtpm", {}, header.header.canonical_digest}, key, out));
  tell("volume " + volume.name + ": the key came from the TPM");
  return {};
}

Result<void> enrol(const Options& options) {
  ATTESTD_TRY(const Settings settings, load_settings(options.settings, options.command_line));
  ATTESTD_TRY(const agent::Config config, agent::load_config(options.agent));
  VtpmEnrolment enrolment = options.enrolment;
  enrolment.device = options.device;
  if (enrolment.device.empty() || enrolment.key_file.empty()) {
    return fail(Errc::usage, "--enrol-vtpm needs --device and --key-file");
  }
  return enrol_volume(settings, config, enrolment, tell);
}

// The header is judged, then bound into the evidence, then written down, and only then is the key given: what
// is used is what was judged.
Result<void> unlock_volume(const Options& options, const Volume& volume, const std::string& header_out, int out) {
  ATTESTD_TRY(const Settings settings, load_settings(options.settings, options.command_line));
  ATTESTD_TRY(const luks::DeviceHeader header, judge_header(volume, settings.header));
  if (settings.method == Method::vtpm) return unlock_by_tpm(options, settings, volume, header, header_out, out);
  ATTESTD_TRY(ReleaseRequest request, request_of(settings, volume.uuid));
  request.volume = UnlockClaim::Volume{volume.uuid, to_bytes(ByteView(header.header.canonical_digest)), {}};
  ATTESTD_TRY(const Machine machine, Machine::open(options.agent));
  const Patience patience{.tell = tell,
                          .sleep = [](std::chrono::milliseconds wait) { std::this_thread::sleep_for(wait); },
                          .now = [] { return std::chrono::steady_clock::now(); }};
  ATTESTD_TRY(const SecretBytes key, fetch_with_patience(settings, request, machine.attester(), patience));
  ATTESTD_CHECK(hand_over(options, header, header_out,
                          {volume.uuid, "broker", request.resource, header.header.canonical_digest}, key, out));
  tell("volume " + volume.name + ": the key came from " + request.url + " as " + request.resource);
  return {};
}

Result<std::string> uuid_of(const Options& options, const std::string& name) {
  return volume_uuid(name, text_of(options.command_line), text_of(options.crypttab));
}

Result<void> serve(const Options& options) {
  ATTESTD_TRY(const UniqueFd listener, agent::take_passed_socket());
  if (!listener) {
    return fail(Errc::usage,
                "the service manager has passed no socket: attestd-unlock is started by one, or with --once");
  }
  ATTESTD_TRY(const UniqueFd connection, accept_from(listener.get()));
  ATTESTD_TRY(const std::string name, volume_of_peer(connection.get()));
  ATTESTD_TRY(const std::string uuid, uuid_of(options, name));
  const std::string copy = Places().headers + "/" + name;
  if (!opens_with_header(name, uuid, copy, text_of(options.command_line), text_of(options.crypttab))) {
    return fail(Errc::refused, "cryptsetup would open volume " + name +
                                   " by the header on the disk, which the host can " +
                                   "change: the command line needs rd.luks.options=" + uuid + "=header=" + copy);
  }
  return unlock_volume(options, {name, "/dev/disk/by-uuid/" + uuid, uuid}, copy, connection.get());
}

Result<void> run_once(Options options) {
  if (options.name.empty() || options.header_out.empty()) {
    return fail(Errc::usage, "--once needs --name and --header-out");
  }
  if (options.uuid.empty()) {
    ATTESTD_TRY(options.uuid, uuid_of(options, options.name));
  }
  if (options.device.empty()) options.device = "/dev/disk/by-uuid/" + options.uuid;
  return unlock_volume(options, {options.name, options.device, options.uuid}, options.header_out, STDOUT_FILENO);
}

int run(const Options& options) {
  shut_in();
  const auto done = options.enrol_vtpm ? enrol(options) : options.once ? run_once(options) : serve(options);
  if (done) return 0;
  tell(done.error().text());
  return done.error().code == Errc::refused ? exit_refused : exit_trouble;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    CLI::App app(
        "Gets a LUKS2 volume's key from a relying party, after attestation, and hands it to systemd-cryptsetup.\n"
        "Started by attestd-unlock@.socket in an initrd; with --once by scripts.",
        "attestd-unlock");
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    Options options;
    app.add_option("--settings", options.settings, "of the image")->type_name("FILE")->capture_default_str();
    app.add_option("--command-line", options.command_line, "the kernel's")->type_name("FILE")->capture_default_str();
    app.add_option("--agent-config", options.agent, "where the devices are: attestd.toml(5)")
        ->type_name("FILE")
        ->capture_default_str();
    auto* const once = app.add_flag("--once", options.once, "write the key to standard output, and exit");
    app.add_option("--name", options.name, "of the volume")->needs(once);
    app.add_option("--device", options.device, "of the volume; default: by its UUID");
    app.add_option("--uuid", options.uuid, "of the volume; default: as the command line or crypttab has it")
        ->needs(once);
    app.add_option("--header-out", options.header_out, "where the judged header goes, on tmpfs")
        ->needs(once)
        ->type_name("FILE");
    app.add_option("--origins", options.origins, "folder of notes for attestd (/run/attestd/origins)")
        ->type_name("FOLDER");
    auto* const enrolled =
        app.add_flag("--enrol-vtpm", options.enrol_vtpm, "add a keyslot and a token that this machine's TPM opens")
            ->excludes(once);
    app.add_option("--key-file", options.enrolment.key_file, "with a passphrase of the volume")
        ->needs(enrolled)
        ->type_name("FILE");
    app.add_option("--pcrs", options.enrolment.pcrs, "that the owner signs (4,7,11,12)")
        ->needs(enrolled)
        ->delimiter(',');
    app.add_option("--counter", options.enrolment.counter, "NV index of a counter against older copies, 0x01800100")
        ->needs(enrolled);
    app.set_version_flag("--version", "attestd-unlock " ATTESTD_VERSION);
    app.footer("Exit status: 0 the key was handed over, 1 it was refused, 2 it could not be had.");
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app.exit(error) == 0 ? 0 : exit_trouble;
    }
    return run(options);
  } catch (const std::exception& exception) {
    tell(exception.what());
    return exit_trouble;
  }
}
