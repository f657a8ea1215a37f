// What one asker is told: the text that the hardware report binds.
// Format: docs/wire-format.md. JSON, UTF-8, at most 256 KiB, hashed as the exact
// bytes served; nothing is ever re-encoded before a hash.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "evidence/ssh_key.h"

namespace attestd {

inline constexpr std::string_view statement_profile = "tag:attestd,2026:statement:1";
inline constexpr std::size_t nonce_min_size = 8;   // bytes
inline constexpr std::size_t nonce_max_size = 64;  // bytes
inline constexpr std::size_t workload_max_size = std::size_t{64} * 1024;
inline constexpr std::size_t statement_max_size = std::size_t{256} * 1024;

enum class Purpose { host, monitor, unlock, workload };
std::string_view purpose_name(Purpose purpose);
std::optional<Purpose> purpose_from_name(std::string_view name);

struct StatementPeer {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int32_t pid = 0;
  std::string unit;  // systemd unit of the peer by its cgroup, or empty
};

// The TLS 1.3 connection that the statement was made for.
struct StatementChannel {
  Bytes tls_spki_sha256;  // of the server's DER SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), 32 bytes
  Bytes tls_exporter{};   // tls-exporter of RFC 9266 section 2, 32 bytes; empty: any connection with that key
};

// What a relying party is asked to release a key for, with purpose unlock. What it sends is to
// be encrypted to a key that only this VM has, so that who relays the evidence gains nothing.
struct UnlockClaim {
  Bytes key_thumbprint;  // "jkt": of that key, RFC 7638 with SHA-256, 32 bytes
  struct Volume {
    std::string uuid;                        // of its LUKS2 header
    Bytes header_sha256;                     // of the header that is used, as luks/ computes it, 32 bytes
    std::optional<std::uint64_t> counter{};  // of the TPM's NV index, against rollback; at most 2^53
  };
  std::optional<Volume> volume{};
};

inline constexpr std::size_t mapping_root_hash_max = 64;  // bytes

// What device-mapper does on one device of a volume's stack, by the table that the kernel works with.
struct StorageMapping {
  std::string device;  // "root", its name
  std::string layer;   // which of the volume's layers it is, by its name: "crypt-luks2"
  std::string target;  // what it is: "crypt", "verity", "linear"
  // Of crypt; empty where the kernel does not say it.
  std::string cipher{};        // "aes-xts-plain64"
  std::uint64_t key_size = 0;  // bytes
  std::string integrity{};     // "hmac(sha256)" of an authenticated mode
  // Of verity.
  std::string hash{};  // "sha256"
  std::string mode{};  // what it does with what is wrong; empty: it gives an error
  Bytes root_hash{};
  bool operator==(const StorageMapping&) const = default;
};

// A mounted volume, from the kernel's own tables (mountinfo, sysfs).
struct StorageClaim {
  std::string mount_point;  // "/"
  std::string source;       // "/dev/mapper/root"
  std::string filesystem;   // "ext4"
  bool read_only = false;
  // The device-mapper stack from the mounted device down, e.g. "crypt-luks2",
  // "integrity", "verity", "linear"; empty when the device is plain.
  std::vector<std::string> layers;
  std::string key_origin;      // "broker", "vtpm", "passphrase", "none", "unknown"
  std::string key_resource{};  // what the broker calls the key; empty: not known
  // Nothing: the tables are not known. Then all that is known of the layers is what the guest's tools call them.
  std::optional<std::vector<StorageMapping>> mappings{};
  // How the volume came to be, if in this boot: "encrypted", "formatted"; else empty.
  std::string first_boot{};
  Bytes image_sha256{};  // of the plain file system that was encrypted, 32 bytes; or empty
};

struct ProvisioningClaim {
  std::string agent;       // "none", "cloud-init", …
  std::string datasource;  // as the agent names it; empty when none ran
  std::string detail;
};

struct PlatformClaim {
  std::string name;                  // "kvm-snp", …, "unknown"
  std::vector<std::string> reasons;  // why detection says so
  std::string kernel;                // uname -r
  std::string agent_version;
};

struct Statement {
  Purpose purpose = Purpose::host;
  Bytes nonce;
  std::int64_t issued_at = 0;  // "iat", Unix seconds
  std::string boot_id;
  std::uint64_t uptime_ms = 0;
  std::vector<SshPublicKey> ssh_host_keys;
  std::optional<StatementChannel> channel;
  std::optional<StatementPeer> peer;
  std::optional<Bytes> workload;
  std::optional<UnlockClaim> unlock{};
  Bytes ak_name;          // TPM name of the attestation key; empty without a TPM
  Bytes ak_activation{};  // SHA-256 of what the TPM found in the asker's credential, 32 bytes; or empty
  std::optional<std::vector<StorageClaim>> storage;  // nothing: not collected
  std::optional<ProvisioningClaim> provisioning;     // nothing: not collected
  PlatformClaim platform;
};

std::string encode_statement(const Statement& statement);
// Unknown members are allowed and ignored; wrong types and sizes are errors, and
// so is a member that occurs twice.
Result<Statement> parse_statement(ByteView bytes);

}  // namespace attestd
