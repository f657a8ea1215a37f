// attestd-unlock(8).
#include <sys/reboot.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <exception>

#include <config.h>
#include "base/private_memory.h"
#include "unlock/program.h"

namespace {

using namespace attestd;
using namespace attestd::unlock;

constexpr int exit_refused = 1;
constexpr int exit_trouble = 2;

// An initrd without systemd has no other program that ends the machine. Nothing is mounted that would need more care.
Result<void> turn_off(const std::string& action) {
  ::reboot(action == "reboot" ? RB_AUTOBOOT : RB_POWER_OFF);
  return fail_errno(errno, "the kernel does not " + action);
}

int run(const ProgramOptions& options) {
  keep_memory_private();
  const auto done = !options.off.empty() ? turn_off(options.off)
                    : options.enrol_vtpm ? enrol_in_tpm(options)
                    : options.first_boot ? boot_first(options)
                    : options.once       ? unlock_once(options)
                                         : serve(options);
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
    ProgramOptions options;
    app.add_option("--settings", options.settings, "of the image")->type_name("FILE")->capture_default_str();
    app.add_option("--command-line", options.command_line, "the kernel's")->type_name("FILE")->capture_default_str();
    app.add_option("--agent-config", options.agent, "where the devices are: attestd.toml(5)")
        ->type_name("FILE")
        ->capture_default_str();
    auto* const once = app.add_flag("--once", options.once, "write the key to standard output, and exit");
    auto* const first = app.add_flag("--first-boot", options.first_boot,
                                     "make the volume, where its disk is not encrypted yet, as the command line says")
                            ->excludes(once);
    app.add_option("--scratch", options.scratch, "of --first-boot: a folder on tmpfs (/run/attestd/first-boot)")
        ->needs(first)
        ->type_name("FOLDER");
    app.add_option("--name", options.name, "of the volume");
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
            ->excludes(once)
            ->excludes(first);
    app.add_option("--key-file", options.enrolment.key_file, "with a passphrase of the volume")
        ->needs(enrolled)
        ->type_name("FILE");
    app.add_option("--pcrs", options.enrolment.pcrs, "that the owner signs (4,7,11,12)")
        ->needs(enrolled)
        ->delimiter(',');
    app.add_option("--counter", options.enrolment.counter, "NV index of a counter against older copies, 0x01800100")
        ->needs(enrolled);
    app.add_option("--off", options.off, "end this machine at once, and nothing else")
        ->check(CLI::IsMember({"poweroff", "reboot"}))
        ->excludes(once);
    app.add_option("--pin-file", options.enrolment.pin_file, "with a PIN that the volume will ask for besides")
        ->needs(enrolled)
        ->type_name("FILE");
    app.add_option("--console", options.console, "terminal where a PIN is asked for")
        ->type_name("FILE")
        ->capture_default_str();
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
