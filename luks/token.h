// Tokens of a LUKS2 header (section 3.6 of its specification): how a volume is unlocked.
// They are the host's word, as all of the header is: a hint for where to ask, never a
// reason to trust.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "luks/header.h"

namespace attestd::luks {

inline constexpr std::string_view unlock_token_type = "attestd";
inline constexpr std::size_t token_limit = 4096;  // bytes of JSON, ours

enum class UnlockMethod { broker, vtpm };
std::string_view to_string(UnlockMethod method);  // "broker", "vtpm"

inline constexpr std::size_t tpm_name_size = 34;       // SHA-256's number and digest
inline constexpr std::size_t sealed_blob_limit = 768;  // bytes; with a SHA-256 name some 240

// The TPM's NV counter that a blob is sealed to.
struct VtpmCounter {
  std::uint32_t index = 0;  // 0x01000000 to 0x01ffffff; "0x01800100" in the JSON
  std::uint64_t value = 0;  // that it has when `blob` opens; at most 2^53 - 2
  Bytes next;               // the blob for the value + 1, once that was announced; else empty
};

// A secret that the TPM keeps (vtpm/sealed.h). It is public: what is changed in it does not open.
struct VtpmBinding {
  Bytes blob;                            // TPM2B_PRIVATE || TPM2B_PUBLIC; base64
  FixedBytes<tpm_name_size> srk_name{};  // of the TPM's storage root key; hex
  std::vector<unsigned> pcrs;            // of the signed policies, ascending, SHA-256 bank
  FixedBytes<32> policy_key{};           // fingerprint of the owner's public key (vtpm/policy_key.h); hex
  bool pin = false;                      // is asked for
  std::optional<VtpmCounter> counter;
};

// Our own token:
//   {"type":"attestd","keyslots":["0"],
//    "attestd":{"version":1,"method":"broker","resource":"default/disk/root","generation":3}}
//   {"type":"attestd","keyslots":["0"],
//    "attestd":{"version":1,"method":"vtpm","generation":0,"vtpm":{"blob":"…","srk_name":"000b…",
//               "pcrs":[4,7,11,12],"policy_key":"…","pin":false,
//               "counter":{"index":"0x01800100","value":7,"next":"…"}}}}
struct UnlockToken {
  std::vector<unsigned> keyslots;
  UnlockMethod method = UnlockMethod::broker;
  // What the broker calls the key: repository, type and tag, each 1 to 64 characters of
  // A-Z a-z 0-9 . _ - and not "." or "..". Empty, and not in the JSON, with vtpm.
  std::string resource;
  std::uint64_t generation = 0;     // of the key, one more with each rotation; at most 2^53 - 1
  std::optional<VtpmBinding> vtpm;  // with vtpm, and only then
};

// Strict: no member that is not above, each of its type. Errors: malformed, not_found,
// out_of_range, unsupported (another version or method).
Result<UnlockToken> parse_unlock_token(std::string_view json);
// As `cryptsetup token import` reads it. Errors: as parse_unlock_token() for what is encoded.
Result<std::string> encode_unlock_token(const UnlockToken& token);

// One line for people, of ours and of those that systemd-cryptenroll makes: "attestd: the
// broker's default/disk/root, generation 3". Of others, and of those that are malformed, the
// type. Printable ASCII, whatever is in the token.
std::string describe_token(const Token& token);

// `text` with all but printable ASCII as "\x1b"; a backslash too.
std::string printable_ascii(std::string_view text);

}  // namespace attestd::luks
