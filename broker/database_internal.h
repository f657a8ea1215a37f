// The two databases behind broker/database.h, and the handles of their libraries. For .cpp
// files only.
#pragma once

#include <libpq-fe.h>
#include <sqlite3.h>

#include <memory>
#include <string>

#include "broker/database.h"

namespace attestd::broker {

template <auto Free>
struct DatabaseHandleDeleter {
  template <class T>
  void operator()(T* handle) const {
    static_cast<void>(Free(handle));
  }
};
using SqliteHandle = std::unique_ptr<sqlite3, DatabaseHandleDeleter<sqlite3_close_v2>>;
using SqliteStatement = std::unique_ptr<sqlite3_stmt, DatabaseHandleDeleter<sqlite3_finalize>>;
using PostgresqlConnection = std::unique_ptr<PGconn, DatabaseHandleDeleter<PQfinish>>;
using PostgresqlResult = std::unique_ptr<PGresult, DatabaseHandleDeleter<PQclear>>;
using PostgresqlSettings = std::unique_ptr<PQconninfoOption, DatabaseHandleDeleter<PQconninfoFree>>;

// Prepared statements that a connection keeps; with more it begins anew.
inline constexpr std::size_t statement_cache_limit = 200;

Result<std::unique_ptr<Database>> open_sqlite(const std::string& path, const DatabaseOptions& options);
Result<std::unique_ptr<Database>> open_postgresql(const std::string& url, const DatabaseOptions& options);

}  // namespace attestd::broker
