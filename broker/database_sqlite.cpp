#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "broker/database_internal.h"

namespace attestd::broker {
namespace {

// https://www.sqlite.org/rescode.html
Errc code_of(int status) {
  switch (status & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Errc::busy;
    case SQLITE_INTERRUPT: return Errc::timed_out;
    case SQLITE_NOTADB: return Errc::malformed;
    // Never what the store's operations call a refusal of theirs.
    case SQLITE_CONSTRAINT:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
    case SQLITE_ERROR:
    case SQLITE_RANGE:
    case SQLITE_MISUSE: return Errc::internal;
    default: return Errc::io;
  }
}

std::unexpected<Error> failure(sqlite3* handle, int status, std::string_view attempt) {
  return fail(code_of(status), std::string(attempt) + ": " + sqlite3_errmsg(handle));
}

class SqliteDatabase final : public Database {
 public:
  explicit SqliteDatabase(SqliteHandle handle) : handle_(std::move(handle)) {}

  [[nodiscard]] Dialect dialect() const override { return Dialect::sqlite; }
  [[nodiscard]] std::uint64_t changes() const override {
    return static_cast<std::uint64_t>(sqlite3_total_changes64(handle_.get()));
  }
  [[nodiscard]] bool in_transaction() const override { return sqlite3_get_autocommit(handle_.get()) == 0; }
  [[nodiscard]] bool usable() override { return true; }

 private:
  Result<Rows> run(const std::string& sql, const std::vector<Value>& parameters) override;
  Result<void> begin() override { return simple("BEGIN IMMEDIATE"); }
  Result<void> commit() override;
  void rollback() override {
    if (in_transaction()) static_cast<void>(simple("ROLLBACK"));
  }

  Result<void> simple(const std::string& sql) {
    ATTESTD_CHECK(run(sql, {}));
    return {};
  }
  Result<sqlite3_stmt*> prepared(const std::string& sql);
  Result<void> bind(sqlite3_stmt* statement, const std::vector<Value>& parameters);

  SqliteHandle handle_;
  std::map<std::string, SqliteStatement, std::less<>> statements_;  // goes before the handle
};

Result<sqlite3_stmt*> SqliteDatabase::prepared(const std::string& sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return found->second.get();
  if (statements_.size() >= statement_cache_limit) statements_.clear();
  sqlite3_stmt* made = nullptr;
  const int status = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &made, nullptr);
  SqliteStatement statement(made);
  if (status != SQLITE_OK) return failure(handle_.get(), status, "SQLite does not take a statement");
  return statements_.emplace(sql, std::move(statement)).first->second.get();
}

// To SQLite "$1" is a name; its indices count first appearances.
Result<void> SqliteDatabase::bind(sqlite3_stmt* statement, const std::vector<Value>& parameters) {
  if (sqlite3_bind_parameter_count(statement) != static_cast<int>(parameters.size())) {
    return fail(Errc::usage, "a statement has another number of parameters than it is given");
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const int index = sqlite3_bind_parameter_index(statement, ("$" + std::to_string(i + 1)).c_str());
    if (index == 0) return fail(Errc::usage, "a statement does not use $" + std::to_string(i + 1));
    int status = SQLITE_OK;
    if (const auto* const integer = std::get_if<std::int64_t>(&parameters[i])) {
      status = sqlite3_bind_int64(statement, index, *integer);
    } else if (const auto* const text = std::get_if<std::string>(&parameters[i])) {
      status = sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
    } else if (const auto* const bytes = std::get_if<Bytes>(&parameters[i])) {
      // A null pointer would bind null.
      status = bytes->empty() ? sqlite3_bind_zeroblob(statement, index, 0)
                              : sqlite3_bind_blob64(statement, index, bytes->data(), bytes->size(), SQLITE_STATIC);
    } else {
      status = sqlite3_bind_null(statement, index);
    }
    if (status != SQLITE_OK) return failure(handle_.get(), status, "SQLite does not take a parameter");
  }
  return {};
}

Value column(sqlite3_stmt* statement, int index) {
  const auto size = [&] { return static_cast<std::size_t>(sqlite3_column_bytes(statement, index)); };
  switch (sqlite3_column_type(statement, index)) {
    case SQLITE_INTEGER: return static_cast<std::int64_t>(sqlite3_column_int64(statement, index));
    case SQLITE_NULL: return std::monostate{};
    case SQLITE_BLOB: {
      const auto* const bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement, index));
      return to_bytes(ByteView(bytes, size()));
    }
    // A real number too: nothing of ours is one, so that its reader will find the wrong type.
    default: {
      const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(statement, index));
      return text == nullptr ? std::string() : std::string(text, size());
    }
  }
}

Result<Rows> SqliteDatabase::run(const std::string& sql, const std::vector<Value>& parameters) {
  ATTESTD_TRY(sqlite3_stmt* const statement, prepared(sql));
  // What is bound is the caller's, and a statement that was not reset keeps its lock.
  struct Reset {
    sqlite3_stmt* statement;
    ~Reset() {
      sqlite3_reset(statement);
      sqlite3_clear_bindings(statement);
    }
  } const reset{statement};
  ATTESTD_CHECK(bind(statement, parameters));
  Rows out;
  const std::uint64_t before = changes();
  int status = SQLITE_ROW;
  while ((status = sqlite3_step(statement)) == SQLITE_ROW) {
    Row row;
    const int columns = sqlite3_column_count(statement);
    row.reserve(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) row.push_back(column(statement, i));
    out.rows.push_back(std::move(row));
  }
  if (status != SQLITE_DONE) return failure(handle_.get(), status, "SQLite refuses a statement");
  out.changed = changes() - before;
  return out;
}

Result<void> SqliteDatabase::commit() {
  if (!in_transaction()) return fail(Errc::io, "SQLite has rolled the transaction back");
  auto done = simple("COMMIT");
  if (!done) rollback();
  return done;
}

// The file with mode 0600, in a folder where nobody can put another in its place.
Result<void> prepare_file(const std::string& path) {
  if (!path.starts_with('/') || path.ends_with('/')) {
    return fail(Errc::usage, "the path of an SQLite database is absolute: sqlite:/FOLDER/FILE");
  }
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) return fail_errno(errno, "cannot look at " + folder);
  if (!only_we_may_write(status)) {
    return fail(Errc::permission, "others may write to " + folder + ", where the database is to be");
  }
  const UniqueFd made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!made && errno != EEXIST) return fail_errno(errno, "cannot make " + path);
  if (::lstat(path.c_str(), &status) != 0) return fail_errno(errno, "cannot look at " + path);
  if (!S_ISREG(status.st_mode)) return fail(Errc::refused, path + " is no regular file");
  if (!only_we_may_write(status) || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(Errc::permission, "others may read or write " + path + "; it must have mode 0600");
  }
  return {};
}

// Durability: a COMMIT in a write-ahead log is on the disk only with synchronous=FULL.
// Defence: a schema that was edited cannot call functions, and what is deleted is overwritten.
Result<void> configure(Database& database) {
  for (const char* const pragma :
       {"PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON", "PRAGMA trusted_schema=OFF", "PRAGMA secure_delete=ON"}) {
    ATTESTD_CHECK(database.execute(pragma));
  }
  ATTESTD_TRY(const Rows mode, database.execute("PRAGMA journal_mode=WAL"));
  if (mode.rows.size() != 1 || mode.rows[0] != Row{std::string("wal")}) {
    return fail(Errc::unsupported, "SQLite cannot keep a write-ahead log where the database is");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Database>> open_sqlite(const std::string& path, const DatabaseOptions& options) {
  // close(2) of any descriptor of the file drops this process's locks on it, so that none
  // may be closed while another thread's SQLite takes one (https://www.sqlite.org/howtocorrupt.html 2.2).
  static std::mutex opening;
  const std::scoped_lock lock(opening);
  if (sqlite3_libversion_number() < 3040000) return fail(Errc::unsupported, "SQLite 3.40 is the oldest that will do");
  ATTESTD_CHECK(prepare_file(path));
  sqlite3* opened = nullptr;
  // Not SQLITE_OPEN_NOFOLLOW: the folder of a unit with DynamicUser= is reached by a link.
  const int status = sqlite3_open_v2(path.c_str(), &opened,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  SqliteHandle handle(opened);
  if (status != SQLITE_OK) {
    return fail(code_of(status), "SQLite cannot open " + path + ": " + sqlite3_errstr(status));
  }
  sqlite3_busy_timeout(handle.get(), static_cast<int>(options.lock_timeout.count()));
  sqlite3_db_config(handle.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  auto database = std::make_unique<SqliteDatabase>(std::move(handle));
  // The change to a write-ahead log does not wait for another process that makes it too.
  const auto until = std::chrono::steady_clock::now() + options.lock_timeout;
  auto configured = configure(*database);
  while (!configured && configured.error().code == Errc::busy && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    configured = configure(*database);
  }
  if (!configured) return std::unexpected(std::move(configured).error().in(path));
  return database;
}

}  // namespace attestd::broker
