#include "broker/store_queue.h"

#include <algorithm>
#include <thread>

namespace attestd::broker {

Result<void> StoreQueue::run(const Job& job) {
  Entry mine{.job = &job, .result = {}, .done = false, .woken = {}};
  // Nothing may fail between coming and going, when others may wait for us.
  std::vector<Entry*> group;
  group.reserve(most_);
  std::unique_lock lock(mutex_);
  waiting_.push_back(&mine);
  mine.woken.wait(lock, [&] { return mine.done || (!leading_ && waiting_.front() == &mine); });
  if (mine.done) return std::move(mine.result);

  leading_ = true;
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(most_, waiting_.size()));
  group.assign(waiting_.begin(), end);
  waiting_.erase(waiting_.begin(), end);
  lock.unlock();
  commit(group);
  lock.lock();
  leading_ = false;
  // Under the lock: an entry is gone as soon as its thread sees that it is done.
  for (Entry* const entry : group) {
    entry->done = true;
    if (entry != &mine) entry->woken.notify_one();
  }
  if (!waiting_.empty()) waiting_.front()->woken.notify_one();
  return std::move(mine.result);
}

// False when the whole transaction is to be given up.
bool StoreQueue::run_job(Entry& entry, Database& database, StoreTransaction& transaction) {
  const std::uint64_t changes = database.changes();
  const std::size_t mark = transaction.audit().mark();
  try {
    entry.result = (*entry.job)(transaction);
  } catch (const std::exception& error) {
    // On whose thread it ran is chance: it must not end the others' work.
    entry.result = fail(Errc::internal, std::string("a job of the store failed: ") + error.what());
  }
  if (entry.result) return database.in_transaction();
  transaction.audit().forget_since(mark);
  return database.in_transaction() && database.changes() == changes;
}

StoreQueue::Attempt StoreQueue::attempt(std::span<Entry* const> entries) {
  auto lease = pool_->take();
  if (!lease) return {End::failed, of_database(std::move(lease).error())};
  Database& database = **lease;
  auto transaction = Transaction::begin(database);
  if (!transaction) return {End::failed, std::move(transaction).error()};
  StoreTransaction store(database, *sealer_);
  // Another may have sealed everything anew meanwhile: whoever has the old key does nothing more.
  if (auto ours = store.require_our_key(); !ours) return {End::failed, std::move(ours).error()};
  for (Entry* const entry : entries) {
    if (run_job(*entry, database, store)) continue;
    if (entries.size() > 1) return {End::apart, {}};
    if (entry->result) return {End::failed, {Errc::unavailable, "the transaction was lost", std::nullopt, 0}};
    return {End::failed, entry->result.error()};
  }
  if (auto written = store.audit().write(); !written) return {End::failed, std::move(written).error()};
  auto committed = transaction->commit();
  if (committed) return {End::committed, {}};
  Error error = std::move(committed).error();
  return {error.code == Errc::io ? End::unknown : End::failed, std::move(error)};
}

StoreQueue::Attempt StoreQueue::guarded(std::span<Entry* const> entries) {
  try {
    return attempt(entries);
  } catch (const std::exception& error) {
    return {End::unknown, {Errc::internal, std::string("the store failed: ") + error.what(), std::nullopt, 0}};
  }
}

void StoreQueue::commit(std::span<Entry* const> entries) {
  constexpr int tries = 4;
  constexpr std::chrono::milliseconds first_pause(20);
  auto pause = first_pause;
  for (int i = 1;; ++i) {
    const Attempt ended = guarded(entries);
    if (ended.end == End::committed) return;
    if (ended.end == End::apart) {
      for (std::size_t k = 0; k < entries.size(); ++k) commit(entries.subspan(k, 1));
      return;
    }
    const bool again = ended.end == End::failed && i < tries &&
                       (ended.error.code == Errc::busy || ended.error.code == Errc::unavailable);
    if (!again) {
      for (Entry* const entry : entries) entry->result = std::unexpected(ended.error);
      return;
    }
    std::this_thread::sleep_for(pause);
    pause *= 2;
  }
}

}  // namespace attestd::broker
