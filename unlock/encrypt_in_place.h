// A plain file system becomes the data of a LUKS2 volume on the same disk: it moves up by the size of the header, and
// is encrypted on its way, from its end to its start, so that nothing is overwritten that was not read.
//
// The header exists in memory only until what was encrypted has been read back and its digest compared, and the broker
// knows the header. So a disk that the host changed meanwhile, or whose image is not the one that was meant, is noise
// without a key, and so is one whose encryption was cut off: neither ever opens.
#pragma once

#include <functional>

#include "base/secret.h"
#include "unlock/disk.h"

namespace attestd::unlock {

// Of `done` bytes of `all`; called often.
using Progress = std::function<void(std::string_view doing, std::uint64_t done, std::uint64_t all)>;

struct Encryption {
  std::uint64_t size = 0;    // of what is encrypted, bytes from the disk's start; a multiple of 512
  std::uint64_t offset = 0;  // where the data will start, bytes: a multiple of the step below
  std::string uuid;          // for the marker
  Progress progress;
};
inline constexpr std::uint64_t encryption_step = std::uint64_t{4} << 20U;  // bytes

// dm-crypt's aes-xts-plain64 with sectors of 512 bytes, numbered from 0. When it returns, the disk starts with
// interruption_marker() and then has nothing plain of the first `size` bytes but in [marker, offset), which the header
// will cover. Errors: usage, io, crypto.
Result<void> encrypt_in_place(Disk& disk, const SecretBytes& volume_key, const Encryption& encryption);

// SHA-256 of what the volume key makes of the disk: `size` bytes from `offset` on, read from the disk anew.
Result<FixedBytes<32>> digest_of_data(const Disk& disk, const SecretBytes& volume_key, const Encryption& encryption);

// Puts the header in its place, which makes the volume; all of [0, offset) is written.
Result<void> write_header(Disk& disk, ByteView metadata, std::uint64_t offset);

}  // namespace attestd::unlock
