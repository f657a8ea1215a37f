// Volumes made by the real cryptsetup, and what a host makes of them.
#pragma once

#include <functional>
#include <string>

#include "base/bytes.h"
#include "tests/temporary_folder.h"

namespace attestd::test {

// A folder in memory, where header copies go.
class MemoryFolder {
 public:
  MemoryFolder();
  MemoryFolder(const MemoryFolder&) = delete;
  MemoryFolder& operator=(const MemoryFolder&) = delete;
  ~MemoryFolder();
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_ = "/dev/shm/attestd-test.XXXXXX";
};

struct Ran {
  int status = 0;
  std::string output;  // standard output and error
};
// By /bin/sh; `input` is its standard input.
Ran shell(const std::string& command, const std::string& input = "");
// Whether cryptsetup finds a keyslot for the passphrase. `options`: "--header FILE".
bool opens(const std::string& device, const std::string& passphrase, const std::string& options = "");

inline constexpr std::uint64_t volume_size = std::uint64_t{8} << 20U;
inline constexpr std::string_view volume_passphrase = "a passphrase of the tests";

// `cryptsetup luksFormat OPTIONS`: 8 MiB, a header of 16 KiB, data from 1 MiB on, and a
// PBKDF2 that costs nothing unless the options say otherwise. The whole device.
Bytes format_volume(const std::string& options = "");
// One such volume with two keyslots and a label, made once.
const Bytes& volume();

// The first volume.h bytes as a file.
std::string write_bytes(const std::string& path, ByteView bytes);
Bytes read_bytes(const std::string& path);

// Where the headers of volume() are.
inline constexpr std::size_t header_size = 16384;

// The JSON of the primary header, without the zeros behind it.
std::string json_of(ByteView volume);
// With other JSON in both headers, and checksums that fit.
Bytes with_json(ByteView volume, const std::string& json);
// As with_json(), with the first `from` replaced. Throws when it is not there.
Bytes forged(ByteView volume, std::string_view from, std::string_view to);
// With each of the headers (its 4096 bytes and JSON area) changed, and checksums that fit.
Bytes with_headers(ByteView volume, const std::function<void(std::span<std::byte> header, bool secondary)>& change);
// The checksum that fits, written into one header.
void seal(std::span<std::byte> header);

// What the area of a keyslot has when `key` is split into 4000 stripes with SHA-256 and
// encrypted with nothing (LUKS1 specification section 2.4, AFsplit, all stripes but the
// last being zeros).
Bytes unencrypted_area(ByteView key);

}  // namespace attestd::test
