// What is on a disk before a first boot, by its first bytes. They are the host's: what is found here only chooses
// between doing what the command line says and refusing it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace attestd::unlock {

enum class DiskKind {
  luks,         // a LUKS header, of either version
  interrupted,  // a first boot began and did not end
  ext,          // a file system of ext2 to ext4
  blank,        // zeros, as far as was looked
  other,
};

struct Survey {
  DiskKind kind = DiskKind::other;
  std::string luks_uuid;              // of luks, as it is there: up to 40 bytes, any
  std::uint64_t filesystem_size = 0;  // of ext, bytes; at most the device's size
  std::string found;                  // "an ext4 file system of 104857600 bytes", for sentences; printable ASCII
};

inline constexpr std::size_t survey_size = std::size_t{5} << 20U;  // bytes that are looked at; past the last header

// `head` starts with the device, and has survey_size bytes or all of it.
// Sources: "LUKS2 On-Disk Format Specification" 1.1.1, section 2; Linux, Documentation/filesystems/ext4/super.rst.
Survey survey_disk(ByteView head, std::uint64_t device_size);

// What a disk begins with while it is being made, so that one that stays half-done is told from others: text and zeros.
inline constexpr std::size_t marker_size = 4096;
Bytes interruption_marker(std::string_view uuid);

}  // namespace attestd::unlock
