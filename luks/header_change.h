// A LUKS2 header in the place of another, so that a crash at any moment leaves one of them: what the new
// keyslots need is there before a header names it, and what the old ones needed until none does.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "luks/copy.h"

namespace attestd::luks {

struct HeaderWrite {
  std::string what;  // "the secondary header"
  std::uint64_t offset = 0;
  Bytes bytes;
};

// Each to be durable before the next: the header that does not count on the disk (DeviceHeader::settled), areas of new
// keyslots, the secondary header, the primary, areas that no keyslot has any more. `after` is of the same device.
// Errors: mismatch (another size of headers or keyslots, another UUID), refused (an area that the old header names
// would change while it counts).
Result<std::vector<HeaderWrite>> plan_header_change(const DeviceHeader& before, const DeviceHeader& after);

// For tests: before each write; an error ends it there.
using BeforeWrite = std::function<Result<void>(const HeaderWrite&)>;

// Under libcryptsetup's own lock of the device, and only while its metadata is still that of `before`. Errors:
// changed (it is not: begin again), those of read_device_header() and of the system calls.
Result<void> write_header_change(const std::string& device, const DeviceHeader& before, const DeviceHeader& after,
                                 const BeforeWrite& before_write = {});

}  // namespace attestd::luks
