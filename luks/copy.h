// A header that is checked and one that is used, made the same: the metadata is read from
// the device once, those bytes are judged, and those bytes are what cryptsetup opens the
// volume with (--header, crypttab's header=). The device's own header is then not read
// again, and what the host makes of it meanwhile has no effect.
//
// libcryptsetup 2.6.1 with a separate header reads both headers and the keyslots from that
// file (LUKS2_disk_hdr_read() and luks2_decrypt_from_storage() take crypt_metadata_device()).
// Of the data device it asks the size, and reads 512 bytes without looking at them, to see
// whether direct I/O works. With an integrity segment it also reads the superblock of
// dm-integrity, which is where the data starts and not covered here: dm-crypt checks the
// tags itself, and so a forged superblock yields no plain text.
#pragma once

#include <string>

#include "luks/header.h"

namespace attestd::luks {

struct DeviceHeader {
  Header header;
  Bytes metadata;                 // both headers and all keyslots, Header::metadata_size() bytes, or fewer
  std::optional<Copy> settled;    // on the disk this one does not count; here it is as the other: settle_headers()
  std::uint64_t device_size = 0;  // bytes
};

// Of a block device or a regular file. Each byte is read once. Errors, with the device's
// name and the offset: not_found, permission, io, usage (something else), truncated, and
// those of parse_header().
// `Until::last_keyslot`: the metadata ends where the last keyslot that is used does, mostly some 300 kB of 16 MiB.
// Behind it is nothing that opening reads.
enum class Until { end, last_keyslot };
Result<DeviceHeader> read_device_header(const std::string& device, Until until = Until::end);
// The same of an open one, all of it; `name` is for its errors.
Result<DeviceHeader> read_device_header(int fd, const std::string& name);

// Writes `metadata` to a file of mode 0400 that appears whole at `path`, in the place of
// one that is there. The folder must be in memory (tmpfs, ramfs): on a disk the host could
// change it. It has `size` bytes where that is more: cryptsetup wants all that the header speaks of, and has zeros.
// Errors: usage (another file system), and those of the system calls.
Result<void> write_header_copy(const std::string& path, ByteView metadata, std::uint64_t size = 0);

}  // namespace attestd::luks
