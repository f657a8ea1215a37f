#include "broker/store_transaction.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "broker/store_rows_internal.h"
#include "evidence/json_internal.h"
#include "evidence/json_strict.h"

namespace attestd::broker {
namespace {

constexpr std::size_t name_limit = 64;
constexpr std::size_t policy_limit = std::size_t{256} << 10U;
constexpr std::size_t principals_limit = 64;
constexpr std::size_t principal_limit = 255;
constexpr std::int64_t clock_tolerance_s = 300;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

bool is_name(std::string_view name, bool upper) {
  const auto is_first = [&](char c) { return is_lower(c) || is_digit(c) || (upper && is_upper(c)); };
  return !name.empty() && name.size() <= name_limit && is_first(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return is_first(c) || c == '.' || c == '_' || c == '-'; });
}

Result<StoredPolicy> policy_of(const Row& columns) {
  RowReader row(columns);
  StoredPolicy out;
  out.name = row.text();
  out.toml = row.text();
  out.version = row.integer();
  out.created_at = row.integer();
  ATTESTD_CHECK(row.done("a policy"));
  return out;
}

bool is_principal(std::string_view text) {
  constexpr char first_visible = 0x21;
  constexpr char last_visible = 0x7e;
  return !text.empty() && text.size() <= principal_limit &&
         std::ranges::all_of(text, [](char c) { return c >= first_visible && c <= last_visible && c != ','; });
}

Result<HostCertificateRule> rule_of(const Row& columns) {
  RowReader row(columns);
  HostCertificateRule out;
  out.policy = row.text();
  const std::string principals = row.text();
  out.validity_s = row.integer();
  ATTESTD_CHECK(row.done("a rule for host certificates"));
  ATTESTD_TRY(const boost::json::value json, parse_json(principals));
  const auto* const names = json.if_array();
  if (names == nullptr) return fail(Errc::malformed, "the principals of a rule for host certificates are no array");
  for (const auto& name : *names) {
    const auto* const text = name.if_string();
    if (text == nullptr || !is_principal(*text)) {
      return fail(Errc::malformed, "a rule for host certificates has a principal that is none");
    }
    out.principals.emplace_back(*text);
  }
  return out;
}

constexpr const char* select_policies = "SELECT name, toml, version, created_at FROM policies WHERE removed_at IS NULL";

}  // namespace

bool is_policy_name(std::string_view name) { return is_name(name, false); }

bool is_resource_path(std::string_view path) {
  const std::size_t first = path.find('/');
  if (first == std::string_view::npos) return false;
  const std::size_t second = path.find('/', first + 1);
  return second != std::string_view::npos && is_name(path.substr(0, first), true) &&
         is_name(path.substr(first + 1, second - first - 1), true) && is_name(path.substr(second + 1), true);
}

Result<StoredPolicy> StoreReader::policy(const std::string& name) const {
  ATTESTD_TRY(const Rows found, database_->execute(std::string(select_policies) + " AND name = $1", {name}));
  if (found.rows.empty()) return no_policy(name);
  return policy_of(found.rows[0]);
}

Result<std::vector<StoredPolicy>> StoreReader::policies() const {
  ATTESTD_TRY(const Rows found, database_->execute(std::string(select_policies) + " ORDER BY name"));
  std::vector<StoredPolicy> out;
  for (const Row& row : found.rows) {
    ATTESTD_TRY(out.emplace_back(), policy_of(row));
  }
  return out;
}

Result<NamedKey> StoreReader::named_key(const std::string& name) const {
  ATTESTD_TRY(const Rows found,
              database_->execute("SELECT public_text, sealed FROM named_keys WHERE name = $1", {name}));
  if (found.rows.empty()) return fail(Errc::not_found, "there is no key \"" + name + "\"");
  RowReader row(found.rows[0]);
  NamedKey out;
  out.public_text = row.text();
  const Bytes sealed = row.bytes();
  ATTESTD_CHECK(row.done("a named key"));
  ATTESTD_TRY(out.private_key, sealer_->open(key_context(name), sealed));
  return out;
}

Result<HostCertificateRule> StoreReader::host_certificate_rule(const std::string& policy) const {
  ATTESTD_TRY(const Rows found,
              database_->execute("SELECT policy, principals, validity_s FROM host_certificate_rules WHERE policy = $1",
                                 {policy}));
  if (found.rows.empty())
    return fail(Errc::not_found, "no rule for host certificates names the policy \"" + policy + "\"");
  return rule_of(found.rows[0]);
}

Result<std::vector<HostCertificateRule>> StoreReader::host_certificate_rules() const {
  ATTESTD_TRY(const Rows found,
              database_->execute("SELECT policy, principals, validity_s FROM host_certificate_rules ORDER BY policy"));
  std::vector<HostCertificateRule> out;
  for (const Row& row : found.rows) {
    ATTESTD_TRY(out.emplace_back(), rule_of(row));
  }
  return out;
}

Result<bool> StoreReader::challenge_spent(const FixedBytes<32>& id) const {
  ATTESTD_TRY(const Rows found, database_->execute("SELECT 1 FROM challenges WHERE id = $1", {to_bytes(id)}));
  return !found.rows.empty();
}

Result<bool> StoreTransaction::spend_challenge(const SpentChallenge& challenge) {
  ATTESTD_TRY(const Rows done, database_->execute("INSERT INTO challenges (id, expires_at) VALUES ($1, $2) "
                                                  "ON CONFLICT (id) DO NOTHING",
                                                  {to_bytes(challenge.id), challenge.expires_at}));
  return done.changed == 1;
}

Result<std::uint64_t> StoreTransaction::forget_challenges(std::int64_t now) {
  ATTESTD_TRY(const Rows done,
              database_->execute("DELETE FROM challenges WHERE expires_at < $1", {now - clock_tolerance_s}));
  return done.changed;
}

Result<std::int64_t> StoreTransaction::put_policy(const std::string& name, const std::string& toml, std::int64_t at) {
  if (!is_policy_name(name)) return fail(Errc::usage, "a policy's name has 1 to 64 of a-z 0-9 . _ -");
  if (toml.size() > policy_limit) return fail(Errc::out_of_range, "a policy has at most 256 KiB");
  if (to_valid_utf8(toml) != toml) return fail(Errc::malformed, "a policy is UTF-8");
  ATTESTD_TRY(
      const Rows put,
      database_->execute("INSERT INTO policies (name, toml, version, created_at) VALUES ($1, $2, 1, $3) "
                         "ON CONFLICT (name) DO UPDATE SET toml = excluded.toml, version = policies.version + 1, "
                         "created_at = excluded.created_at, removed_at = NULL RETURNING version",
                         {name, toml, at}));
  if (put.rows.size() != 1) return fail(Errc::internal, "the database did not take a policy");
  RowReader row(put.rows[0]);
  const std::int64_t version = row.integer();
  ATTESTD_CHECK(row.done("a policy"));
  return version;
}

Result<void> StoreTransaction::remove_policy(const std::string& name, std::int64_t at) {
  ATTESTD_TRY(const Rows used, database_->execute("SELECT path FROM resources WHERE policy = $1 AND removed_at IS NULL "
                                                  "ORDER BY path LIMIT 1",
                                                  {name}));
  if (!used.rows.empty()) {
    RowReader row(used.rows[0]);
    return fail(Errc::refused, "the resource \"" + row.text() + "\" names the policy \"" + name + "\"");
  }
  ATTESTD_TRY(const Rows ruled, database_->execute("SELECT 1 FROM host_certificate_rules WHERE policy = $1", {name}));
  if (!ruled.rows.empty()) {
    return fail(Errc::refused, "a rule for host certificates names the policy \"" + name + "\"");
  }
  ATTESTD_TRY(const Rows done,
              database_->execute(
                  "UPDATE policies SET toml = '', removed_at = $2 WHERE name = $1 AND removed_at IS NULL", {name, at}));
  if (done.changed == 0) return no_policy(name);
  return {};
}

Result<void> StoreTransaction::require_policy(const std::string& name) const {
  ATTESTD_TRY(const Rows found,
              database_->execute("SELECT 1 FROM policies WHERE name = $1 AND removed_at IS NULL", {name}));
  if (found.rows.empty()) return no_policy(name);
  return {};
}

Result<void> StoreTransaction::put_enrolment_token(const EnrolmentToken& token, std::int64_t at) {
  if (!is_resource_path(token.path)) return fail(Errc::usage, "a resource's path is REPOSITORY/TYPE/TAG");
  ATTESTD_CHECK(require_policy(token.policy));
  ATTESTD_TRY(const Rows done,
              database_->execute("INSERT INTO enrolment_tokens (digest, path, policy, created_at, expires_at) "
                                 "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (digest) DO NOTHING",
                                 {to_bytes(token.digest), token.path, token.policy, at, token.expires_at}));
  if (done.changed != 1) return fail(Errc::refused, "there is such an enrolment token already");
  return {};
}

Result<EnrolmentToken> StoreTransaction::spend_enrolment_token(const Sha256Digest& digest, std::int64_t now) {
  ATTESTD_TRY(const Rows found,
              database_->execute("SELECT path, policy, expires_at, used_at FROM enrolment_tokens WHERE digest = $1",
                                 {to_bytes(digest)}));
  if (found.rows.empty()) return fail(Errc::not_found, "there is no such enrolment token");
  RowReader row(found.rows[0]);
  EnrolmentToken out;
  out.digest = digest;
  out.path = row.text();
  out.policy = row.text();
  out.expires_at = row.integer();
  const auto used_at = row.optional_integer();
  ATTESTD_CHECK(row.done("an enrolment token"));
  if (used_at) return fail(Errc::refused, "the enrolment token was used at " + to_rfc3339(*used_at));
  if (out.expires_at <= now) return fail(Errc::expired, "the enrolment token expired at " + to_rfc3339(out.expires_at));
  ATTESTD_TRY(const Rows done,
              database_->execute("UPDATE enrolment_tokens SET used_at = $2 WHERE digest = $1 AND used_at IS NULL",
                                 {to_bytes(digest), now}));
  if (done.changed != 1) return fail(Errc::refused, "the enrolment token was used");
  return out;
}

Result<NamedKey> StoreTransaction::insert_key_if_absent(const std::string& name, const std::string& public_text,
                                                        ByteView private_key) {
  if (!is_policy_name(name)) return fail(Errc::usage, "a key's name has 1 to 64 of a-z 0-9 . _ -");
  if (to_valid_utf8(public_text) != public_text) return fail(Errc::malformed, "the text of a public key is UTF-8");
  ATTESTD_CHECK(require_our_key());
  ATTESTD_TRY(const Bytes sealed, sealer_->seal(key_context(name), private_key));
  ATTESTD_CHECK(
      database_->execute("INSERT INTO named_keys (name, public_text, sealed) VALUES ($1, $2, $3) "
                         "ON CONFLICT (name) DO NOTHING",
                         {name, public_text, sealed}));
  return named_key(name);
}

Result<void> StoreTransaction::put_host_certificate_rule(const HostCertificateRule& rule) {
  if (rule.principals.empty() || rule.principals.size() > principals_limit ||
      !std::ranges::all_of(rule.principals, is_principal)) {
    return fail(Errc::usage, "a rule for host certificates has 1 to 64 principals, without blanks and commas");
  }
  if (rule.validity_s <= 0) return fail(Errc::usage, "host certificates are valid for a second at least");
  ATTESTD_CHECK(require_policy(rule.policy));
  const boost::json::array principals(rule.principals.begin(), rule.principals.end());
  ATTESTD_CHECK(
      database_->execute("INSERT INTO host_certificate_rules (policy, principals, validity_s) VALUES ($1, $2, $3) "
                         "ON CONFLICT (policy) DO UPDATE SET principals = excluded.principals, "
                         "validity_s = excluded.validity_s",
                         {rule.policy, boost::json::serialize(principals), rule.validity_s}));
  return {};
}

Result<void> StoreTransaction::remove_host_certificate_rule(const std::string& policy) {
  ATTESTD_TRY(const Rows done, database_->execute("DELETE FROM host_certificate_rules WHERE policy = $1", {policy}));
  if (done.changed == 0)
    return fail(Errc::not_found, "no rule for host certificates names the policy \"" + policy + "\"");
  return {};
}

}  // namespace attestd::broker
