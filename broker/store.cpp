#include "broker/store.h"

#include "base/encoding.h"
#include "broker/store_schema.h"

namespace attestd::broker {
namespace {

// The master key that a store was made with, or last sealed anew for.
Result<std::string> key_of(Database& database) {
  ATTESTD_TRY(const Rows found, database.execute("SELECT value FROM settings WHERE name = 'master_key_id'"));
  if (found.rows.size() != 1) return fail(Errc::malformed, "the database does not tell its master key");
  RowReader row(found.rows[0]);
  std::string id = row.text();
  ATTESTD_CHECK(row.done("the settings"));
  return id;
}

Result<void> require_key(Database& database, const Sealer& sealer) {
  ATTESTD_TRY(const std::string theirs, key_of(database));
  const std::string ours = to_hex(sealer.key_id());
  if (theirs == ours) return {};
  return fail(Errc::mismatch, "the database was sealed with the master key " + theirs + ", and ours is " + ours +
                                  ": a broker needs the key of its database, and a restart for it");
}

}  // namespace

Result<void> StoreReader::require_our_key() const { return require_key(*database_, *sealer_); }

Result<std::unique_ptr<Store>> Store::open(const std::string& url, Sealer sealer, std::int64_t now,
                                           const StoreOptions& options) {
  std::unique_ptr<Store> store(new Store(url, std::move(sealer), options));
  ATTESTD_CHECK(store->prepare(now));
  return store;
}

Result<void> Store::prepare(std::int64_t now) {
  ATTESTD_TRY(const DatabasePool::Lease database, pool_.take());
  ATTESTD_CHECK(migrate(*database, store_migrations(), now));
  ATTESTD_CHECK(
      database->execute("INSERT INTO settings (name, value) VALUES ('master_key_id', $1) "
                        "ON CONFLICT (name) DO NOTHING",
                        {to_hex(sealer_.key_id())}));
  return require_key(*database, sealer_);
}

Result<void> Store::read(const std::function<Result<void>(const StoreReader&)>& job) {
  for (bool again = true;; again = false) {
    const auto database = pool_.take();
    if (!database) return std::unexpected(of_database(database.error()));
    const StoreReader reader(**database, sealer_);
    auto done = reader.require_our_key();
    if (done) done = job(reader);
    if (done || done.error().code != Errc::unavailable || !again) return done;
  }
}

Result<bool> Store::spend_challenge(const SpentChallenge& challenge) {
  bool first = false;
  ATTESTD_CHECK(write([&](StoreTransaction& transaction) -> Result<void> {
    ATTESTD_TRY(first, transaction.spend_challenge(challenge));
    return {};
  }));
  return first;
}

Result<AuditHead> Store::decide(const Release& release) {
  AuditHead record;
  ATTESTD_CHECK(write([&](StoreTransaction& transaction) -> Result<void> {
    ATTESTD_TRY(record, transaction.decide(release));
    return {};
  }));
  return record;
}

Result<AuditHead> Store::append_audit(std::int64_t at, const std::string& body) {
  AuditHead record;
  ATTESTD_CHECK(write([&](StoreTransaction& transaction) -> Result<void> {
    ATTESTD_TRY(record, transaction.append_audit(at, body));
    return {};
  }));
  return record;
}

Result<ChainCheck> Store::verify_chain(std::int64_t from, const std::optional<Sha256Digest>& before) {
  ATTESTD_TRY(const DatabasePool::Lease database, pool_.take());
  return broker::verify_chain(*database, from, before);
}

Result<void> Store::reseal_all(const Sealer& to) {
  return write([&](StoreTransaction& transaction) { return transaction.reseal_all(to); });
}

}  // namespace attestd::broker
