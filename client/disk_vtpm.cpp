#include "client/disk_vtpm.h"

#include <algorithm>

#include "base/hex_number.h"
#include "client/subprocess.h"

namespace attestd {
namespace {

std::string program_of(const VtpmChange& change) {
  return change.vtpm.program.empty() ? "attestd-unlock" : change.vtpm.program;
}

Result<void> run_enrolment(const VtpmChange& change, const std::string& copy) {
  const std::string program = program_of(change);
  std::vector<std::string> arguments = {program,          "--enrol-vtpm",
                                        "--settings",     change.broker.settings,
                                        "--command-line", change.broker.command_line,
                                        "--device",       copy,
                                        "--key-file",     change.key_file == "-" ? "/dev/stdin" : change.key_file};
  if (!change.vtpm.pcrs.empty()) arguments.insert(arguments.end(), {"--pcrs", change.vtpm.pcrs});
  if (!change.vtpm.counter.empty()) arguments.insert(arguments.end(), {"--counter", change.vtpm.counter});
  if (!change.vtpm.pin_file.empty()) arguments.insert(arguments.end(), {"--pin-file", change.vtpm.pin_file});
  ATTESTD_TRY(const int status, run_program(arguments));
  if (status == 0) return {};
  return fail(status == 1 ? Errc::refused : Errc::unavailable,
              program + " has not sealed a key in the TPM (exit status " + std::to_string(status) +
                  "), and the volume is as it was");
}

}  // namespace

Result<void> require_effect(const std::string& method, const DiskVtpmOptions& vtpm, const std::string& token_file) {
  if (method == "vtpm") {
    if (token_file.empty()) return {};
    return fail(Errc::usage, "--token-file goes with --method broker: a TPM takes no token");
  }
  const std::pair<const char*, const std::string&> options[] = {{"--counter", vtpm.counter},
                                                                {"--pcrs", vtpm.pcrs},
                                                                {"--pin-file", vtpm.pin_file},
                                                                {"--unlock-program", vtpm.program}};
  for (const auto& [name, value] : options) {
    if (!value.empty()) return fail(Errc::usage, std::string(name) + " goes with --method vtpm");
  }
  return {};
}

Result<DiskVtpmOptions> sealed_as_before(DiskVtpmOptions given, const std::vector<OwnToken>& tokens) {
  const bool asks = std::ranges::any_of(tokens, [](const OwnToken& own) { return own.token.vtpm->pin; });
  if (asks && given.pin_file.empty()) {
    return fail(Errc::usage, "the volume asks for a PIN, which its token does not have: --pin-file FILE");
  }
  if (tokens.empty()) return given;
  const luks::VtpmBinding& before = *tokens.front().token.vtpm;
  if (given.pcrs.empty()) {
    for (const unsigned pcr : before.pcrs) given.pcrs += (given.pcrs.empty() ? "" : ",") + std::to_string(pcr);
  }
  if (given.counter.empty() && before.counter) given.counter = hex_number(before.counter->index);
  return given;
}

Result<PartyAndKey> party_of(const CommonOptions& common, const DiskBrokerOptions& options,
                             const luks::DeviceHeader& before, const std::vector<unsigned>& leaving) {
  PartyAndKey out;
  ATTESTD_TRY(const bool some, has_party(options, before.header));
  if (!some) return out;
  ATTESTD_TRY(DiskParty party, DiskParty::open(common, options, header_without(before.header, leaving)));
  ATTESTD_CHECK(party.attest(before.header));
  auto key = party.release();
  if (!key) {
    key.error().message += "; the broker is to know of the new header before it is written";
    return std::unexpected(std::move(key).error());
  }
  ATTESTD_CHECK(party.find_others(before.header, leaving));
  out.key = *std::move(key);
  out.party = std::move(party);
  return out;
}

Result<int> enroll_in_vtpm(const CommonOptions& common, const VtpmChange& change, const luks::DeviceHeader& before,
                           const std::vector<unsigned>& instead) {
  if (change.key_file.empty()) {
    return fail(Errc::usage, "--method vtpm needs --key-file FILE with a passphrase of the volume");
  }
  if (change.dry_run) {
    ATTESTD_CHECK(say("would run " + program_of(change) + " --enrol-vtpm for " + change.device +
                      (instead.empty() ? "" : ", and remove what its TPM opened before")));
    return 0;
  }
  ATTESTD_TRY(PartyAndKey known, party_of(common, change.broker, before));
  ATTESTD_TRY(const luks::HeaderEdit sealed, luks::HeaderEdit::begin(before));
  ATTESTD_CHECK(run_enrolment(change, sealed.path()));
  ATTESTD_TRY(luks::DeviceHeader after, judged_result(sealed));
  if (!instead.empty()) {
    ATTESTD_TRY(luks::HeaderEdit edit, luks::HeaderEdit::begin(after));
    ATTESTD_CHECK(remove_tokens(edit, after.header, instead));
    ATTESTD_TRY(after, judged_result(edit));
  }
  ATTESTD_CHECK(change_header(change.device, before, after, known.get(), known.key));
  ATTESTD_CHECK(say(change.device + " opens by this VM's TPM" + (instead.empty() ? "" : ", with another key")));
  return 0;
}

}  // namespace attestd
