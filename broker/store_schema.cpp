#include "broker/store_schema.h"

namespace attestd::broker {
namespace {

// BYTEA and BIGINT are names that SQLite takes as it takes any.
const std::vector<std::string>& tables_of_version_1() {
  static const std::vector<std::string> statements = {
      R"(CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL))",

      R"(CREATE TABLE challenges (id BYTEA PRIMARY KEY CHECK (length(id) = 32), expires_at BIGINT NOT NULL))",
      R"(CREATE INDEX challenges_expires_at ON challenges (expires_at))",

      // What was removed keeps its row, so that no version is ever given twice.
      R"(CREATE TABLE policies (
           name TEXT PRIMARY KEY, toml TEXT NOT NULL, version BIGINT NOT NULL, created_at BIGINT NOT NULL,
           removed_at BIGINT))",

      R"(CREATE TABLE resources (
           path TEXT PRIMARY KEY, policy TEXT NOT NULL REFERENCES policies (name), volume TEXT, conditions TEXT,
           created_at BIGINT NOT NULL, last_version BIGINT NOT NULL, removed_at BIGINT))",
      R"(CREATE INDEX resources_policy ON resources (policy))",
      R"(CREATE TABLE resource_versions (
           path TEXT NOT NULL REFERENCES resources (path), version BIGINT NOT NULL, sealed BYTEA NOT NULL,
           created_at BIGINT NOT NULL, revoked_at BIGINT, PRIMARY KEY (path, version)))",
      R"(CREATE TABLE volume_states (
           path TEXT PRIMARY KEY REFERENCES resources (path),
           header_sha256 BYTEA CHECK (length(header_sha256) = 32),
           next_header_sha256 BYTEA CHECK (length(next_header_sha256) = 32),
           counter BIGINT NOT NULL CHECK (counter >= 0), last_release_at BIGINT, releases BIGINT NOT NULL))",

      R"(CREATE TABLE enrolment_tokens (
           digest BYTEA PRIMARY KEY CHECK (length(digest) = 32), path TEXT NOT NULL,
           policy TEXT NOT NULL REFERENCES policies (name), created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
           used_at BIGINT))",

      R"(CREATE TABLE named_keys (name TEXT PRIMARY KEY, public_text TEXT NOT NULL, sealed BYTEA NOT NULL))",

      R"(CREATE TABLE host_certificate_rules (
           policy TEXT PRIMARY KEY REFERENCES policies (name), principals TEXT NOT NULL,
           validity_s BIGINT NOT NULL CHECK (validity_s > 0)))",

      R"(CREATE TABLE audit (
           seq BIGINT PRIMARY KEY CHECK (seq > 0), at BIGINT NOT NULL, body TEXT NOT NULL,
           digest BYTEA NOT NULL CHECK (length(digest) = 32)))",
      R"(CREATE TABLE audit_head (
           id BIGINT PRIMARY KEY CHECK (id = 1), seq BIGINT NOT NULL,
           digest BYTEA NOT NULL CHECK (length(digest) = 32)))",
  };
  return statements;
}

// Against accidents: who owns the database can drop a trigger, and verify_chain() is for that.
// INSERT OR REPLACE deletes without asking the trigger for DELETE, hence the one for INSERT.
const std::vector<std::string>& sqlite_of_version_1() {
  static const std::vector<std::string> statements = {
      R"(INSERT INTO audit_head (id, seq, digest) VALUES (1, 0, zeroblob(32)))",
      R"(CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
         BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END)",
      R"(CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
         BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END)",
      R"(CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
         WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq)
         BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END)",
      R"(CREATE TRIGGER audit_head_grows BEFORE UPDATE ON audit_head WHEN NEW.seq <= OLD.seq
         BEGIN SELECT RAISE(ABORT, 'the head of the audit log only goes on'); END)",
      R"(CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
         BEGIN SELECT RAISE(ABORT, 'the head of the audit log only goes on'); END)",
      R"(CREATE TRIGGER audit_head_is_one BEFORE INSERT ON audit_head
         BEGIN SELECT RAISE(ABORT, 'the head of the audit log only goes on'); END)",
  };
  return statements;
}

const std::vector<std::string>& postgresql_of_version_1() {
  static const std::vector<std::string> statements = {
      R"(INSERT INTO audit_head (id, seq, digest) VALUES (1, 0, decode(repeat('00', 32), 'hex')))",
      R"(CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
         'BEGIN RAISE EXCEPTION ''the audit log is append-only''; END')",
      R"(CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit
         FOR EACH ROW EXECUTE FUNCTION audit_append_only())",
      R"(CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
         FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only())",
      R"(CREATE TRIGGER audit_head_grows BEFORE UPDATE ON audit_head
         FOR EACH ROW WHEN (NEW.seq <= OLD.seq) EXECUTE FUNCTION audit_append_only())",
      R"(CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
         FOR EACH ROW EXECUTE FUNCTION audit_append_only())",
      R"(CREATE TRIGGER audit_head_no_truncate BEFORE TRUNCATE ON audit_head
         FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only())",
  };
  return statements;
}

Result<std::int64_t> version_of(Database& database) {
  ATTESTD_TRY(const Rows found, database.execute("SELECT COALESCE(MAX(version), 0) FROM schema_versions"));
  if (found.rows.size() != 1) return fail(Errc::malformed, "the database does not tell its schema's version");
  RowReader row(found.rows[0]);
  const std::int64_t version = row.integer();
  ATTESTD_CHECK(row.done("schema_versions"));
  return version;
}

// One migration more, unless there is none.
Result<bool> step(Database& database, std::span<const Migration> migrations, std::int64_t now) {
  ATTESTD_TRY(Transaction transaction, Transaction::begin(database));
  ATTESTD_CHECK(database.execute(
      "CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY, applied_at BIGINT NOT NULL)"));
  ATTESTD_TRY(const std::int64_t version, version_of(database));
  const auto ours = static_cast<std::int64_t>(migrations.size());
  if (version > ours) {
    return fail(Errc::unsupported, "the database has schema version " + std::to_string(version) +
                                       ", made by a newer attest-brokerd; this one knows " + std::to_string(ours));
  }
  if (version == ours) return false;
  const Migration& next = migrations[static_cast<std::size_t>(version)];
  const auto& own = database.dialect() == Dialect::sqlite ? next.sqlite : next.postgresql;
  for (const auto* const statements : {&next.both, &own}) {
    for (const std::string& statement : *statements) {
      ATTESTD_CHECK(database.execute(statement));
    }
  }
  ATTESTD_CHECK(
      database.execute("INSERT INTO schema_versions (version, applied_at) VALUES ($1, $2)", {version + 1, now}));
  ATTESTD_CHECK(transaction.commit());
  return true;
}

}  // namespace

const std::vector<Migration>& store_migrations() {
  static const std::vector<Migration> migrations = {
      {tables_of_version_1(), sqlite_of_version_1(), postgresql_of_version_1()},
  };
  return migrations;
}

Result<void> migrate(Database& database, std::span<const Migration> migrations, std::int64_t now) {
  for (;;) {
    auto more = step(database, migrations, now);
    if (!more) return std::unexpected(std::move(more).error().in("the database's schema"));
    if (!*more) return {};
  }
}

}  // namespace attestd::broker
