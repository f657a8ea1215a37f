// Linux configfs-tsm: reports through directories and files.
// Source: Linux Documentation/ABI/testing/configfs-tsm-report (6.7 on; services of
// an SVSM 6.11 on).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "hwio/report_device.h"

namespace attestd::hwio {

// The four operations that configfs-tsm needs. The real one works on a mounted
// tree; attestd-sim has one that works in process.
class TsmFiles {
 public:
  virtual ~TsmFiles() = default;
  virtual Result<void> make_entry(const std::string& entry) = 0;
  virtual Result<void> write(const std::string& entry, std::string_view attribute, ByteView bytes) = 0;
  // errno comes back in Error::os_error: EBUSY, EINTR and EWOULDBLOCK matter.
  virtual Result<Bytes> read(const std::string& entry, std::string_view attribute) = 0;
  virtual Result<void> remove_entry(const std::string& entry) = 0;
  [[nodiscard]] virtual std::string where() const = 0;
};

// On a mounted tree; `root` is normally /sys/kernel/config/tsm/report.
std::unique_ptr<TsmFiles> open_tsm_directory(std::string root);

// AMD 58019 "Secure VM Service Module for SEV-SNP Guests", vTPM protocol.
inline constexpr std::string_view svsm_vtpm_service = "c476f1eb-0123-45a5-9641-b4e7dde5bfe3";

struct ConfigfsTsmOptions {
  std::optional<unsigned> privlevel;  // VMPL to ask for; the kernel's default when absent
  // Ask the SVSM for its own report (VMPL 0) on this service, a GUID; `privlevel`
  // is not used then. REPORT_DATA is SHA-512(report data || manifest).
  std::optional<std::string> svsm_service;
  unsigned attempts = 10;                       // in all, on EBUSY, EINTR, EWOULDBLOCK, changed generation
  std::chrono::milliseconds first_backoff{10};  // doubled each time, at most 500 ms
};

// Creates an entry, writes inblob, reads outblob, auxblob and provider, and
// checks that generation is what its own writes made it before and after; the
// entry is removed whatever happens. Fails with `changed` when another writer
// was always in between, `busy` when the device was busy all along, `not_found`
// when an SVSM is asked for and the kernel knows of none. An SVSM that gives no
// certificates makes us ask the security processor for them, once for each TCB.
// Whether an entry has the attributes of an SVSM's services, which the kernel
// shows only where one runs. Errors: those of making an entry.
Result<bool> has_svsm_services(TsmFiles& files);

std::unique_ptr<ReportDevice> make_configfs_tsm(std::unique_ptr<TsmFiles> files, ConfigfsTsmOptions options = {});

}  // namespace attestd::hwio
