#include "base/encoding.h"
#include "broker/store_rows_internal.h"

namespace attestd::broker {
namespace {

// A blob of at most 1 MiB each, so few at a time.
constexpr std::int64_t piece = 64;

Result<Bytes> resealed(const Sealer& from, const Sealer& to, const SealContext& context, ByteView sealed) {
  auto secret = from.open(context, sealed);
  if (!secret) return std::unexpected(std::move(secret).error().in(context.what + " \"" + context.name + "\""));
  return to.seal(context, secret->view());
}

Result<void> reseal_resources(Database& database, const Sealer& from, const Sealer& to) {
  std::string path;
  std::int64_t version = 0;
  for (;;) {
    ATTESTD_TRY(const Rows found,
                database.execute("SELECT path, version, sealed FROM resource_versions WHERE path > $1 OR "
                                 "(path = $1 AND version > $2) ORDER BY path, version LIMIT $3",
                                 {path, version, piece}));
    if (found.rows.empty()) return {};
    for (const Row& columns : found.rows) {
      RowReader row(columns);
      path = row.text();
      version = row.integer();
      const Bytes sealed = row.bytes();
      ATTESTD_CHECK(row.done("a resource"));
      ATTESTD_TRY(const Bytes anew, resealed(from, to, resource_context(path, version), sealed));
      ATTESTD_CHECK(database.execute("UPDATE resource_versions SET sealed = $3 WHERE path = $1 AND version = $2",
                                     {path, version, anew}));
    }
  }
}

Result<void> reseal_keys(Database& database, const Sealer& from, const Sealer& to) {
  ATTESTD_TRY(const Rows found, database.execute("SELECT name, sealed FROM named_keys"));
  for (const Row& columns : found.rows) {
    RowReader row(columns);
    const std::string name = row.text();
    const Bytes sealed = row.bytes();
    ATTESTD_CHECK(row.done("a named key"));
    ATTESTD_TRY(const Bytes anew, resealed(from, to, key_context(name), sealed));
    ATTESTD_CHECK(database.execute("UPDATE named_keys SET sealed = $2 WHERE name = $1", {name, anew}));
  }
  return {};
}

}  // namespace

Result<void> StoreTransaction::reseal_all(const Sealer& to) {
  ATTESTD_CHECK(require_our_key());
  ATTESTD_CHECK(reseal_resources(*database_, *sealer_, to));
  ATTESTD_CHECK(reseal_keys(*database_, *sealer_, to));
  ATTESTD_CHECK(
      database_->execute("UPDATE settings SET value = $1 WHERE name = 'master_key_id'", {to_hex(to.key_id())}));
  return {};
}

}  // namespace attestd::broker
