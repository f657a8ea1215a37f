#include "luks/token.h"
#include "unlock/first_boot.h"
#include "unlock/program_internal.h"

namespace attestd::unlock {

Result<void> boot_first(const ProgramOptions& options) {
  ATTESTD_TRY(Settings settings, load_settings(options.settings, options.command_line));
  if (settings.first_boot == FirstBootMode::none) return {};
  if (options.name.empty()) return fail(Errc::usage, "--first-boot needs --name");
  if (settings.first_boot_volume.empty() && volume_names(text_of(options.command_line)).size() > 1) {
    return fail(Errc::usage, "which of the volumes has its first boot: rd.attestd.first-boot-volume=NAME");
  }
  if (!settings.first_boot_volume.empty() && settings.first_boot_volume != options.name) return {};
  const std::string device = options.device.empty() ? settings.device : options.device;
  if (device.empty()) return fail(Errc::usage, "nothing says which disk that is: rd.attestd.device=/dev/...");
  ATTESTD_TRY(const std::string uuid, uuid_of(options, options.name));
  Patience wait = patience(settings.url);
  FirstBoot first{.volume = {options.name, device, uuid},
                  .settings = std::move(settings),
                  .tokens = {},
                  .places = {},
                  .scratch = options.scratch,
                  .patience = std::move(wait)};
  if (!options.origins.empty()) first.places.origins = options.origins;
  ATTESTD_TRY(const bool needed, needs_first_boot(first));
  if (!needed) return {};
  if (first.settings.method != Method::broker || first.settings.evidence != EvidenceForm::bundle) {
    return fail(Errc::usage,
                "a first boot needs method broker and evidence bundle: another names no volume to the broker");
  }
  if (!first.settings.header.empty()) {
    return fail(Errc::usage, "a first boot makes another header than the one that rd.attestd.header= demands");
  }
  ATTESTD_TRY(ReleaseRequest request, request_of(first.settings, uuid));
  ATTESTD_TRY(agent::Config config, agent::load_config(options.agent));
  const Machine machine = Machine::open(std::move(config));
  return run_first_boot(first, std::move(request), machine.attester());
}

}  // namespace attestd::unlock
