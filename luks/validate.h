// Whether a LUKS2 header is one that a key may be given to. The disk is the host's: with a
// header of its own making it chooses the cipher (null: the guest writes plain text), how
// the key is kept (an area that is not encrypted opens with any passphrase, and what comes
// out is a volume key that the host knows), and what else cryptsetup does (tokens, flags).
#pragma once

#include <string>
#include <vector>

#include "luks/header.h"

namespace attestd::luks {

// How a segment may be encrypted. Null and ECB ciphers are never accepted, nor volume keys
// under 32 bytes, whatever a rule says.
struct CipherRule {
  std::string encryption;      // "aes-xts-plain64", as dm-crypt and the header have it; "capi:…" only if written here
  std::string integrity;       // "hmac(sha256)", "aead"; empty: none
  std::uint32_t key_size = 0;  // bytes of the volume key, with the integrity's own
};

// AES-256 in XTS, without integrity.
std::vector<CipherRule> default_ciphers();
// What cryptsetup makes with --integrity and dm-integrity, and the keys of 256 bits.
std::vector<CipherRule> authenticated_ciphers();

// What a keyslot must cost whoever guesses its passphrase, and may cost us: a header that
// asks for all memory or hours is a way to keep a VM from starting.
struct KdfRule {
  std::uint32_t least_pbkdf2_iterations = 600'000;     // OWASP Password Storage Cheat Sheet, 2023, SHA-256
  std::uint32_t most_pbkdf2_iterations = 100'000'000;  // ours: a minute or so
  std::uint32_t least_argon2_memory_kib = 65'536;      // RFC 9106 section 4, second recommendation: 64 MiB
  std::uint32_t most_argon2_memory_kib = 1'048'576;    // cryptsetup's own limit for what it makes: 1 GiB
  std::uint32_t least_argon2_time = 3;                 // RFC 9106 section 4, second recommendation
  std::uint32_t most_argon2_time = 1'000;              // ours
  std::uint32_t most_argon2_threads = 4;               // cryptsetup makes no more
};

// The same limits above, and none below: for a passphrase that is a random key of 32 bytes
// at least, which no number of guesses finds.
KdfRule random_key_rule();

// What the enrolment knows. The defaults are those of `cryptsetup luksFormat`.
struct Expectation {
  std::optional<FixedBytes<canonical_digest_size>> canonical_digest;
  std::string uuid;                          // empty: any
  std::optional<std::uint64_t> data_offset;  // bytes
  std::vector<CipherRule> ciphers = default_ciphers();
  std::vector<std::uint32_t> sector_sizes = {512, 1024, 2048, 4096};  // bytes
  KdfRule kdf;
  // A type names a plugin that cryptsetup loads when it may take a token
  // (libcryptsetup-token-TYPE.so, and no other path: the type has only letters, digits,
  // '-' and '_'), or one that is built in: "luks2-keyring" takes the passphrase from the
  // kernel's keyring, under a name that the header chooses.
  std::vector<std::string> token_types = {"attestd", "systemd-tpm2", "systemd-recovery"};
  // Of activation. "no-journal" is left out: with it an integrity segment is not atomic.
  std::vector<std::string> flags = {"allow-discards", "same-cpu-crypt", "submit-from-crypt-cpus", "no-read-workqueue",
                                    "no-write-workqueue"};
};

// Of a volume whose key is a random one that a relying party or a TPM keeps, of any of the two sets of ciphers.
Expectation unlock_expectation();

struct Objection {
  std::string code;  // stable: "luks.cipher"
  std::string text;  // one sentence for people, no full stop; what it quotes is printable ASCII
};

// All that speaks against giving a key to the volume; nothing when it may be opened. Codes:
// luks.digest, luks.uuid, luks.segment, luks.cipher, luks.sector-size, luks.key-size,
// luks.keyslot, luks.keyslot-area, luks.kdf, luks.key-digest, luks.token, luks.flag.
std::vector<Objection> validate(const Header& header, const Expectation& expectation);

// The first of them as an error (refused).
Result<void> require_valid(const Header& header, const Expectation& expectation);

}  // namespace attestd::luks
