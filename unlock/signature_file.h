// Where an owner's signed PCR policies lie: in a file, or at the start of a partition.
#pragma once

#include <chrono>
#include <string>

#include "base/bytes.h"

namespace attestd::unlock {

// What systemd-stub(7) unpacks from its section .pcrsig, before tmpfiles copies it.
inline constexpr const char* stub_signatures_path = "/.extra/tpm2-pcr-signature.json";
inline constexpr std::chrono::milliseconds device_patience{10000};  // udev may find another disk later

// The text, of at most vtpm::signatures_limit bytes. Signatures are public and prove themselves, so they need no
// measured place: an update writes them and leaves the image as it is. `path` may be a regular file, or a block device:
// JSON at its start and zeros after it, with no file system that would have to be mounted. A path below /dev is waited
// for. Where the default path has nothing, `stub` is read. Errors: those of read_file(); malformed (a device without
// text).
Result<std::string> read_signatures(const std::string& path, std::chrono::milliseconds patience = device_patience,
                                    const std::string& stub = stub_signatures_path);

// What a device has at its start: text, and zeros after it. Error: malformed.
Result<std::string> padded_text(ByteView bytes, const std::string& path);

}  // namespace attestd::unlock
