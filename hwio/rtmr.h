// A TD's run-time measurement registers, read and extended.
// Sources: Linux Documentation/ABI/testing/sysfs-devices-virtual-misc-tdx_guest
// (6.16 on); older kernels only show them in a TDREPORT.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "hwio/ioctl_device.h"

namespace attestd::hwio {

// One attribute each for a register ("rtmr2:sha384"); the real one is a folder
// of sysfs, tests and attestd-sim have one in process.
class MeasurementFiles {
 public:
  virtual ~MeasurementFiles() = default;
  virtual Result<Bytes> read(const std::string& name) = 0;
  // All bytes in one write(2).
  virtual Result<void> write(const std::string& name, ByteView bytes) = 0;
  [[nodiscard]] virtual std::string where() const = 0;
};
// Normally /sys/devices/virtual/misc/tdx_guest/measurements.
std::unique_ptr<MeasurementFiles> open_measurements(std::string folder);

class Rtmrs {
 public:
  // `device` is asked where `files` has no such attribute, and may be empty.
  explicit Rtmrs(std::unique_ptr<MeasurementFiles> files, std::unique_ptr<IoctlDevice> device = nullptr)
      : files_(std::move(files)), device_(std::move(device)) {}

  // The value of RTMR 0 to 3. Errors: usage (above 3), not_found (neither way
  // is there), malformed (not 48 bytes), and td_report()'s.
  Result<FixedBytes<48>> read(unsigned index);
  // Extends RTMR 0 to 3 by a SHA-384 digest, for good, and reads it back: the
  // module must show SHA-384(value before || digest). Returns that value. Errors:
  // unsupported (the kernel has no way), permission, and mismatch when another
  // process extended the register at the same time.
  Result<FixedBytes<48>> extend(unsigned index, const FixedBytes<48>& digest);

 private:
  std::unique_ptr<MeasurementFiles> files_;
  std::unique_ptr<IoctlDevice> device_;
};

}  // namespace attestd::hwio
