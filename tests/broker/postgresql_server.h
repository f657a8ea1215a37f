// A PostgreSQL server of a test's own: on a socket in a temporary folder, ended with the program.
#pragma once

#include <sys/types.h>

#include <string>

#include "tests/temporary_folder.h"

namespace attestd::test {

class PostgresqlServer {
 public:
  // Makes a cluster and starts it; `durable`: with fsync. Throws std::runtime_error.
  explicit PostgresqlServer(bool durable = false);
  PostgresqlServer(const PostgresqlServer&) = delete;
  PostgresqlServer& operator=(const PostgresqlServer&) = delete;
  ~PostgresqlServer();

  // Whether its programs are installed (/usr/lib/postgresql/VERSION/bin).
  static bool installed();

  [[nodiscard]] const std::string& folder() const { return folder_.path(); }  // of the socket
  [[nodiscard]] std::string url(const std::string& database) const;
  // The URL of a place without tables.
  std::string new_database();
  void restart();

 private:
  void start();
  void stop();

  TemporaryFolder folder_;
  bool durable_;
  pid_t pid_ = -1;
  unsigned databases_ = 0;
};

}  // namespace attestd::test
