#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <map>

#include "broker/database_internal.h"

namespace attestd::broker {
namespace {

using Clock = std::chrono::steady_clock;

// pg_type.dat: what our statements give back.
constexpr Oid bytea_type = 17;
constexpr Oid int8_type = 20;
constexpr Oid int4_type = 23;
constexpr Oid text_type = 25;

constexpr int oldest_server = 150000;  // as PQserverVersion() has it
// Which lock all our writing transactions take: "attestd" and 1, as bytes.
constexpr const char* begin_sql =
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock(7022365698054972417)";
// Beyond the server's own limit: then it is the server that hangs.
constexpr std::chrono::milliseconds patience(5000);

// PostgreSQL 15, appendix A.
Errc code_of(std::string_view state) {
  if (state == "40001" || state == "40P01" || state == "55P03" || state == "53300") return Errc::busy;
  if (state == "57014" || state == "25P03") return Errc::timed_out;
  if (state == "25006") return Errc::unavailable;  // a standby now
  if (state.starts_with("08") || state.starts_with("57P") || state.starts_with("28")) return Errc::unavailable;
  if (state.starts_with("22")) return Errc::malformed;
  if (state.starts_with("53") || state.starts_with("58") || state.starts_with("XX")) return Errc::io;
  // A constraint (23), a trigger (P0001), a right that we lack (42501): never what the store's operations call a
  // refusal of theirs.
  return Errc::internal;
}

std::string_view without_newline(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

Result<Value> column(const PGresult* result, int row, int index) {
  if (PQgetisnull(result, row, index) != 0) return std::monostate{};
  const ByteView bytes =
      as_bytes({PQgetvalue(result, row, index), static_cast<std::size_t>(PQgetlength(result, row, index))});
  switch (PQftype(result, index)) {
    case bytea_type: return to_bytes(bytes);
    case text_type: return std::string(as_text(bytes));
    case int8_type: {
      ATTESTD_TRY(const std::uint64_t value, Reader(bytes).be64("an integer of PostgreSQL"));
      return static_cast<std::int64_t>(value);
    }
    case int4_type: {
      ATTESTD_TRY(const std::uint32_t value, Reader(bytes).be32("an integer of PostgreSQL"));
      return static_cast<std::int64_t>(static_cast<std::int32_t>(value));
    }
    default: return fail(Errc::internal, "PostgreSQL gives a value of a type that nobody asked for");
  }
}

Result<Rows> rows_of(const PGresult* result) {
  Rows out;
  const int rows = PQntuples(result);
  const int columns = PQnfields(result);
  out.rows.reserve(static_cast<std::size_t>(rows));
  for (int i = 0; i < rows; ++i) {
    Row row;
    row.reserve(static_cast<std::size_t>(columns));
    for (int k = 0; k < columns; ++k) {
      ATTESTD_TRY(Value value, column(result, i, k));
      row.push_back(std::move(value));
    }
    out.rows.push_back(std::move(row));
  }
  const std::string_view tag = PQcmdStatus(const_cast<PGresult*>(result));
  if (!tag.starts_with("SELECT")) {
    const std::string_view count = PQcmdTuples(const_cast<PGresult*>(result));
    std::from_chars(count.data(), count.data() + count.size(), out.changed);
  }
  return out;
}

// As PQsendQueryPrepared wants them. Types are left to the server, which knows the columns.
struct Parameters {
  explicit Parameters(const std::vector<Value>& parameters) {
    texts.reserve(parameters.size());
    for (const Value& value : parameters) {
      const auto* const bytes = std::get_if<Bytes>(&value);
      formats.push_back(bytes != nullptr ? 1 : 0);
      lengths.push_back(bytes != nullptr ? static_cast<int>(bytes->size()) : 0);
      if (const auto* const integer = std::get_if<std::int64_t>(&value)) {
        values.push_back(texts.emplace_back(std::to_string(*integer)).c_str());
      } else if (const auto* const text = std::get_if<std::string>(&value)) {
        values.push_back(text->c_str());
      } else if (bytes != nullptr) {
        // A null pointer would be null.
        values.push_back(bytes->empty() ? "" : reinterpret_cast<const char*>(bytes->data()));
      } else {
        values.push_back(nullptr);
      }
    }
  }
  std::vector<std::string> texts;
  std::vector<const char*> values;
  std::vector<int> lengths, formats;
};

class PostgresqlDatabase final : public Database {
 public:
  PostgresqlDatabase(std::string url, std::string password, const DatabaseOptions& options)
      : url_(std::move(url)), password_(std::move(password)), options_(options) {}

  Result<void> connect();
  [[nodiscard]] Dialect dialect() const override { return Dialect::postgresql; }
  [[nodiscard]] std::uint64_t changes() const override { return changes_; }
  [[nodiscard]] bool in_transaction() const override {
    return connection_ != nullptr && PQtransactionStatus(connection_.get()) == PQTRANS_INTRANS;
  }
  [[nodiscard]] bool usable() override;

 private:
  Result<Rows> run(const std::string& sql, const std::vector<Value>& parameters) override;
  Result<void> begin() override;
  Result<void> commit() override;
  void rollback() override;

  // What libpq says last, unless it says the password.
  [[nodiscard]] std::string reason() const;
  // The connection is given up.
  std::unexpected<Error> lost(std::string_view what);
  std::unexpected<Error> failure(const PGresult* result);
  // The last of the results, or the first that is an error.
  Result<PostgresqlResult> results();
  Result<PostgresqlResult> simple(const char* sql);
  Result<std::string> prepared(const std::string& sql);

  std::string url_;
  std::string password_;
  DatabaseOptions options_;
  PostgresqlConnection connection_;
  std::map<std::string, std::string, std::less<>> statements_;
  std::uint64_t changes_ = 0;
  bool in_scope_ = false;  // between begin() and its end, though the connection be lost
};

std::string PostgresqlDatabase::reason() const {
  const std::string_view text = without_newline(PQerrorMessage(connection_.get()));
  if (!password_.empty() && text.find(password_) != std::string_view::npos) return "the reason has the password in it";
  return std::string(text);
}

std::unexpected<Error> PostgresqlDatabase::lost(std::string_view what) {
  auto error = fail(Errc::unavailable, std::string(what) + ": " + reason());
  connection_.reset();
  statements_.clear();
  return error;
}

// Only the primary message: the detail quotes values of the row.
std::unexpected<Error> PostgresqlDatabase::failure(const PGresult* result) {
  const char* const state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* const message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (PQstatus(connection_.get()) == CONNECTION_BAD || state == nullptr) {
    return lost("the connection to PostgreSQL was lost");
  }
  const Errc code = code_of(state);
  auto error = fail(code, "PostgreSQL refuses a statement: " + std::string(message == nullptr ? state : message));
  // What it says of itself holds for the whole connection.
  if (code == Errc::unavailable) {
    connection_.reset();
    statements_.clear();
  }
  return error;
}

Result<PostgresqlResult> PostgresqlDatabase::results() {
  const auto until = Clock::now() + options_.statement_timeout + patience;
  PostgresqlResult kept;
  bool bad = false;
  for (;;) {
    while (PQisBusy(connection_.get()) != 0) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
      pollfd socket{PQsocket(connection_.get()), POLLIN, 0};
      const int ready = left > 0 ? ::poll(&socket, 1, static_cast<int>(left)) : 0;
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0) return lost("PostgreSQL does not answer");
      if (PQconsumeInput(connection_.get()) == 0) return lost("the connection to PostgreSQL was lost");
    }
    PostgresqlResult next(PQgetResult(connection_.get()));
    if (next == nullptr) break;
    if (bad) continue;
    const ExecStatusType status = PQresultStatus(next.get());
    bad = status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK;
    kept = std::move(next);
  }
  if (kept == nullptr) return lost("PostgreSQL gives no answer");
  if (bad) return failure(kept.get());
  return kept;
}

Result<PostgresqlResult> PostgresqlDatabase::simple(const char* sql) {
  if (PQsendQuery(connection_.get(), sql) == 0) return lost("the connection to PostgreSQL was lost");
  return results();
}

Result<void> PostgresqlDatabase::connect() {
  const std::string timeout = std::to_string(options_.connect_timeout.count());
  // Those before dbname yield to the URL, those behind it do not. A peer that is gone is
  // found out by keepalives and by what it does not acknowledge, not after a quarter of an hour.
  constexpr std::array names = {"connect_timeout",  "keepalives_idle",           "keepalives_interval",
                                "keepalives_count", "tcp_user_timeout",          "dbname",
                                "client_encoding",  "fallback_application_name", static_cast<const char*>(nullptr)};
  const std::array values = {timeout.c_str(),
                             "10",
                             "5",
                             "3",
                             "15000",
                             url_.c_str(),
                             "UTF8",
                             "attest-brokerd",
                             static_cast<const char*>(nullptr)};
  connection_.reset(PQconnectdbParams(names.data(), values.data(), 1));
  statements_.clear();
  if (connection_ == nullptr) return fail(Errc::io, "there is no memory for a connection to PostgreSQL");
  if (PQstatus(connection_.get()) != CONNECTION_OK) return lost("PostgreSQL cannot be reached");
  // Its default writes notices to stderr.
  PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
  if (PQserverVersion(connection_.get()) < oldest_server) {
    connection_.reset();
    return fail(Errc::unsupported, "PostgreSQL 15 is the oldest that will do");
  }
  // A release is answered for only once it is on the disk: never less than "local" or "on".
  ATTESTD_TRY(const Rows set,
              run("SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false), "
                  "set_config('idle_in_transaction_session_timeout', $1, false), "
                  "set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' "
                  "ELSE current_setting('synchronous_commit') END, false), current_setting('server_encoding')",
                  {std::to_string(options_.statement_timeout.count()), std::to_string(options_.lock_timeout.count())}));
  if (set.rows.size() != 1 || set.rows[0].back() != Value(std::string("UTF8"))) {
    connection_.reset();
    return fail(Errc::unsupported, "the PostgreSQL database is not in UTF8");
  }
  return {};
}

bool PostgresqlDatabase::usable() {
  if (connection_ == nullptr) return false;
  // Nobody sends an idle connection anything but farewells and news of settings, and a new
  // one is no loss then.
  pollfd socket{PQsocket(connection_.get()), POLLIN, 0};
  return ::poll(&socket, 1, 0) == 0 && PQstatus(connection_.get()) == CONNECTION_OK;
}

Result<std::string> PostgresqlDatabase::prepared(const std::string& sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return found->second;
  if (statements_.size() >= statement_cache_limit) {
    ATTESTD_CHECK(simple("DEALLOCATE ALL"));
    statements_.clear();
  }
  std::string name = "s" + std::to_string(statements_.size());
  if (PQsendPrepare(connection_.get(), name.c_str(), sql.c_str(), 0, nullptr) == 0) {
    return lost("the connection to PostgreSQL was lost");
  }
  ATTESTD_CHECK(results());
  statements_.emplace(sql, name);
  return name;
}

Result<Rows> PostgresqlDatabase::run(const std::string& sql, const std::vector<Value>& parameters) {
  if (connection_ == nullptr) {
    // Half of a transaction must not happen on another connection.
    if (in_scope_) return fail(Errc::unavailable, "the connection to PostgreSQL was lost in a transaction");
    ATTESTD_CHECK(connect());
  }
  ATTESTD_TRY(const std::string name, prepared(sql));
  const Parameters given(parameters);
  constexpr int binary = 1;
  if (PQsendQueryPrepared(connection_.get(), name.c_str(), static_cast<int>(parameters.size()), given.values.data(),
                          given.lengths.data(), given.formats.data(), binary) == 0) {
    return lost("the connection to PostgreSQL was lost");
  }
  ATTESTD_TRY(const PostgresqlResult result, results());
  ATTESTD_TRY(Rows rows, rows_of(result.get()));
  changes_ += rows.changed;
  return rows;
}

Result<void> PostgresqlDatabase::begin() {
  if (connection_ == nullptr) {
    ATTESTD_CHECK(connect());
  }
  in_scope_ = true;
  auto begun = simple(begin_sql);
  if (begun) return {};
  rollback();
  return std::unexpected(std::move(begun).error());
}

// Anything but a clean yes or a clean no leaves the outcome open: the server may have
// committed and not lived to say so.
Result<void> PostgresqlDatabase::commit() {
  if (connection_ == nullptr) {
    in_scope_ = false;
    return fail(Errc::unavailable, "the connection to PostgreSQL was lost before COMMIT");
  }
  auto done = simple("COMMIT");
  in_scope_ = false;
  if (done) {
    if (std::string_view(PQcmdStatus(done->get())) == "COMMIT") return {};
    return fail(Errc::io, "PostgreSQL has rolled the transaction back");
  }
  Error error = std::move(done).error();
  if (error.code != Errc::busy && error.code != Errc::refused) {
    error = Error{Errc::io, "whether the database has committed is unknown: " + error.message, std::nullopt, 0};
  }
  rollback();
  return std::unexpected(std::move(error));
}

void PostgresqlDatabase::rollback() {
  in_scope_ = false;
  if (connection_ == nullptr || PQtransactionStatus(connection_.get()) == PQTRANS_IDLE) return;
  if (simple("ROLLBACK")) return;
  connection_.reset();
  statements_.clear();
}

}  // namespace

Result<std::unique_ptr<Database>> open_postgresql(const std::string& url, const DatabaseOptions& options) {
  char* message = nullptr;
  const PostgresqlSettings settings(PQconninfoParse(url.c_str(), &message));
  // What libpq says of a URL quotes it, with its password.
  if (message != nullptr) PQfreemem(message);
  if (settings == nullptr) return fail(Errc::usage, "the database URL is not one that libpq understands");
  std::string password;
  for (const PQconninfoOption* option = settings.get(); option->keyword != nullptr; ++option) {
    if (std::string_view(option->keyword) == "password" && option->val != nullptr) password = option->val;
  }
  auto database = std::make_unique<PostgresqlDatabase>(url, std::move(password), options);
  ATTESTD_CHECK(database->connect());
  return database;
}

}  // namespace attestd::broker
