// The lock that libcryptsetup takes while it reads or writes a LUKS2 header.
// Source: cryptsetup 2.6.1, lib/utils_device_locking.c: flock(2) of the file itself; of a block device, flock(2) of
// /run/cryptsetup/L_MAJOR:MINOR, which goes with its last user.
#pragma once

#include <string>

#include "base/file.h"

namespace attestd::luks {

inline constexpr const char* device_lock_folder = "/run/cryptsetup";

class DeviceLock {
 public:
  // Exclusive. `fd`: the device or file, open for longer than this. Waits at most ten seconds. Errors: busy, and
  // those of the system calls.
  static Result<DeviceLock> take(int fd, const std::string& device, const std::string& folder = device_lock_folder);
  DeviceLock(DeviceLock&& other) noexcept = default;
  DeviceLock& operator=(DeviceLock&&) = delete;
  DeviceLock(const DeviceLock&) = delete;
  DeviceLock& operator=(const DeviceLock&) = delete;
  ~DeviceLock();

 private:
  DeviceLock(UniqueFd lock, std::string path) : lock_(std::move(lock)), path_(std::move(path)) {}
  UniqueFd lock_;     // another description of a file, or the lock's own
  std::string path_;  // of the lock, or empty
};

}  // namespace attestd::luks
