// A measured boot: what firmware, boot loader and systemd of a CVM with a vTPM
// would measure, and in which order.
// Sources: TCG "PC Client Platform Firmware Profile" 1.06 sections 3 and 10; UEFI
// 2.10 section 32.3 (EFI_VARIABLE); systemd-stub(7), systemd-pcrphase.service(8).
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "evidence/ccel.h"
#include "evidence/event_log.h"
#include "sim/tpm_extend.h"

namespace attestd::sim {

struct BootOptions {
  bool secure_boot = true;
  std::string firmware_version = "attestd-sim firmware 1";
  std::string kernel_version = "6.12.0-sim";
  std::string command_line = "root=/dev/mapper/root ro systemd.import_credentials=no";
  std::string machine_id = "0123456789abcdef0123456789abcdef";  // 32 hex digits
  std::vector<HashAlgorithm> banks = {HashAlgorithm::sha256, HashAlgorithm::sha384};
};

// The same boot is measured into a TPM and, for a TD, into its RTMRs: a machine has
// one of the two, or both.
struct MeasuredBoot {
  Bytes firmware_log;                    // as binary_bios_measurements has it
  Bytes userspace_log;                   // as /run/log/systemd/tpm2-measure.log has it
  std::vector<PcrExtension> extensions;  // both logs' extends, in order
  Bytes cc_event_log;                    // the firmware's events again, as the CCEL's log area has them
  Rtmrs rtmrs{};                         // as they are after the boot
};

// The same options give the same bytes.
MeasuredBoot measure_boot(const BootOptions& options);

}  // namespace attestd::sim
