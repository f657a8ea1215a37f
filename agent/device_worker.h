// A thread for calls that block: one for each device, because a call to the
// report device or the TPM must be neither abandoned nor made in parallel.
#pragma once

#include <functional>
#include <memory>
#include <string>

namespace attestd::agent {

using Task = std::move_only_function<void()>;

// How a worker hands results to the event loop. close() when the loop goes: a
// device call that returns later finds nobody to tell, and that is all.
class LoopMailbox {
 public:
  // `post` runs a task on the loop's thread, and may be called from any thread.
  explicit LoopMailbox(std::function<void(Task)> post);
  ~LoopMailbox();
  LoopMailbox(const LoopMailbox&) = delete;
  LoopMailbox& operator=(const LoopMailbox&) = delete;
  void post(Task task);
  void close();

 private:
  struct Inner;
  std::unique_ptr<Inner> inner_;
};

class DeviceWorker {
 public:
  // `name` is the thread's, at most 15 characters. The thread starts with the first job.
  explicit DeviceWorker(std::string name);
  // Waits for the running job for at most a second; a job that takes longer is
  // left to its thread, so jobs own what they use. Jobs not begun are dropped.
  ~DeviceWorker();
  DeviceWorker(const DeviceWorker&) = delete;
  DeviceWorker& operator=(const DeviceWorker&) = delete;

  // Jobs run one after the other, and do not throw.
  void post(Task job);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace attestd::agent
