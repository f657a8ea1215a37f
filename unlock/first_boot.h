// The first boot of a volume: the disk is not encrypted yet, and becomes so with a key that the broker makes for who
// has an enrolment token and shows evidence.
//
//   disk                      first-boot = "encrypt"                 "format"
//   LUKS header, our UUID     nothing: it is unlocked as ever        the same
//   ext2 to ext4              encrypted in place, then compared      refused
//   blank                     refused                                LUKS2 with integrity, and an empty ext4
//   anything else             refused                                refused
//
// Without a token, or where the broker has the resource, all is refused: a wiped disk is not made anew.
#pragma once

#include <functional>
#include <string>

#include "unlock/disk.h"
#include "unlock/enrolment_token.h"
#include "unlock/survey.h"
#include "unlock/volume.h"

namespace attestd::unlock {

struct FirstBoot {
  Volume volume;  // its device is the disk
  Settings settings;
  TokenPlaces tokens;
  Places places;
  std::string scratch;  // folder in memory (tmpfs)
  Patience patience;
  std::string mkfs = "/sbin/mke2fs";
};

// The least that is made: a file system that the marker does not fill (unlock/survey.h), and a disk that takes the
// header, the tags of integrity and an ext4 with its journal.
inline constexpr std::uint64_t least_filesystem = std::uint64_t{1} << 20U;       // bytes
inline constexpr std::uint64_t least_formatted_disk = std::uint64_t{48} << 20U;  // bytes

// What is to be done: by the settings, what is on the disk, and whether there is a token. Errors: refused, usage.
Result<FirstBootMode> plan_first_boot(const FirstBoot& first, const Survey& survey, std::uint64_t disk_size,
                                      bool has_token);

// Waits for the disk, for as long as the budget is, and says whether a first boot has anything to do with it; nothing
// is asked or written. Errors: not_found, those of Disk, usage.
Result<bool> needs_first_boot(const FirstBoot& first);

// All of it. The broker knows the header, by a release, before the disk has it. `request` is for the volume's key, and
// has no volume yet. Errors: those of plan_first_boot(), RelyingParty and encryption; mismatch (another image).
Result<void> run_first_boot(const FirstBoot& first, ReleaseRequest request, const Attester& attester,
                            const Fetch& fetch = https_fetch);

}  // namespace attestd::unlock
