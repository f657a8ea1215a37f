#include "base/encoding.h"
#include "broker/store_rows_internal.h"
#include "evidence/json_internal.h"

namespace attestd::broker {
namespace {

constexpr std::size_t conditions_limit = std::size_t{64} << 10U;

// RFC 9562 section 4, as cryptsetup writes it: 8-4-4-4-12 digits, lower case.
bool is_uuid(std::string_view text) {
  constexpr std::string_view shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::ranges::equal(text, shape, [](char c, char expected) {
    return expected == '-' ? c == '-' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

Result<void> check_settings(const ResourceSettings& settings) {
  if (!is_resource_path(settings.path)) {
    return fail(Errc::usage, "a resource's path is REPOSITORY/TYPE/TAG, each 1 to 64 of A-Z a-z 0-9 . _ -");
  }
  if (settings.volume && !is_uuid(*settings.volume)) return fail(Errc::usage, "a volume is named by its LUKS UUID");
  if (!settings.conditions) return {};
  if (settings.conditions->size() > conditions_limit) {
    return fail(Errc::out_of_range, "a resource's conditions have at most 64 KiB");
  }
  auto json = parse_json(*settings.conditions);
  if (!json) return std::unexpected(std::move(json).error().in("a resource's conditions"));
  if (!json->is_object()) return fail(Errc::malformed, "a resource's conditions are a JSON object");
  return {};
}

Result<HeaderDigests> headers_of(const std::optional<Bytes>& header, const std::optional<Bytes>& next) {
  HeaderDigests out;
  ATTESTD_TRY(out.header, digest_from(header));
  ATTESTD_TRY(out.next_header, digest_from(next));
  return out;
}

// One row for each version; the resource is that of the row before, or a new one.
Result<void> add_row(std::vector<Resource>& out, const Row& columns) {
  RowReader row(columns);
  std::string path = row.text();
  const bool is_new = out.empty() || out.back().settings.path != path;
  Resource& resource = is_new ? out.emplace_back() : out.back();
  resource.settings.path = std::move(path);
  resource.settings.policy = row.text();
  resource.settings.volume = row.optional_text();
  resource.settings.conditions = row.optional_text();
  resource.created_at = row.integer();
  ResourceVersion version;
  version.version = row.integer();
  version.created_at = row.integer();
  version.revoked_at = row.optional_integer();
  const auto header = row.optional_bytes();
  const auto next = row.optional_bytes();
  resource.state.counter = row.integer();
  resource.state.last_release_at = row.optional_integer();
  resource.state.releases = row.integer();
  ATTESTD_CHECK(row.done("a resource"));
  ATTESTD_TRY(resource.state.headers, headers_of(header, next));
  resource.versions.push_back(version);
  return {};
}

std::unexpected<Error> revoked(const std::string& path, std::int64_t version, std::int64_t at) {
  return fail(Errc::refused, "version " + std::to_string(version) + " of the resource \"" + path +
                                 "\" was revoked at " + to_rfc3339(at));
}

// `row` has version, sealed, revoked_at.
Result<ResourceSecret> open_row(const Sealer& sealer, const std::string& path, const Row& columns) {
  RowReader row(columns);
  ResourceSecret out;
  out.version = row.integer();
  const Bytes sealed = row.bytes();
  const auto revoked_at = row.optional_integer();
  ATTESTD_CHECK(row.done("a resource"));
  if (revoked_at) return revoked(path, out.version, *revoked_at);
  ATTESTD_TRY(out.secret, sealer.open(resource_context(path, out.version), sealed));
  return out;
}

// What a release depends on.
struct Releasable {
  std::int64_t version = 0;
  std::optional<std::int64_t> revoked_at;
  std::int64_t policy_version = 0;
  HeaderDigests headers;
  std::int64_t counter = 0;
};

std::unexpected<Error> counter_goes_back(const std::string& path, std::int64_t from, std::int64_t to) {
  return fail(Errc::refused, "the counter of the resource \"" + path + "\" is at " + std::to_string(from) +
                                 " and does not go back to " + std::to_string(to));
}

// The state as it is to be, and one release more when there is a `released_at`.
Result<void> write_state(Database& database, const std::string& path, const Releasable& present,
                         const VolumeUpdate& update, std::optional<std::int64_t> released_at) {
  const HeaderDigests& headers = update.headers ? *update.headers : present.headers;
  const std::int64_t counter = update.counter ? *update.counter : present.counter;
  ATTESTD_TRY(const Rows done,
              database.execute("UPDATE volume_states SET counter = $2, header_sha256 = $3, next_header_sha256 = $4, "
                               "last_release_at = COALESCE($5, last_release_at), releases = releases + $6 "
                               "WHERE path = $1 AND counter <= $2",
                               {path, counter, value_of(headers.header), value_of(headers.next_header),
                                released_at ? Value(*released_at) : Value(), std::int64_t{released_at ? 1 : 0}}));
  if (done.changed != 1) return counter_goes_back(path, present.counter, counter);
  return {};
}

Result<Releasable> releasable(Database& database, const std::string& path) {
  ATTESTD_TRY(
      const Rows found,
      database.execute("SELECT v.version, v.revoked_at, p.version, s.header_sha256, s.next_header_sha256, s.counter "
                       "FROM resources r JOIN resource_versions v ON v.path = r.path AND "
                       "v.version = r.last_version JOIN volume_states s ON s.path = r.path "
                       "JOIN policies p ON p.name = r.policy WHERE r.path = $1 AND r.removed_at IS NULL",
                       {path}));
  if (found.rows.empty()) return no_resource(path);
  RowReader row(found.rows[0]);
  Releasable out;
  out.version = row.integer();
  out.revoked_at = row.optional_integer();
  out.policy_version = row.integer();
  const auto header = row.optional_bytes();
  const auto next = row.optional_bytes();
  out.counter = row.integer();
  ATTESTD_CHECK(row.done("a resource"));
  ATTESTD_TRY(out.headers, headers_of(header, next));
  return out;
}

}  // namespace

// Absent a path, all of them.
Result<std::vector<Resource>> StoreReader::find_resources(const std::string& path) const {
  const std::string sql =
      "SELECT r.path, r.policy, r.volume, r.conditions, r.created_at, v.version, v.created_at, v.revoked_at, "
      "s.header_sha256, s.next_header_sha256, s.counter, s.last_release_at, s.releases FROM resources r "
      "JOIN resource_versions v ON v.path = r.path JOIN volume_states s ON s.path = r.path "
      "WHERE r.removed_at IS NULL" +
      std::string(path.empty() ? "" : " AND r.path = $1") + " ORDER BY r.path, v.version";
  ATTESTD_TRY(const Rows found,
              database_->execute(sql, path.empty() ? std::vector<Value>{} : std::vector<Value>{path}));
  std::vector<Resource> out;
  for (const Row& row : found.rows) {
    ATTESTD_CHECK(add_row(out, row));
  }
  return out;
}

Result<std::vector<Resource>> StoreReader::resources() const { return find_resources({}); }

Result<Resource> StoreReader::resource(const std::string& path) const {
  if (path.empty()) return no_resource(path);
  ATTESTD_TRY(std::vector<Resource> found, find_resources(path));
  if (found.empty()) return no_resource(path);
  return std::move(found.front());
}

Result<ResourceSecret> StoreReader::secret(const std::string& path) const {
  ATTESTD_TRY(const Rows found,
              database_->execute("SELECT v.version, v.sealed, v.revoked_at FROM resources r JOIN resource_versions v "
                                 "ON v.path = r.path AND v.version = r.last_version "
                                 "WHERE r.path = $1 AND r.removed_at IS NULL",
                                 {path}));
  if (found.rows.empty()) return no_resource(path);
  return open_row(*sealer_, path, found.rows[0]);
}

Result<ResourceSecret> StoreReader::secret(const std::string& path, std::int64_t version) const {
  ATTESTD_TRY(const Rows found, database_->execute("SELECT version, sealed, revoked_at FROM resource_versions "
                                                   "WHERE path = $1 AND version = $2",
                                                   {path, version}));
  if (found.rows.empty()) {
    return fail(Errc::not_found, "there is no version " + std::to_string(version) + " of a resource \"" + path + "\"");
  }
  return open_row(*sealer_, path, found.rows[0]);
}

Result<std::int64_t> StoreTransaction::put_resource(const ResourceSettings& settings, ByteView secret,
                                                    std::int64_t at) {
  ATTESTD_CHECK(check_settings(settings));
  ATTESTD_CHECK(require_policy(settings.policy));
  ATTESTD_CHECK(require_our_key());
  ATTESTD_TRY(const Rows put,
              database_->execute(
                  "INSERT INTO resources (path, policy, volume, conditions, created_at, last_version) "
                  "VALUES ($1, $2, $3, $4, $5, 1) ON CONFLICT (path) DO UPDATE SET policy = excluded.policy, "
                  "volume = excluded.volume, conditions = excluded.conditions, "
                  "created_at = CASE WHEN resources.removed_at IS NULL THEN resources.created_at "
                  "ELSE excluded.created_at END, last_version = resources.last_version + 1, removed_at = NULL "
                  "RETURNING last_version",
                  {settings.path, settings.policy, value_of(settings.volume), value_of(settings.conditions), at}));
  if (put.rows.size() != 1) return fail(Errc::internal, "the database did not take a resource");
  RowReader row(put.rows[0]);
  const std::int64_t version = row.integer();
  ATTESTD_CHECK(row.done("a resource"));
  ATTESTD_TRY(const Bytes sealed, sealer_->seal(resource_context(settings.path, version), secret));
  ATTESTD_CHECK(
      database_->execute("INSERT INTO resource_versions (path, version, sealed, created_at) VALUES ($1, $2, $3, $4)",
                         {settings.path, version, sealed, at}));
  ATTESTD_CHECK(database_->execute(
      "INSERT INTO volume_states (path, counter, releases) VALUES ($1, 0, 0) ON CONFLICT (path) DO NOTHING",
      {settings.path}));
  return version;
}

Result<void> StoreTransaction::create_resource(const ResourceSettings& settings, ByteView secret, std::int64_t at) {
  ATTESTD_TRY(const Rows found,
              database_->execute("SELECT 1 FROM resources WHERE path = $1 AND removed_at IS NULL", {settings.path}));
  if (!found.rows.empty()) {
    return fail(Errc::refused, "there is a resource \"" + settings.path + "\" already");
  }
  ATTESTD_CHECK(put_resource(settings, secret, at));
  return {};
}

Result<void> StoreTransaction::revoke_resource(const std::string& path, std::optional<std::int64_t> version,
                                               std::int64_t at) {
  ATTESTD_TRY(const Resource present, resource(path));
  if (version && std::ranges::find(present.versions, *version, &ResourceVersion::version) == present.versions.end()) {
    return fail(Errc::not_found,
                "there is no version " + std::to_string(*version) + " of the resource \"" + path + "\"");
  }
  for (const ResourceVersion& each : present.versions) {
    if ((version && each.version != *version) || each.revoked_at) continue;
    ATTESTD_CHECK(database_->execute("UPDATE resource_versions SET revoked_at = $3 WHERE path = $1 AND version = $2",
                                     {path, each.version, at}));
  }
  return {};
}

Result<void> StoreTransaction::remove_resource(const std::string& path, std::int64_t at) {
  ATTESTD_TRY(const Rows done,
              database_->execute("UPDATE resources SET volume = NULL, conditions = NULL, removed_at = $2 "
                                 "WHERE path = $1 AND removed_at IS NULL",
                                 {path, at}));
  if (done.changed == 0) return no_resource(path);
  ATTESTD_CHECK(database_->execute("DELETE FROM resource_versions WHERE path = $1", {path}));
  ATTESTD_CHECK(database_->execute("DELETE FROM volume_states WHERE path = $1", {path}));
  // Tokens were for what was there: who has one may not decide of what comes after it.
  ATTESTD_CHECK(database_->execute("DELETE FROM enrolment_tokens WHERE path = $1 AND used_at IS NULL", {path}));
  return {};
}

Result<void> StoreTransaction::update_volume(const std::string& path, const VolumeUpdate& update) {
  ATTESTD_TRY(const Releasable present, releasable(*database_, path));
  return write_state(*database_, path, present, update, std::nullopt);
}

Result<AuditHead> StoreTransaction::decide(const Release& release) {
  ATTESTD_TRY(const Releasable present, releasable(*database_, release.path));
  if (present.version != release.version) {
    return fail(Errc::changed, "version " + std::to_string(present.version) + " of the resource \"" + release.path +
                                   "\" is current meanwhile");
  }
  if (present.revoked_at) return revoked(release.path, present.version, *present.revoked_at);
  if (release.judged_policy_version && *release.judged_policy_version != present.policy_version) {
    return fail(Errc::changed, "the policy of the resource \"" + release.path + "\" has changed meanwhile");
  }
  if (release.judged_headers && *release.judged_headers != present.headers) {
    return fail(Errc::changed, "the resource \"" + release.path + "\" has another LUKS header meanwhile");
  }
  // Two releases at once may have been judged by the same state: the second must not pass by the same counter.
  if (release.update.counter && *release.update.counter <= present.counter) {
    return counter_goes_back(release.path, present.counter, *release.update.counter);
  }
  const std::size_t mark = audit_.mark();
  ATTESTD_TRY(const AuditHead record, audit_.append(release.at, release.audit_body));
  const auto write = [&]() -> Result<void> {
    if (release.challenge) {
      ATTESTD_TRY(const bool first, spend_challenge(*release.challenge));
      if (!first) return fail(Errc::refused, "the challenge was answered before");
    }
    return write_state(*database_, release.path, present, release.update, release.at);
  };
  if (auto written = write(); !written) {
    audit_.forget_since(mark);
    return std::unexpected(std::move(written).error());
  }
  return record;
}

}  // namespace attestd::broker
