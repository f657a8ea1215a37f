// The header of a LUKS2 volume: what the disk, which the host owns, says of its own
// encryption. A header that parses is whole and means one thing only; whether it is
// one that a key may be given to is for luks/validate.h.
// Source: "LUKS2 On-Disk Format Specification" version 1.1.1 (cryptsetup,
// docs/on-disk-format-luks2.pdf), sections 2 (binary header) and 3 (JSON area).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace attestd::luks {

inline constexpr std::size_t binary_header_size = 4096;                    // section 2.1
inline constexpr std::uint64_t smallest_header = 16384;                    // with its JSON area, section 2.2
inline constexpr std::uint64_t largest_header = std::uint64_t{4} << 20U;   // the same
inline constexpr std::uint64_t metadata_limit = std::uint64_t{64} << 20U;  // ours; the default is 16 MiB
inline constexpr std::size_t objects_limit = 32;                           // keyslots, tokens, segments: each
inline constexpr std::size_t canonical_digest_size = 32;

enum class Copy { primary, secondary };

// Section 2.1, one of the two.
struct BinaryHeader {
  std::uint64_t header_size = 0;  // bytes, with the JSON area; the secondary starts there
  std::uint64_t sequence = 0;     // "seqid", one more with every write
  std::string label;
  std::string checksum_algorithm;
  FixedBytes<64> salt{};
  std::string uuid;
  std::string subsystem;
  std::uint64_t offset = 0;  // its own place on the device, bytes
  FixedBytes<64> checksum{};
};

// Section 3.2.5. Which members are set depends on the type.
struct Kdf {
  std::string type;  // "argon2id", "argon2i", "pbkdf2", or another
  std::string hash;  // pbkdf2
  std::uint32_t iterations = 0;
  std::uint32_t time = 0;  // Argon2: passes
  std::uint32_t memory_kib = 0;
  std::uint32_t threads = 0;
  Bytes salt;
};

// Section 3.2. Of a type other than "luks2" only type, key size and area are read.
struct Keyslot {
  unsigned id = 0;
  std::string type;
  std::uint32_t key_size = 0;             // bytes of the volume key in it
  std::optional<std::uint32_t> priority;  // 0 ignore, 1 normal, 2 prefer
  std::string area_type;
  std::uint64_t area_offset = 0;  // bytes from the start of the device
  std::uint64_t area_size = 0;    // bytes
  std::string area_encryption;
  std::uint32_t area_key_size = 0;  // bytes
  std::string af_type;
  std::string af_hash;
  std::uint32_t af_stripes = 0;
  Kdf kdf;
};

// Section 3.3. Of a type other than "crypt" only type, place and flags are read.
struct Segment {
  unsigned id = 0;
  std::string type;
  std::uint64_t offset = 0;           // bytes from the start of the device
  std::optional<std::uint64_t> size;  // bytes; none is "dynamic", to the end of the device
  std::vector<std::string> flags;
  std::uint64_t iv_tweak = 0;
  std::string encryption;  // as dm-crypt has it: "aes-xts-plain64"
  std::uint32_t sector_size = 0;
  std::string integrity;  // "hmac(sha256)", "aead"; empty when there is none
  std::string journal_encryption;
  std::string journal_integrity;
};

// Section 3.4. Of a type other than "pbkdf2" only type and references are read.
struct Digest {
  unsigned id = 0;
  std::string type;
  std::vector<unsigned> keyslots;
  std::vector<unsigned> segments;
  std::string hash;
  std::uint32_t iterations = 0;
  Bytes salt;
  Bytes value;
};

// Section 3.6. What is in it beyond this depends on the type: luks/token.h.
struct Token {
  unsigned id = 0;
  std::string type;
  std::vector<unsigned> keyslots;
  std::string json;  // the object itself, encoded anew
};

struct Header {
  BinaryHeader primary;
  std::vector<Keyslot> keyslots;
  std::vector<Segment> segments;
  std::vector<Digest> digests;
  std::vector<Token> tokens;
  std::uint64_t keyslots_size = 0;        // bytes of the area of keyslots, behind the headers
  std::vector<std::string> flags;         // of activation: "allow-discards"
  std::vector<std::string> requirements;  // mandatory ones
  FixedBytes<canonical_digest_size> canonical_digest{};

  // Where the area of keyslots ends, which is all of the device that opening reads.
  [[nodiscard]] std::uint64_t metadata_size() const { return 2 * primary.header_size + keyslots_size; }
};

// Section 2.1, of `block`, which has at least 4096 bytes; the checksum is not compared.
// Errors: truncated, malformed, out_of_range, unsupported (LUKS1, by that name; another
// version; no checksum that we know).
Result<BinaryHeader> parse_binary_header(ByteView block, Copy copy);

// `headers` starts with the device and has both headers, 2 * header_size bytes; more is
// not looked at. `device_size` is in bytes. The two must say the same: opening takes the
// one with the higher sequence, and we know of one only. Refused, each with a sentence:
// LUKS1; a header that is detached or being reencrypted; mandatory requirements; a member
// of the JSON that the specification does not have (but in tokens); whatever is there
// twice, overlaps, or refers to nothing.
// Errors: truncated, malformed, out_of_range, mismatch (checksums, the two headers),
// unsupported.
Result<Header> parse_header(ByteView headers, std::uint64_t device_size);

// Of the two headers, which the caller knows to be `headers`, 2 * header_size bytes of the primary, the one that
// counts as cryptsetup has it: whose checksum is right, and of two such the one with the higher sequence. The other
// is written anew after it, so that parse_header() finds both alike whenever a change of the header was interrupted
// between the two. Which one was written, if any. Headers of which neither is good stay as they are. Errors: those of
// parse_binary_header() for the primary; truncated.
Result<std::optional<Copy>> settle_headers(std::span<std::byte> headers);

// What an enrolled volume is recognized by. SHA-256 over
//   "attestd LUKS2 header 1\n"
//   the primary's 4096 bytes, with zeros for seqid, salt and checksum
//   the primary's JSON area, to its end
// The three fields say nothing of how the volume opens and change without anybody's wish
// when cryptsetup repairs a header. All else is kept: a changed label, token, keyslot,
// segment, digest or flag is a changed header. The areas of the keyslots are not in it:
// what comes out of them is compared with the digest in the JSON by cryptsetup.
// `headers` as for parse_header(), with `header_size` bytes at least.
FixedBytes<canonical_digest_size> canonical_digest(ByteView headers, std::uint64_t header_size);

}  // namespace attestd::luks
