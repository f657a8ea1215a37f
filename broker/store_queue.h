// Group commit: each COMMIT waits for the disk, and the audit chain lets only one go on at a
// time. So whoever comes first commits for all who came meanwhile.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <span>

#include "broker/database_pool.h"
#include "broker/store_transaction.h"

namespace attestd::broker {

class StoreQueue {
 public:
  // What one caller wants done. It may run on another caller's thread and more than once,
  // each time from the beginning and with nothing of the last time left; it calls no
  // Store. An error takes back what it wrote, and nothing of the others'.
  using Job = std::function<Result<void>(StoreTransaction&)>;

  // At most `most` jobs (1 or more) in one transaction.
  StoreQueue(DatabasePool& pool, const Sealer& sealer, std::size_t most)
      : pool_(&pool), sealer_(&sealer), most_(most) {}
  StoreQueue(const StoreQueue&) = delete;
  StoreQueue& operator=(const StoreQueue&) = delete;

  // Returns when the job has failed, or what it did is durable. Tries again a few times
  // when the database is busy or its connection was lost with nothing done. Errors: the
  // job's own, and those of Database; with io it may or may not be done.
  Result<void> run(const Job& job);

 private:
  struct Entry {
    const Job* job;
    Result<void> result;
    bool done = false;
    std::condition_variable woken;
  };
  // How one transaction for some jobs ended.
  enum class End {
    committed,  // each entry has its result
    failed,     // for all of them, with nothing done
    apart,      // nothing done; one of them must not take the others with it
    unknown,
  };
  struct Attempt {
    End end;
    Error error;
  };

  Attempt attempt(std::span<Entry* const> entries);
  Attempt guarded(std::span<Entry* const> entries);
  static bool run_job(Entry& entry, Database& database, StoreTransaction& transaction);
  void commit(std::span<Entry* const> entries);

  DatabasePool* pool_;
  const Sealer* sealer_;
  std::size_t most_;
  std::mutex mutex_;
  std::deque<Entry*> waiting_;
  bool leading_ = false;  // somebody commits
};

}  // namespace attestd::broker
