// A volume's key, judged, fetched and handed over.
#include <unistd.h>

#include "base/file.h"
#include "daemon/service_manager.h"
#include "luks/token.h"
#include "unlock/latching.h"
#include "unlock/phases.h"
#include "unlock/program_internal.h"
#include "unlock/socket.h"

namespace attestd::unlock {
namespace {

Result<void> hand_over(const ProgramOptions& options, const luks::DeviceHeader& header, const std::string& header_out,
                       const Origin& origin, const SecretBytes& key, int out) {
  ATTESTD_CHECK(luks::write_header_copy(header_out, header.metadata, header.header.metadata_size()));
  Places places;
  if (!options.origins.empty()) places.origins = options.origins;
  ATTESTD_CHECK(write_all(out, "who asked for the key", key.view()));
  return write_origin(places, origin);
}

Result<void> unlock_by_tpm(const ProgramOptions& options, const Settings& settings, const Volume& volume,
                           luks::DeviceHeader header, const std::string& header_out, int out) {
  ATTESTD_TRY(const agent::Config config, agent::load_config(options.agent));
  const AskPin ask = [&] {
    return read_pin(options.console, "PIN of volume " + luks::printable_ascii(volume.name), settings.budget);
  };
  ATTESTD_TRY(const Unsealed unsealed, unseal_volume(settings, config, volume, header.header, ask, tell));
  // We wrote the counter's value into it. It is read and judged anew, so that the copy and the digest that is noted
  // are those of the header that the disk has from now on.
  if (unsealed.header_changed) {
    ATTESTD_TRY(header, judge_header(volume, settings.header));
  }
  ATTESTD_CHECK(hand_over(options, header, header_out,
                          {volume.uuid, volume.name, "vtpm", {}, header.header.canonical_digest}, unsealed.key, out));
  tell("volume " + volume.name + ": the key came from the TPM");
  return {};
}

// The devices are closed again when it returns.
Result<SecretBytes> fetch_key(const Settings& settings, const agent::Config& config, const ReleaseRequest& request,
                              Phases& phases) {
  const Machine machine = phases.measure(Phase::devices, [&] { return Machine::open(config); });
  HttpsClient client;
  return fetch_with_patience(
      settings, request, phases.measured(machine.attester()), patience(request.party.url),
      phases.measured(Fetch([&client](const FetchRequest& asked) { return client.fetch(asked); })));
}

// The header is judged, then bound into the evidence, then written down, and only then is the key given: what
// is used is what was judged.
Result<void> unlock_volume(const ProgramOptions& options, const Volume& volume, const std::string& header_out,
                           int out) {
  ATTESTD_TRY(const Settings settings, load_settings(options.settings, options.command_line));
  ATTESTD_CHECK(require_latch_volume(settings, text_of(options.command_line), text_of(options.crypttab)));
  Phases phases;
  ATTESTD_TRY(luks::DeviceHeader header,
              phases.measure(Phase::header, [&] { return judge_header(volume, settings.header); }));
  if (settings.method == Method::vtpm) {
    return unlock_by_tpm(options, settings, volume, std::move(header), header_out, out);
  }
  ATTESTD_TRY(ReleaseRequest request, request_of(settings, volume.uuid));
  request.volume = UnlockClaim::Volume{volume.uuid, to_bytes(ByteView(header.header.canonical_digest)), {}};
  ATTESTD_TRY(const agent::Config config, agent::load_config(options.agent));
  ATTESTD_TRY(const SecretBytes key, fetch_key(settings, config, request, phases));
  if (wants_latch(settings, volume)) {
    const auto rtmrs = rtmrs_of(config);
    ATTESTD_CHECK(close_latch(settings, config, volume, {}, rtmrs.get()));
    tell("the latch is closed behind volume " + volume.name);
  }
  const Origin origin{volume.uuid, volume.name, "broker", request.resource, header.header.canonical_digest};
  ATTESTD_CHECK(
      phases.measure(Phase::hand_over, [&] { return hand_over(options, header, header_out, origin, key, out); }));
  tell("volume " + volume.name + ": the key came from " + request.party.url + " as " + request.resource);
  tell("it took: " + phases.text());
  return {};
}

}  // namespace

Result<void> enrol_in_tpm(const ProgramOptions& options) {
  ATTESTD_TRY(const Settings settings, load_settings(options.settings, options.command_line));
  ATTESTD_TRY(const agent::Config config, agent::load_config(options.agent));
  VtpmEnrolment enrolment = options.enrolment;
  enrolment.device = options.device;
  if (enrolment.device.empty() || enrolment.key_file.empty()) {
    return fail(Errc::usage, "--enrol-vtpm needs --device and --key-file");
  }
  return enrol_volume(settings, config, enrolment, tell);
}

Result<void> serve(const ProgramOptions& options) {
  ATTESTD_TRY(const UniqueFd listener, daemon::take_passed_socket());
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

Result<void> unlock_once(ProgramOptions options) {
  if (options.name.empty() || options.header_out.empty()) {
    return fail(Errc::usage, "--once needs --name and --header-out");
  }
  if (options.uuid.empty()) {
    ATTESTD_TRY(options.uuid, uuid_of(options, options.name));
  }
  if (options.device.empty()) options.device = "/dev/disk/by-uuid/" + options.uuid;
  return unlock_volume(options, {options.name, options.device, options.uuid}, options.header_out, STDOUT_FILENO);
}

}  // namespace attestd::unlock
