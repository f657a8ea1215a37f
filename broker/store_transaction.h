// What the broker keeps, as operations on one connection: reading, and writing inside a
// transaction. broker/store.h gives them out.
//
// Times are Unix time in s. All errors of Database may come from each call; what is listed
// is said besides.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/audit.h"
#include "broker/database.h"
#include "broker/seal.h"

namespace attestd::broker {

struct StoredPolicy {
  std::string name;  // [a-z0-9][a-z0-9._-]{0,63}
  std::string toml;
  std::int64_t version = 0;  // counts up with each put, also over a removal
  std::int64_t created_at = 0;
};

struct ResourceSettings {
  std::string path;                       // "repository/type/tag", each part [A-Za-z0-9][A-Za-z0-9._-]{0,63}
  std::string policy;                     // what evidence must show
  std::optional<std::string> volume;      // LUKS UUID
  std::optional<std::string> conditions;  // a JSON object
};

struct ResourceVersion {
  std::int64_t version = 0;
  std::int64_t created_at = 0;
  std::optional<std::int64_t> revoked_at;
};

// SHA-256 of the LUKS2 header that the volume has, and of the one that it is about to have.
struct HeaderDigests {
  std::optional<Sha256Digest> header;
  std::optional<Sha256Digest> next_header;
  bool operator==(const HeaderDigests&) const = default;
};

struct VolumeState {
  HeaderDigests headers;
  std::int64_t counter = 0;  // only ever grows
  std::optional<std::int64_t> last_release_at;
  std::int64_t releases = 0;
};

struct Resource {
  ResourceSettings settings;
  std::int64_t created_at = 0;
  std::vector<ResourceVersion> versions;  // never none; the last one is current
  VolumeState state;
};

struct ResourceSecret {
  std::int64_t version = 0;
  SecretBytes secret;
};

struct EnrolmentToken {
  Sha256Digest digest{};  // of the token
  std::string path;       // the resource that it may create
  std::string policy;     // under this policy
  std::int64_t expires_at = 0;
};

struct NamedKey {
  std::string public_text;
  SecretBytes private_key;
};

struct HostCertificateRule {
  std::string policy;
  std::vector<std::string> principals;  // 1 to 64 of 1 to 255 bytes, no control characters or blanks
  std::int64_t validity_s = 0;
};

struct VolumeUpdate {
  std::optional<std::int64_t> counter;
  std::optional<HeaderDigests> headers;  // both, in place of both
};

struct SpentChallenge {
  FixedBytes<32> id{};
  std::int64_t expires_at = 0;
};

// A release that was decided on, and still has to come true.
struct Release {
  std::string path;
  std::int64_t version = 0;  // of the secret that would be given out
  std::int64_t at = 0;
  std::string audit_body;  // JSON
  VolumeUpdate update;
  // What the decision rests on, and must be so still.
  std::optional<std::int64_t> judged_policy_version;
  std::optional<HeaderDigests> judged_headers;
  std::optional<SpentChallenge> challenge;  // one that must not have been spent
};

bool is_policy_name(std::string_view name);
bool is_resource_path(std::string_view path);

class StoreReader {
 public:
  StoreReader(Database& database, const Sealer& sealer) : database_(&database), sealer_(&sealer) {}

  // Error: not_found.
  [[nodiscard]] Result<StoredPolicy> policy(const std::string& name) const;
  [[nodiscard]] Result<std::vector<StoredPolicy>> policies() const;

  // Error: not_found.
  [[nodiscard]] Result<Resource> resource(const std::string& path) const;
  [[nodiscard]] Result<std::vector<Resource>> resources() const;
  // The current secret: the newest version. An older one never takes the place of one that
  // was revoked. Errors: not_found (no such resource), refused (revoked), mismatch (its blob
  // was changed).
  [[nodiscard]] Result<ResourceSecret> secret(const std::string& path) const;
  // Any version that was not revoked.
  [[nodiscard]] Result<ResourceSecret> secret(const std::string& path, std::int64_t version) const;

  // Errors: not_found, mismatch.
  [[nodiscard]] Result<NamedKey> named_key(const std::string& name) const;

  // Error: not_found.
  [[nodiscard]] Result<HostCertificateRule> host_certificate_rule(const std::string& policy) const;
  [[nodiscard]] Result<std::vector<HostCertificateRule>> host_certificate_rules() const;

  // Whether the challenge was answered before, as far as is known now: spend_challenge() decides.
  [[nodiscard]] Result<bool> challenge_spent(const FixedBytes<32>& id) const;

  // Whether our sealer has the key that everything is sealed under. Error: mismatch (attest-broker master-key replace).
  [[nodiscard]] Result<void> require_our_key() const;

  [[nodiscard]] Result<AuditHead> audit_head() const { return broker::audit_head(*database_); }
  [[nodiscard]] Result<std::vector<AuditRecord>> audit_records(std::int64_t from, std::int64_t count) const {
    return read_audit(*database_, from, count);
  }

 protected:
  [[nodiscard]] Result<std::vector<Resource>> find_resources(const std::string& path) const;
  Database* database_;
  const Sealer* sealer_;
};

// All of a job's writes come true together, or none does.
class StoreTransaction : public StoreReader {
 public:
  // In a Transaction, whose commit() is the caller's.
  StoreTransaction(Database& database, const Sealer& sealer) : StoreReader(database, sealer), audit_(database) {}

  // True the first time, in all brokers of a database. Who asks has made sure that the
  // challenge has not expired: forget_challenges() makes room for it again.
  Result<bool> spend_challenge(const SpentChallenge& challenge);
  // Those that expired over five minutes ago, so that brokers' clocks may differ by that.
  // How many.
  Result<std::uint64_t> forget_challenges(std::int64_t now);

  // The new version. Errors: usage (name), malformed (no UTF-8), out_of_range (over 256 KiB).
  Result<std::int64_t> put_policy(const std::string& name, const std::string& toml, std::int64_t at);
  // Errors: not_found, refused (a resource or a rule names it; says which).
  Result<void> remove_policy(const std::string& name, std::int64_t at);

  // A new resource, or a new version of the secret (and these settings) of the one that is
  // there; the version. Errors: usage (path), malformed (conditions), not_found (policy),
  // out_of_range (secret).
  Result<std::int64_t> put_resource(const ResourceSettings& settings, ByteView secret, std::int64_t at);
  // Only a new one, as an enrolment token allows. Errors: those, and refused (it is there).
  Result<void> create_resource(const ResourceSettings& settings, ByteView secret, std::int64_t at);
  // One version or, without, all. Error: not_found. What is revoked already stays so.
  Result<void> revoke_resource(const std::string& path, std::optional<std::int64_t> version, std::int64_t at);
  // With all versions of its secret and its volume's state. Error: not_found.
  Result<void> remove_resource(const std::string& path, std::int64_t at);
  // Errors: not_found, refused (a lower counter).
  Result<void> update_volume(const std::string& path, const VolumeUpdate& update);

  // Errors: usage, not_found (policy), refused (the same token again).
  Result<void> put_enrolment_token(const EnrolmentToken& token, std::int64_t at);
  // What the token allows. Errors: not_found, refused (used), expired.
  Result<EnrolmentToken> spend_enrolment_token(const Sha256Digest& digest, std::int64_t now);

  // The key of this name: ours, if there was none.
  Result<NamedKey> insert_key_if_absent(const std::string& name, const std::string& public_text, ByteView private_key);

  // Errors: usage, not_found (policy).
  Result<void> put_host_certificate_rule(const HostCertificateRule& rule);
  // Error: not_found.
  Result<void> remove_host_certificate_rule(const std::string& policy);

  // The record that it will be when the transaction is committed. Errors: those of AuditAppender.
  Result<AuditHead> append_audit(std::int64_t at, std::string body) { return audit_.append(at, std::move(body)); }

  // Whether the release may be, and all that follows from it. Nothing is written unless all
  // of it may be. Errors: not_found, refused (revoked; a lower counter; the challenge was
  // spent), changed (another version of the secret or the policy is current, or the headers
  // are others than those judged), malformed (audit body).
  Result<AuditHead> decide(const Release& release);

  // All secrets and private keys under `to` in place of our sealer's key. Error: mismatch.
  // Backups, and PostgreSQL's files for some time, still have what was sealed before.
  Result<void> reseal_all(const Sealer& to);

  // For who commits: the audit records, last of all.
  AuditAppender& audit() { return audit_; }

 private:
  Result<void> require_policy(const std::string& name) const;

  AuditAppender audit_;
};

}  // namespace attestd::broker
