#include "hwio/mountinfo.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace attestd::hwio {
namespace {

// Fields of one line, separated by single spaces.
class Fields {
 public:
  Fields(std::string_view line, std::size_t offset) : rest_(line), offset_(offset) {}

  Result<std::string_view> next(std::string_view what) {
    if (ended_) return fail_at(Errc::truncated, offset_, "a line of mountinfo ends before its " + std::string(what));
    const std::size_t space = rest_.find(' ');
    const std::string_view field = rest_.substr(0, space);
    if (space == std::string_view::npos) {
      ended_ = true;
    } else {
      rest_.remove_prefix(space + 1);
    }
    // The kernel prints an empty source as nothing at all; no other field is empty.
    if (field.empty() && what != "source") {
      return fail_at(Errc::malformed, offset_, "a line of mountinfo has an empty " + std::string(what));
    }
    return field;
  }

 private:
  std::string_view rest_;
  std::size_t offset_;  // of the line
  bool ended_ = false;
};

bool is_octal(char c) { return c >= '0' && c <= '7'; }

// The kernel writes space, tab, newline, backslash and '#' as \NNN.
std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] <= '3' && is_octal(text[i + 1]) &&
        is_octal(text[i + 2]) && is_octal(text[i + 3])) {
      const int value = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
      out += static_cast<char>(value);
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool has_option(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    const std::size_t comma = options.find(',');
    if (options.substr(0, comma) == wanted) return true;
    if (comma == std::string_view::npos) break;
    options.remove_prefix(comma + 1);
  }
  return false;
}

Result<void> parse_device(std::string_view text, MountinfoEntry& entry, std::size_t offset) {
  const auto number = [](std::string_view digits, std::uint32_t& out) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return error == std::errc{} && end == digits.data() + digits.size() && !digits.empty();
  };
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || !number(text.substr(0, colon), entry.major) ||
      !number(text.substr(colon + 1), entry.minor)) {
    return fail_at(Errc::malformed, offset, "a line of mountinfo has no device number of the form major:minor");
  }
  return {};
}

Result<MountinfoEntry> parse_line(std::string_view line, std::size_t offset) {
  Fields fields(line, offset);
  MountinfoEntry entry;
  ATTESTD_CHECK(fields.next("mount ID"));
  ATTESTD_CHECK(fields.next("parent ID"));
  ATTESTD_TRY(const std::string_view device, fields.next("device number"));
  ATTESTD_CHECK(parse_device(device, entry, offset));
  ATTESTD_TRY(const std::string_view root, fields.next("root"));
  ATTESTD_TRY(const std::string_view mount_point, fields.next("mount point"));
  ATTESTD_TRY(const std::string_view mount_options, fields.next("mount options"));
  for (;;) {
    ATTESTD_TRY(const std::string_view optional, fields.next("separator"));
    if (optional == "-") break;
  }
  ATTESTD_TRY(const std::string_view filesystem, fields.next("filesystem type"));
  ATTESTD_TRY(const std::string_view source, fields.next("source"));
  ATTESTD_TRY(const std::string_view super_options, fields.next("superblock options"));
  entry.root = unescape(root);
  entry.mount_point = unescape(mount_point);
  entry.filesystem = unescape(filesystem);
  entry.source = unescape(source);
  entry.read_only = has_option(mount_options, "ro") || has_option(super_options, "ro");
  return entry;
}

}  // namespace

Result<std::vector<MountinfoEntry>> parse_mountinfo(ByteView bytes) {
  std::vector<MountinfoEntry> entries;
  const std::string_view text = as_text(bytes);
  for (std::size_t offset = 0; offset < text.size();) {
    const std::size_t end = std::min(text.find('\n', offset), text.size());
    ATTESTD_TRY(MountinfoEntry entry, parse_line(text.substr(offset, end - offset), offset));
    entries.push_back(std::move(entry));
    offset = end + 1;
  }
  return entries;
}

}  // namespace attestd::hwio
