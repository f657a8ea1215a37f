#include "unlock/latching.h"

#include <unistd.h>

#include "agent/platform.h"
#include "luks/token.h"
#include "vtpm/latch.h"

namespace attestd::unlock {
namespace {

constexpr const char* rtmr_log = "/run/attestd/latch.cel";

}  // namespace

bool wants_latch(const Settings& settings, const Volume& volume) {
  if (settings.latch.empty()) return settings.method == Method::vtpm;
  return settings.latch == volume.name;
}

Result<void> require_latch_volume(const Settings& settings, std::string_view command_line, std::string_view crypttab) {
  if (settings.latch.empty() || volume_uuid(settings.latch, command_line, crypttab)) return {};
  return fail(Errc::usage, "rd.attestd.latch=" + luks::printable_ascii(settings.latch) +
                               " is to close behind a volume that neither the command line nor crypttab names");
}

std::unique_ptr<hwio::Rtmrs> rtmrs_of(const agent::Config& machine) {
  const bool registers = ::access(machine.tdx.measurements.c_str(), F_OK) == 0;
  const bool device = !machine.tdx.device.empty() && ::access(machine.tdx.device.c_str(), F_OK) == 0;
  if (!registers && !device) return nullptr;
  return std::make_unique<hwio::Rtmrs>(hwio::open_measurements(machine.tdx.measurements));
}

Result<void> close_latch(const Settings& settings, const agent::Config& machine, const Volume& volume,
                         ByteView srk_name, hwio::Rtmrs* rtmrs) {
  const agent::TpmPlace tpm = agent::find_tpm(machine.tpm);
  const bool named = !settings.latch.empty();
  if (tpm.tcti.empty() && (!named || rtmrs == nullptr)) {
    return fail(Errc::unavailable, "there is no latch to close behind volume " + volume.name +
                                       ": neither a TPM nor a TD's RTMR 3 (" + tpm.absent + ")");
  }
  // A TD's quote has RTMR 3 and no PCR: were only the other closed, a policy of RTMRs would go on to release.
  if (named && rtmrs != nullptr) ATTESTD_CHECK(vtpm::latch_td(*rtmrs, volume.uuid, rtmr_log));
  if (tpm.tcti.empty()) return {};
  vtpm::LatchRequest request;
  request.tcti = tpm.tcti;
  request.srk_name = to_bytes(srk_name);
  request.uuid = volume.uuid;
  // Where the agent reads it.
  if (!machine.event_log.userspace.empty()) request.log = machine.event_log.userspace;
  return vtpm::latch_tpm(request);
}

}  // namespace attestd::unlock
