#include <algorithm>

#include "luks/metadata_internal.h"

namespace attestd::luks {
namespace {

constexpr std::uint64_t area_alignment = 4096;
constexpr std::uint64_t sector = 512;

bool overlap(std::uint64_t a, std::uint64_t a_size, std::uint64_t b, std::uint64_t b_size) {
  return a < b + b_size && b < a + a_size;
}

std::string named(std::string_view kind, unsigned id) { return std::string(kind) + " " + std::to_string(id); }

// An area within `begin` to `end`, none of which is over 2^63: sums cannot wrap.
Result<void> check_area(const Keyslot& slot, std::uint64_t begin, std::uint64_t end) {
  const std::string name = "the area of " + named("keyslot", slot.id);
  // cryptsetup reads from the sector that the offset is in.
  if (slot.area_offset % area_alignment != 0 || slot.area_size % area_alignment != 0) {
    return fail(Errc::malformed, name + " is not aligned to 4096 bytes");
  }
  if (slot.area_size == 0 || slot.area_offset < begin || slot.area_offset > end ||
      slot.area_size > end - slot.area_offset) {
    return fail(Errc::out_of_range, name + " is not within the area of keyslots, which is from byte " +
                                        std::to_string(begin) + " to " + std::to_string(end));
  }
  // Section 3.2.4: the key is stored in as many stripes, and whole sectors are read.
  const std::uint64_t striped = std::uint64_t{slot.key_size} * slot.af_stripes;
  if (slot.type == "luks2" && striped > slot.area_size) {
    return fail(Errc::out_of_range,
                name + " has " + std::to_string(slot.area_size) + " bytes, its key takes " + std::to_string(striped));
  }
  return {};
}

Result<void> check_areas(const Header& header) {
  const std::uint64_t begin = 2 * header.primary.header_size;
  for (const Keyslot& slot : header.keyslots) {
    ATTESTD_CHECK(check_area(slot, begin, header.metadata_size()));
    for (const Keyslot& other : header.keyslots) {
      if (other.id >= slot.id) continue;
      if (overlap(slot.area_offset, slot.area_size, other.area_offset, other.area_size)) {
        return fail(Errc::malformed, "the areas of keyslots " + std::to_string(other.id) + " and " +
                                         std::to_string(slot.id) + " overlap");
      }
    }
  }
  return {};
}

Result<std::uint64_t> checked_size(const Segment& segment, const Header& header, std::uint64_t device_size) {
  const std::string name = named("segment", segment.id);
  if (segment.offset == 0) {
    return fail(Errc::unsupported,
                name + " starts with the device: this is a detached header, and it is not on the device that it opens");
  }
  if (segment.offset % sector != 0 || segment.size.value_or(sector) % sector != 0) {
    return fail(Errc::malformed, name + " is not aligned to 512 bytes");
  }
  if (segment.offset < header.metadata_size()) {
    return fail(Errc::malformed, name + " starts at byte " + std::to_string(segment.offset) +
                                     ", within the metadata, which ends at byte " +
                                     std::to_string(header.metadata_size()));
  }
  if (segment.offset >= device_size) {
    return fail(Errc::out_of_range, name + " starts at byte " + std::to_string(segment.offset) +
                                        ", the device ends at byte " + std::to_string(device_size));
  }
  const std::uint64_t space = device_size - segment.offset;
  if (segment.size && (*segment.size == 0 || *segment.size > space)) {
    return fail(Errc::out_of_range, name + " has " + std::to_string(*segment.size) +
                                        " bytes, the device has room for " + std::to_string(space));
  }
  return segment.size ? *segment.size : space;
}

Result<void> check_segments(const Header& header, std::uint64_t device_size) {
  if (header.segments.empty()) return fail(Errc::malformed, "there is no segment");
  for (const Segment& segment : header.segments) {
    ATTESTD_TRY(const std::uint64_t size, checked_size(segment, header, device_size));
    for (const Segment& other : header.segments) {
      if (other.id >= segment.id) continue;
      ATTESTD_TRY(const std::uint64_t other_size, checked_size(other, header, device_size));
      if (overlap(segment.offset, size, other.offset, other_size)) {
        return fail(Errc::malformed,
                    "segments " + std::to_string(other.id) + " and " + std::to_string(segment.id) + " overlap");
      }
    }
  }
  return {};
}

template <class Object>
Result<void> check_references(const std::vector<unsigned>& ids, const std::vector<Object>& objects,
                              const std::string& from, std::string_view kind) {
  for (const unsigned id : ids) {
    if (std::ranges::find(objects, id, &Object::id) == objects.end()) {
      return fail(Errc::malformed, from + " refers to " + named(kind, id) + ", which is not there");
    }
  }
  return {};
}

}  // namespace

Result<void> check_layout(const Header& header, std::uint64_t device_size) {
  ATTESTD_CHECK(check_areas(header));
  ATTESTD_CHECK(check_segments(header, device_size));
  for (const Digest& digest : header.digests) {
    ATTESTD_CHECK(check_references(digest.keyslots, header.keyslots, named("digest", digest.id), "keyslot"));
    ATTESTD_CHECK(check_references(digest.segments, header.segments, named("digest", digest.id), "segment"));
  }
  for (const Token& token : header.tokens) {
    ATTESTD_CHECK(check_references(token.keyslots, header.keyslots, named("token", token.id), "keyslot"));
  }
  return {};
}

}  // namespace attestd::luks
