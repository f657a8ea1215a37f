#include "broker/database_pool.h"

namespace attestd::broker {

Result<DatabasePool::Lease> DatabasePool::take() {
  std::unique_lock lock(mutex_);
  if (!returned_.wait_for(lock, options_.lock_timeout, [this] { return taken_ < limit_; })) {
    return fail(Errc::busy, "all " + std::to_string(limit_) + " connections to the database are in use");
  }
  ++taken_;
  std::unique_ptr<Database> database;
  while (database == nullptr && !idle_.empty()) {
    database = std::move(idle_.back());
    idle_.pop_back();
    // The server may have been restarted since.
    if (!database->usable()) database.reset();
  }
  lock.unlock();
  if (database != nullptr) return Lease(*this, std::move(database));
  auto opened = open_database(url_, options_);
  if (opened) return Lease(*this, *std::move(opened));
  give_back(nullptr);
  return std::unexpected(std::move(opened).error());
}

void DatabasePool::give_back(std::unique_ptr<Database> database) {
  {
    const std::scoped_lock lock(mutex_);
    --taken_;
    if (database != nullptr && database->usable()) idle_.push_back(std::move(database));
  }
  returned_.notify_one();
}

}  // namespace attestd::broker
