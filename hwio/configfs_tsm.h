// Linux configfs-tsm: reports through directories and files.
// Source: Linux Documentation/ABI/testing/configfs-tsm (6.7 on).
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

struct ConfigfsTsmOptions {
  std::optional<unsigned> privlevel;            // VMPL to ask for; the kernel's default when absent
  unsigned attempts = 10;                       // in all, on EBUSY, EINTR, EWOULDBLOCK, changed generation
  std::chrono::milliseconds first_backoff{10};  // doubled each time, at most 500 ms
};

// Creates an entry, writes inblob, reads outblob, auxblob and provider, and
// checks that generation is what its own writes made it before and after; the
// entry is removed whatever happens. Fails with `changed` when another writer
// was always in between, `busy` when the device was busy all along.
std::unique_ptr<ReportDevice> make_configfs_tsm(std::unique_ptr<TsmFiles> files, ConfigfsTsmOptions options = {});

}  // namespace attestd::hwio
