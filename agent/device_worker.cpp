#include "agent/device_worker.h"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>

namespace attestd::agent {
namespace {
constexpr std::chrono::seconds farewell{1};
}

struct LoopMailbox::Inner {
  std::mutex mutex;
  std::function<void(Task)> post;
};

LoopMailbox::LoopMailbox(std::function<void(Task)> post) : inner_(std::make_unique<Inner>()) {
  inner_->post = std::move(post);
}
LoopMailbox::~LoopMailbox() = default;

void LoopMailbox::post(Task task) {
  const std::scoped_lock lock(inner_->mutex);
  if (inner_->post) inner_->post(std::move(task));
}

void LoopMailbox::close() {
  const std::scoped_lock lock(inner_->mutex);
  inner_->post = nullptr;
}

struct DeviceWorker::Shared {
  std::string name;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Task> jobs;
  bool stopping = false;
  bool running = false;  // the thread exists

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return stopping || !jobs.empty(); });
      if (stopping) break;
      {
        Task job = std::move(jobs.front());
        jobs.pop_front();
        lock.unlock();
        job();
      }  // what the job owns goes while the lock is free
      lock.lock();
    }
    running = false;
    changed.notify_all();
  }
};

DeviceWorker::DeviceWorker(std::string name) : shared_(std::make_shared<Shared>()) { shared_->name = std::move(name); }

DeviceWorker::~DeviceWorker() {
  std::deque<Task> dropped;
  std::unique_lock lock(shared_->mutex);
  shared_->stopping = true;
  dropped.swap(shared_->jobs);
  shared_->changed.notify_all();
  shared_->changed.wait_for(lock, farewell, [this] { return !shared_->running; });
}

void DeviceWorker::post(Task job) {
  const std::scoped_lock lock(shared_->mutex);
  shared_->jobs.push_back(std::move(job));
  if (!shared_->running) {
    shared_->running = true;
    // Signals are the event loop's: the thread inherits a mask that blocks all.
    sigset_t all{};
    sigset_t before{};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread([shared = shared_] { shared->run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(thread.native_handle(), shared_->name.c_str());
    thread.detach();
  }
  shared_->changed.notify_all();
}

}  // namespace attestd::agent
