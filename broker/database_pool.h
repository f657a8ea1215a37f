// Connections for a server's threads: each takes one, uses it and gives it back.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>

#include "broker/database.h"

namespace attestd::broker {

class DatabasePool {
 public:
  // At most `limit` connections at a time, opened when they are first needed.
  DatabasePool(std::string url, std::size_t limit, const DatabaseOptions& options = {})
      : url_(std::move(url)), limit_(limit), options_(options) {}
  DatabasePool(const DatabasePool&) = delete;
  DatabasePool& operator=(const DatabasePool&) = delete;

  // A connection for one thread, until this goes. The pool outlives it.
  class Lease {
   public:
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      if (database_ != nullptr) pool_->give_back(std::move(database_));
    }
    [[nodiscard]] Database& operator*() const { return *database_; }
    [[nodiscard]] Database* operator->() const { return database_.get(); }

   private:
    friend class DatabasePool;
    Lease(DatabasePool& pool, std::unique_ptr<Database> database) : pool_(&pool), database_(std::move(database)) {}
    DatabasePool* pool_;
    std::unique_ptr<Database> database_;
  };

  // One that is idle and still connected, or a new one. When all are taken it waits for
  // lock_timeout at most. Errors: busy (all are taken), and those of open_database().
  Result<Lease> take();

 private:
  void give_back(std::unique_ptr<Database> database);

  const std::string url_;
  const std::size_t limit_;
  const DatabaseOptions options_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Database>> idle_;
  std::size_t taken_ = 0;
};

}  // namespace attestd::broker
