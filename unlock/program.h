// What attestd-unlock does, beneath its command line.
#pragma once

#include <string>

#include "agent/config.h"
#include "unlock/settings.h"
#include "unlock/vtpm_method.h"

namespace attestd::unlock {

struct ProgramOptions {
  std::string settings = std::string(default_settings_path);
  std::string command_line = "/proc/cmdline";
  std::string agent = std::string(agent::default_config_path);
  std::string crypttab = "/etc/crypttab";
  std::string off;
  std::string console = "/dev/console";
  bool once = false;
  bool first_boot = false;
  bool enrol_vtpm = false;
  VtpmEnrolment enrolment;
  std::string name, device, uuid, header_out, origins;
  std::string scratch = "/run/attestd/first-boot";
};

// For the journal or the console: one line on standard error, in printable ASCII.
void tell(const std::string& sentence);

// The key of one volume to who connected to the socket that the service manager passed. Errors: usage, refused
// (cryptsetup would use the header on the disk), those of judge_header(), of the method, and of handing over.
Result<void> serve(const ProgramOptions& options);
// The same, to standard output. Errors: likewise.
Result<void> unlock_once(ProgramOptions options);
// Seals a new key in the TPM. Errors: usage, those of enrol_volume().
Result<void> enrol_in_tpm(const ProgramOptions& options);
// Makes the volume before it is opened as ever, where there is none yet and the settings say so. Errors: usage, those
// of needs_first_boot() and run_first_boot().
Result<void> boot_first(const ProgramOptions& options);

}  // namespace attestd::unlock
