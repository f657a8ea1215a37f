#include "broker/database.h"

#include "broker/database_internal.h"

namespace attestd::broker {

Result<std::unique_ptr<Database>> open_database(const std::string& url, const DatabaseOptions& options) {
  constexpr std::string_view sqlite_scheme = "sqlite:";
  if (url.starts_with(sqlite_scheme)) return open_sqlite(url.substr(sqlite_scheme.size()), options);
  if (url.starts_with("postgresql://") || url.starts_with("postgres://")) return open_postgresql(url, options);
  // The URL is not quoted: it may have a password in it.
  return fail(Errc::usage, "a database URL starts with sqlite:/ or postgresql://");
}

Error of_database(Error error) {
  switch (error.code) {
    case Errc::busy:
    case Errc::unavailable:
    case Errc::timed_out:
    case Errc::io: break;
    default: error.code = Errc::internal;
  }
  return error;
}

Result<Rows> Database::execute(const std::string& sql, const std::vector<Value>& parameters) {
  for (const Value& value : parameters) {
    const auto* const text = std::get_if<std::string>(&value);
    // PostgreSQL has no such character, and libpq would cut the text there.
    if (text != nullptr && text->find('\0') != std::string::npos) {
      return fail(Errc::usage, "a text for the database has a NUL character in it");
    }
  }
  return run(sql, parameters);
}

Result<Transaction> Transaction::begin(Database& database) {
  ATTESTD_CHECK(database.begin());
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) database_->rollback();
}

Result<void> Transaction::commit() {
  if (database_ == nullptr) return fail(Errc::internal, "a transaction is committed once");
  return std::exchange(database_, nullptr)->commit();
}

template <class T>
T RowReader::next() {
  const std::size_t at = position_++;
  if (at < row_->size()) {
    if (const T* const value = std::get_if<T>(&(*row_)[at])) return *value;
  }
  bad_ = true;
  return {};
}

template <class T>
std::optional<T> RowReader::next_optional() {
  if (position_ < row_->size() && std::holds_alternative<std::monostate>((*row_)[position_])) {
    ++position_;
    return std::nullopt;
  }
  return next<T>();
}

std::int64_t RowReader::integer() { return next<std::int64_t>(); }
std::string RowReader::text() { return next<std::string>(); }
Bytes RowReader::bytes() { return next<Bytes>(); }
std::optional<std::int64_t> RowReader::optional_integer() { return next_optional<std::int64_t>(); }
std::optional<std::string> RowReader::optional_text() { return next_optional<std::string>(); }
std::optional<Bytes> RowReader::optional_bytes() { return next_optional<Bytes>(); }

Result<void> RowReader::done(std::string_view what) const {
  if (!bad_ && position_ == row_->size()) return {};
  return fail(Errc::malformed,
              "the database holds a value of another type than its schema says, in " + std::string(what));
}

}  // namespace attestd::broker
