// attest-broker(1).
#include <CLI/CLI.hpp>
#include <exception>
#include <functional>

#include <config.h>
#include "base/terminal.h"
#include "broker/admin.h"

namespace {

using namespace attestd;
using namespace attestd::broker;

constexpr int exit_failed = 2;

class CommandLine {
 public:
  CommandLine() : app_("Administers what attest-brokerd releases, and to whom", "attest-broker") {
    app_.set_version_flag("--version", "attest-broker " ATTESTD_VERSION);
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.add_option("--config", options_.config, "the broker's configuration")
        ->type_name("FILE")
        ->capture_default_str();
    app_.add_flag("--json", options_.json, "JSON instead of text, where something is listed");
    app_.footer(
        "Exit status: 0 done, 1 the audit log is bad, 2 failed.\nRun it as the broker's user, with the broker's "
        "master key: see attest-broker(1).\n--config and --json may come before a command or after it.");
    add_resources();
    add_policies();
    add_host_certificates();
    add_enrolment();
    add_audit();
    add_keys();
  }

  int run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return app_.exit(error);
      complain(std::string(error.what()) + ": see attest-broker --help");
      return exit_failed;
    }
    const auto status = action_();
    if (status) return *status;
    complain(status.error());
    return exit_failed;
  }

 private:
  using OnAdmin = std::function<Result<int>(Admin&)>;

  CLI::App& command(CLI::App& parent, const std::string& name, const std::string& does, OnAdmin run) {
    CLI::App& app = *parent.add_subcommand(name, does);
    app.callback([this, run = std::move(run)] {
      action_ = [this, run]() -> Result<int> {
        ATTESTD_TRY(Admin admin, Admin::open(options_));
        return run(admin);
      };
    });
    return app;
  }
  CLI::App& group(const std::string& name, const std::string& does) {
    CLI::App& app = *app_.add_subcommand(name, does);
    app.require_subcommand(1);
    app.fallthrough();
    return app;
  }
  void add_path(CLI::App& app) { app.add_option("RESOURCE", put_.path, "REPOSITORY/TYPE/TAG")->required(); }
  void add_secret(CLI::App& app) {
    auto* const file = app.add_option("--file", put_.file, "of the secret; default: standard input")->type_name("FILE");
    app.add_option("--generate", put_.generate, "make a random secret of so many bytes instead")
        ->check(CLI::Range(16U, 65536U))
        ->excludes(file)
        ->type_name("BYTES");
  }

  void add_resources() {
    CLI::App& put = command(app_, "put", "Keep a secret, for who is trusted by a policy",
                            [this](Admin& admin) { return admin.put(put_); });
    add_path(put);
    put.add_option("--policy", put_.policy, "that evidence must meet")->required()->type_name("NAME");
    put.add_option("--volume", put_.volume, "the secret unlocks the LUKS2 volume with this UUID, and no other")
        ->type_name("UUID");
    add_secret(put);
    put.footer(
        "Examples:\n  attest-broker put vm1/disk/root --policy vm1 --file disk.key --volume $(cryptsetup luksUUID "
        "vm.img)\n  attest-broker put vm1/key/database --policy vm1 --generate 32");
    CLI::App& rotate = command(app_, "rotate", "Replace a secret by a new version",
                               [this](Admin& admin) { return admin.rotate(put_); });
    add_path(rotate);
    add_secret(rotate);
    command(app_, "list", "Show all resources; never their secrets", [](Admin& admin) { return admin.list(); });
    add_path(command(app_, "show", "Show one resource", [this](Admin& admin) { return admin.show(put_.path); }));
    CLI::App& revoke = command(app_, "revoke", "Release a secret no more",
                               [this](Admin& admin) { return admin.revoke(put_.path, version_); });
    add_path(revoke);
    revoke.add_option("--secret-version", version_, "only this version; default: all")
        ->check(CLI::PositiveNumber)
        ->type_name("NUMBER");
    add_path(command(app_, "remove", "Remove a resource with all versions of its secret",
                     [this](Admin& admin) { return admin.remove(put_.path); }));
    CLI::App& volume = group("volume", "What is remembered of a disk");
    CLI::App& forget = command(volume, "forget", "Forget its header and counter, after a recovery",
                               [this](Admin& admin) { return admin.volume_forget(put_.path, header_); });
    add_path(forget);
    forget
        .add_option("--header", header_,
                    "SHA-256 of the header that it has now; default: the next that comes is believed")
        ->type_name("HEX");
  }

  void add_policies() {
    CLI::App& policy = group("policy", "What evidence must show");
    const auto add_name = [this](CLI::App& app) { app.add_option("NAME", name_, "of the policy")->required(); };
    CLI::App& put = command(policy, "put", "Keep a policy, or a new version of it",
                            [this](Admin& admin) { return admin.policy_put(name_, file_); });
    add_name(put);
    put.add_option("FILE", file_, "attestd-policy(5); roots that it names are kept with it")->required();
    command(policy, "list", "Show all policies", [](Admin& admin) { return admin.policy_list(); });
    add_name(command(policy, "show", "Show one as TOML", [this](Admin& admin) { return admin.policy_show(name_); }));
    add_name(command(policy, "remove", "Remove one that nothing names",
                     [this](Admin& admin) { return admin.policy_remove(name_); }));
  }

  void add_host_certificates() {
    CLI::App& rules = group("host-cert", "OpenSSH host certificates: who gets them");
    const auto add_policy = [this](CLI::App& app) { app.add_option("POLICY", name_, "of the VMs")->required(); };
    CLI::App& allow = command(rules, "allow", "Certify the host keys of who is trusted by a policy",
                              [this](Admin& admin) { return admin.host_cert_allow(name_, principals_, validity_s_); });
    add_policy(allow);
    allow.add_option("--principal", principals_, "a name that they may have, or *.DOMAIN; may be given often")
        ->required()
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name("NAME");
    allow.add_option("--validity", validity_s_, "of a certificate (86400)")
        ->check(CLI::Range(std::int64_t{60}, std::int64_t{31536000}))
        ->type_name("SECONDS");
    command(rules, "list", "Show all rules", [](Admin& admin) { return admin.host_cert_list(); });
    add_policy(
        command(rules, "remove", "Remove a rule", [this](Admin& admin) { return admin.host_cert_remove(name_); }));
    CLI::App& authority = command(rules, "authority", "Print the key that signs",
                                  [this](Admin& admin) { return admin.host_cert_authority(pattern_); });
    authority.add_option("--known-hosts", pattern_, "as a line of known_hosts, for hosts that fit the pattern")
        ->type_name("PATTERN");
  }

  void add_enrolment() {
    CLI::App& enrol = group("enrolment", "First boots, and other keys");
    CLI::App& token =
        command(enrol, "token", "Print a token that lets one VM have a secret made, once",
                [this](Admin& admin) { return admin.enrolment_token(put_.path, name_, lifetime_s_, rotate_); });
    add_path(token);
    token.add_option("--policy", name_, "that its evidence must meet")->type_name("NAME");
    token.add_flag("--rotate", rotate_, "it lets the VM replace its volume's key instead; --policy: the resource's");
    token.add_option("--lifetime", lifetime_s_, "of the token (3600)")
        ->check(CLI::Range(std::int64_t{60}, std::int64_t{2592000}))
        ->type_name("SECONDS");
  }

  void add_audit() {
    CLI::App& audit = group("audit", "The log of all decisions");
    CLI::App& show = command(audit, "show", "Print records, one JSON text a line",
                             [this](Admin& admin) { return admin.audit_show(from_, count_); });
    show.add_option("--from", from_, "the first (1)")->check(CLI::PositiveNumber)->type_name("NUMBER");
    show.add_option("--count", count_, "at most (100)")->check(CLI::PositiveNumber)->type_name("NUMBER");
    CLI::App& verify = command(audit, "verify", "Check that the chain is whole",
                               [this](Admin& admin) { return admin.audit_verify(from_, before_); });
    verify.add_option("--from", from_, "the first record (1)")->check(CLI::PositiveNumber)->type_name("NUMBER");
    verify.add_option("--before", before_, "digest of the record before that one, kept elsewhere")->type_name("HEX");
    command(audit, "head", "Print the last record's number and digest, to be kept elsewhere",
            [](Admin& admin) { return admin.audit_head(); });
  }

  void add_keys() {
    CLI::App& key = group("master-key", "The key that all secrets are encrypted under");
    CLI::App& make = *key.add_subcommand("new", "Make one");
    make.add_option("FILE", file_, "that is not there yet")->required();
    make.callback([this] { action_ = [this] { return make_master_key(file_); }; });
    CLI::App& reseal = command(key, "replace", "Encrypt everything under another one",
                               [this](Admin& admin) { return admin.reseal(file_); });
    reseal.add_option("FILE", file_, "of the new key")->required();
  }

  CLI::App app_;
  AdminOptions options_;
  Admin::Put put_;
  std::int64_t version_ = 0;
  std::int64_t validity_s_ = 86400;
  std::int64_t lifetime_s_ = 3600;
  std::int64_t from_ = 1;
  std::int64_t count_ = 100;
  bool rotate_ = false;
  std::string name_, file_, before_, pattern_, header_;
  std::vector<std::string> principals_;
  std::function<Result<int>()> action_;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    return CommandLine().run(argc, argv);
  } catch (const std::exception& exception) {
    complain(exception.what());
    return exit_failed;
  }
}
