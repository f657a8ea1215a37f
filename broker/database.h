// SQLite and PostgreSQL behind one small seam: SQL that both understand, values, and
// transactions that are alone. Calls block; a Database belongs to one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"

namespace attestd::broker {

// Null, an integer, UTF-8 text without U+0000, or bytes.
using Value = std::variant<std::monostate, std::int64_t, std::string, Bytes>;
using Row = std::vector<Value>;

struct Rows {
  std::vector<Row> rows;
  std::uint64_t changed = 0;  // rows inserted, updated or deleted
};

enum class Dialect { sqlite, postgresql };

struct DatabaseOptions {
  std::chrono::milliseconds lock_timeout{5000};        // for another's lock; then Errc::busy
  std::chrono::milliseconds statement_timeout{10000};  // PostgreSQL; then Errc::timed_out
  std::chrono::seconds connect_timeout{5};             // PostgreSQL, unless the URL has its own
};

// The errors of all calls, so that a caller knows what to do:
//   busy         another has the lock, or the server chose us to end a deadlock: nothing was
//                done, try again
//   unavailable  no connection, or it was lost before COMMIT was sent: nothing was done, try
//                again; the next call connects anew
//   timed_out    the statement took longer than it may
//   internal     a constraint or a trigger of the schema, a right that we lack: the operator's to mend
//   io           the disk, or a COMMIT whose outcome is unknown: do not take it as done, and
//                do not repeat it blindly
// A message never has a password or a value of a row in it.
class Database {
 public:
  virtual ~Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // One statement with its parameters $1, $2, …, each used. Errors: those above, and usage
  // (a wrong number of parameters, U+0000 in a text).
  Result<Rows> execute(const std::string& sql, const std::vector<Value>& parameters = {});

  [[nodiscard]] virtual Dialect dialect() const = 0;
  // Rows changed since it was opened: whether something was written between two looks.
  [[nodiscard]] virtual std::uint64_t changes() const = 0;
  // Inside a transaction that can still be committed.
  [[nodiscard]] virtual bool in_transaction() const = 0;
  // As far as can be told without asking the server: whether it still has its connection.
  [[nodiscard]] virtual bool usable() = 0;

 protected:
  Database() = default;

 private:
  friend class Transaction;
  virtual Result<Rows> run(const std::string& sql, const std::vector<Value>& parameters) = 0;
  virtual Result<void> begin() = 0;
  virtual Result<void> commit() = 0;
  virtual void rollback() = 0;
};

// "sqlite:/var/lib/attest-broker/broker.db" or a URI of libpq ("postgresql://…"). SQLite's
// file is made with mode 0600 where it is missing. Sessions of PostgreSQL have settings and
// prepared statements: no pooler that shares them out by transaction stands between. Errors: usage (any other URL),
// permission (others may write to the file's folder, or may read or write the file), unsupported (a server older than
// PostgreSQL 15, or not in UTF-8), and those of Database.
Result<std::unique_ptr<Database>> open_database(const std::string& url, const DatabaseOptions& options = {});

// As callers of a store see an error of its database: busy, unavailable, timed_out, io or, whatever else it was,
// internal. So that nobody takes a folder that is gone for a resource that is not there.
Error of_database(Error error);

// A transaction that writes. One at a time in a database, whoever asks: SQLite's BEGIN
// IMMEDIATE, and in PostgreSQL an advisory lock that all our transactions take first. Every
// statement then sees all that was committed before, which is why READ COMMITTED is enough
// there: what SERIALIZABLE would find out and refuse cannot happen, and one audit chain lets
// nothing run in parallel anyway. Single statements outside a transaction do not wait for it.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  // Rolls back what was not committed.
  ~Transaction();

  // Durable when it succeeds. Whatever the result, the transaction is over.
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

// Takes a row apart from left to right. The first value of another type makes done() an
// error: SQLite keeps what it is given, and a file may have been edited.
class RowReader {
 public:
  explicit RowReader(const Row& row) : row_(&row) {}
  std::int64_t integer();
  std::string text();
  Bytes bytes();
  std::optional<std::int64_t> optional_integer();
  std::optional<std::string> optional_text();
  std::optional<Bytes> optional_bytes();
  // Error: malformed; `what` was read from.
  [[nodiscard]] Result<void> done(std::string_view what) const;

 private:
  template <class T>
  T next();
  template <class T>
  std::optional<T> next_optional();

  const Row* row_;
  std::size_t position_ = 0;
  bool bad_ = false;
};

}  // namespace attestd::broker
