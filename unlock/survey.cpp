#include "unlock/survey.h"

#include <algorithm>

#include "luks/header.h"

namespace attestd::unlock {
namespace {

constexpr std::string_view luks_magic("LUKS\xba\xbe", 6);
constexpr std::string_view luks_secondary_magic("SKUL\xba\xbe", 6);
constexpr std::size_t luks_uuid_offset = 168;  // in both versions
constexpr std::size_t luks_uuid_size = 40;
constexpr std::string_view marker = "attestd: the first boot of this volume did not end: ";

// Of the superblock (super.rst).
constexpr std::size_t superblock_offset = 1024;
constexpr std::size_t superblock_size = 1024;
constexpr std::uint16_t ext_magic = 0xef53;
constexpr std::uint32_t largest_block_exponent = 6;     // 64 KiB
constexpr std::uint32_t incompat_journal_device = 0x8;  // no file system, but another one's journal
constexpr std::uint32_t incompat_extents = 0x40;
constexpr std::uint32_t incompat_64bit = 0x80;

bool has_at(ByteView bytes, std::size_t offset, std::string_view text) {
  return bytes.size() >= offset + text.size() && as_text(bytes.subspan(offset, text.size())) == text;
}

bool has_secondary_header(ByteView head) {
  for (std::uint64_t at = luks::smallest_header; at <= luks::largest_header; at *= 2) {
    if (has_at(head, at, luks_secondary_magic)) return true;
  }
  return false;
}

struct Superblock {
  std::uint64_t size = 0;  // bytes
  bool extents = false;
};

// Nothing where this is none, or one that cannot be.
Result<Superblock> parse_superblock(ByteView block) {
  Reader reader(block);
  ATTESTD_CHECK(reader.skip(0x4, "inodes"));
  ATTESTD_TRY(const std::uint32_t blocks_low, reader.le32("s_blocks_count_lo"));
  ATTESTD_CHECK(reader.skip(0x18 - 0x8, "s_log_block_size"));
  ATTESTD_TRY(const std::uint32_t exponent, reader.le32("s_log_block_size"));
  ATTESTD_CHECK(reader.skip(0x38 - 0x1c, "s_magic"));
  ATTESTD_TRY(const std::uint16_t magic, reader.le16("s_magic"));
  ATTESTD_CHECK(reader.skip(0x60 - 0x3a, "s_feature_incompat"));
  ATTESTD_TRY(const std::uint32_t incompatible, reader.le32("s_feature_incompat"));
  ATTESTD_CHECK(reader.skip(0x150 - 0x64, "s_blocks_count_hi"));
  ATTESTD_TRY(const std::uint32_t blocks_high, reader.le32("s_blocks_count_hi"));
  if (magic != ext_magic || exponent > largest_block_exponent || (incompatible & incompat_journal_device) != 0) {
    return fail(Errc::malformed, "no superblock of ext4");
  }
  std::uint64_t blocks = blocks_low;
  if ((incompatible & incompat_64bit) != 0) blocks |= std::uint64_t{blocks_high} << 32U;
  const unsigned shift = 10 + exponent;
  if (blocks == 0 || blocks > (std::uint64_t{1} << 62U) >> shift) {
    return fail(Errc::out_of_range, "a file system of an impossible size");
  }
  return Superblock{blocks << shift, (incompatible & incompat_extents) != 0};
}

}  // namespace

Survey survey_disk(ByteView head, std::uint64_t device_size) {
  Survey out;
  if (has_at(head, 0, luks_magic)) {
    out.kind = DiskKind::luks;
    out.found = "a LUKS header";
    if (head.size() >= luks_uuid_offset + luks_uuid_size) {
      const std::string_view field = as_text(head.subspan(luks_uuid_offset, luks_uuid_size));
      out.luks_uuid = field.substr(0, field.find('\0'));
    }
  } else if (has_at(head, 0, marker)) {
    out.kind = DiskKind::interrupted;
    out.found = "a first boot that did not end";
  } else if (has_secondary_header(head)) {
    out.found = "a damaged LUKS2 header";
  } else if (all_zero(head)) {
    out.kind = DiskKind::blank;
    out.found = "nothing but zeros";
  } else if (head.size() < superblock_offset + superblock_size) {
    out.found = "something that is too small for a file system";
  } else if (const auto super = parse_superblock(head.subspan(superblock_offset, superblock_size)); !super) {
    out.found = "something else than a file system of ext4";
  } else if (super->size > device_size) {
    out.found = "a file system that is larger than the disk";
  } else {
    out.kind = DiskKind::ext;
    out.filesystem_size = super->size;
    out.found = std::string(super->extents ? "an ext4" : "an ext2 or ext3") + " file system of " +
                std::to_string(super->size) + " bytes";
  }
  return out;
}

Bytes interruption_marker(std::string_view uuid) {
  Bytes out = to_bytes(std::string(marker) + std::string(uuid.substr(0, luks_uuid_size)) + "\n");
  out.resize(marker_size);
  return out;
}

}  // namespace attestd::unlock
