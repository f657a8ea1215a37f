#include "client/disk_command_line.h"

#include "client/number_option.h"

namespace attestd {
namespace {

constexpr int refused = 1;

class DiskCommandLine {
 public:
  DiskCommandLine(CLI::App& app, CommonOptions& common, DiskCommands& disk, std::function<Result<int>()>& action)
      : app_(*app.add_subcommand("disk", "Encrypted volumes of this VM, and who keeps their keys")),
        common_(common),
        disk_(disk),
        action_(action) {
    app_.require_subcommand(1);
    add_status();
    add_enroll();
    add_rotate();
    add_remove();
    add_serve();
  }

 private:
  template <class Own>
  CLI::App& command(const std::string& name, const std::string& does, const std::string& examples,
                    Result<int> (*run)(const CommonOptions&, const Own&), Own& own) {
    CLI::App& app = *app_.add_subcommand(name, does);
    if (!examples.empty()) app.footer("Examples:\n" + examples);
    // What is referred to outlives this object.
    app.callback([run, &own, &common = common_, &disk = disk_, &action = action_] {
      action = [run, &own, &common, &disk]() -> Result<int> {
        common.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(disk.timeout_s * 1000));
        const auto status = run(common, own);
        if (status || status.error().code != Errc::refused) return status;
        complain(status.error());
        return refused;
      };
    });
    return app;
  }

  static void add_device(CLI::App& app, std::string& device) {
    app.add_option("DEVICE", device, "that the LUKS2 volume is on")->required();
  }
  static void add_dry_run(CLI::App& app, bool& dry_run) {
    app.add_flag("--dry-run", dry_run, "say what would be done, and write nothing");
  }
  void add_broker(CLI::App& app, DiskBrokerOptions& broker) {
    app.add_option("--broker", broker.broker, "who keeps the key; default: as attestd-unlock has it")
        ->type_name("https://HOST[:PORT]");
    app.add_option("--ca-file", broker.ca_file, "roots of the broker's certificate (PEM); default: the same")
        ->type_name("FILE");
    app.add_option("--resource", broker.resource, "what it calls the key; default: as the volume's token says")
        ->type_name("REPOSITORY/TYPE/TAG");
    app.add_option("--policy", broker.policy, "that is to judge, where the broker has many")->type_name("NAME");
    app.add_option("--from", broker.from, "the agent's socket")->type_name("SOCKET");
    app.add_option("--settings", broker.settings, "what attestd-unlock reads")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_option("--command-line", broker.command_line, "the kernel's")->type_name("FILE")->capture_default_str();
    app.add_option("--timeout", disk_.timeout_s, "seconds to wait for evidence (60)")
        ->check(CLI::Range(0.001, 86400.0))
        ->check(is_number())
        ->type_name("SECONDS");
  }
  // `token`: where its file's contents come from.
  static void add_key(CLI::App& app, DiskKeyOptions& own, const std::string& token) {
    add_device(app, own.device);
    app.add_option("--method", own.method, "broker, or vtpm: the VM's TPM")
        ->check(CLI::IsMember({"broker", "vtpm"}))
        ->type_name("METHOD");
    app.add_option("--key-file", own.key_file, "with a passphrase of the volume; -: standard input")->type_name("FILE");
    app.add_option("--counter", own.vtpm.counter, "with vtpm: as of attestd-unlock --enrol-vtpm")->type_name("INDEX");
    app.add_option("--pcrs", own.vtpm.pcrs, "with vtpm: likewise")->type_name("NUMBERS");
    app.add_option("--pin-file", own.vtpm.pin_file, "with vtpm: likewise")->type_name("FILE");
    app.add_option("--unlock-program", own.vtpm.program, "with vtpm: attestd-unlock")->type_name("FILE");
    app.add_option("--token-file", own.token_file, "with what " + token + " printed")->type_name("FILE");
  }

  void add_status() {
    CLI::App& app =
        command("status", "Show headers, keyslots and tokens, and what unlocked each volume",
                "  attestctl disk status\n  attestctl disk status /dev/vda2 --json", &run_disk_status, disk_.status);
    app.add_option("DEVICE", disk_.status.device, "default: every LUKS2 volume that is mapped");
    app.add_option("--origins", disk_.status.origins, "attestd-unlock's notes")
        ->type_name("FOLDER")
        ->capture_default_str();
    app.add_flag("--json", common_.json, "JSON instead of text");
  }

  void add_enroll() {
    DiskEnrollOptions& options = disk_.enroll;
    CLI::App& app = command("enroll", "Let a broker or the TPM open a volume, without anybody typing",
                            "  attestctl disk enroll /dev/vda2 --token-file token --key-file passphrase\n"
                            "  attestctl disk enroll /dev/vda2 --recovery-key\n"
                            "  attestctl disk enroll /dev/vda2 --method vtpm --key-file passphrase",
                            &run_disk_enroll, options);
    add_key(app, options, "attest-broker enrolment token");
    app.add_flag("--recovery-key", options.recovery_key, "also a key for people, shown once on this terminal");
    app.add_option("--recovery-key-file", options.recovery_key_file, "the same, to a new file")->type_name("FILE");
    add_broker(app, options.broker);
    add_dry_run(app, options.dry_run);
  }

  void add_rotate() {
    DiskRotateOptions& options = disk_.rotate;
    CLI::App& app = command("rotate", "Give a volume a new key; finishes what was interrupted",
                            "  attestctl disk rotate /dev/vda2 --token-file token\n"
                            "  attestctl disk rotate /dev/vda2 --method vtpm --key-file passphrase",
                            &run_disk_rotate, options);
    add_key(app, options, "attest-broker enrolment token --rotate");
    add_broker(app, options.broker);
    add_dry_run(app, options.dry_run);
  }

  void add_remove() {
    DiskRemoveOptions& options = disk_.remove;
    CLI::App& app = command("remove", "Take away a token and its keyslot",
                            "  attestctl disk remove /dev/vda2 --method vtpm\n"
                            "  attestctl disk remove /dev/vda2 --token 1",
                            &run_disk_remove, options);
    add_device(app, options.device);
    auto* const method = app.add_option("--method", options.method, "every token of broker, or of vtpm")
                             ->check(CLI::IsMember({"broker", "vtpm"}))
                             ->type_name("METHOD");
    app.add_option("--token", options.token, "this one")
        ->check(CLI::Range(0, 31))
        ->excludes(method)
        ->type_name("NUMBER");
    app.add_flag("--force", options.force, "also the last keyslot for people");
    app.add_flag("--offline", options.offline, "without telling the broker, who then refuses the new header");
    add_broker(app, options.broker);
    add_dry_run(app, options.dry_run);
  }

  void add_serve() {
    DiskServeOptions& options = disk_.serve;
    CLI::App& app =
        command("serve", "Answer cryptsetup's plugin: for attestd-token@.service", "", &run_disk_serve, options);
    app.add_option("--by-uuid", options.by_uuid, "folder of volumes by their UUIDs")
        ->type_name("FOLDER")
        ->capture_default_str();
    add_broker(app, options.broker);
  }

  CLI::App& app_;
  CommonOptions& common_;
  DiskCommands& disk_;
  std::function<Result<int>()>& action_;
};

}  // namespace

void add_disk_commands(CLI::App& app, CommonOptions& common, DiskCommands& disk, std::function<Result<int>()>& action) {
  const DiskCommandLine added(app, common, disk, action);
}

}  // namespace attestd
