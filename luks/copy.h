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
  Bytes metadata;                 // both headers and all keyslots, Header::metadata_size() bytes
  std::uint64_t device_size = 0;  // bytes
};

// Of a block device or a regular file. Each byte is read once. Errors, with the device's
// name and the offset: not_found, permission, io, usage (something else), truncated, and
// those of parse_header().
Result<DeviceHeader> read_device_header(const std::string& device);

// Writes `metadata` to a file of mode 0400 that appears whole at `path`, in the place of
// one that is there. The folder must be in memory (tmpfs, ramfs): on a disk the host could
// change it. Errors: usage (another file system), and those of the system calls.
Result<void> write_header_copy(const std::string& path, ByteView metadata);

}  // namespace attestd::luks
