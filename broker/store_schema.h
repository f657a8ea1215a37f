// The tables of the broker, by versions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "broker/database.h"

namespace attestd::broker {

// What leads from the version before to this one: version 1 is the first of a list.
struct Migration {
  std::vector<std::string> both;  // first, in either database
  std::vector<std::string> sqlite;
  std::vector<std::string> postgresql;
};

// Ours, all of them.
const std::vector<Migration>& store_migrations();

// Brings a database to the last of `migrations`, each in a transaction of its own with its
// row in schema_versions; any number of brokers may try at once. `now`: Unix time in s.
// Errors: unsupported (its schema is newer than ours), and those of Database.
Result<void> migrate(Database& database, std::span<const Migration> migrations, std::int64_t now);

}  // namespace attestd::broker
