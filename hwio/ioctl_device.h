// A character device of the kernel that answers ioctls.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace attestd::hwio {

// As ioctl(2) sees it; tests and attestd-sim have their own.
class IoctlDevice {
 public:
  virtual ~IoctlDevice() = default;
  // Returns 0, or the errno of the failure.
  virtual int ioctl(unsigned long request, void* argument) = 0;
  [[nodiscard]] virtual std::string where() const = 0;
};

// Errors: not_found (also when there is something else than a character device), permission, io.
Result<std::unique_ptr<IoctlDevice>> open_ioctl_device(const std::string& path);

}  // namespace attestd::hwio
