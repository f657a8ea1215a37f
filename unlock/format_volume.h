// A blank disk becomes a LUKS2 volume with integrity and an empty ext4, by device mapper: dm-crypt over dm-integrity.
#pragma once

#include <string>

#include "unlock/encrypt_in_place.h"
#include "unlock/new_header.h"

namespace attestd::unlock {

struct Formatting {
  NewHeaderRequest header;
  std::string device;  // the disk, which nobody has open for writing
  std::string name;    // of the volume; what is opened meanwhile is named after it
  std::string mkfs;    // mke2fs
  Progress progress;
};

// What format_volume() will need of this system, without doing anything. Errors: not_found and permission (of `mkfs`),
// unavailable (device mapper does not answer), busy (what it would open is open already).
Result<void> require_means(const Formatting& formatting);

// AES-256 in XTS with HMAC-SHA-256, sectors of 4096 bytes. All of the data is written once, so that every sector has a
// tag, and then the file system. The header is not on the disk when it returns: write_header() puts it there.
// Needs CAP_SYS_ADMIN. Errors: those of libcryptsetup; io (mke2fs failed); refused as make_header().
Result<luks::DeviceHeader> format_volume(const Formatting& formatting, const SecretBytes& passphrase);

}  // namespace attestd::unlock
