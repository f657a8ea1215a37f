// Asks the devices on their threads; answers on the event loop, with a deadline.
// Asio is in here: for the agent's own .cpp files only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "agent/device_worker.h"
#include "agent/devices.h"
#include "agent/evidence_request.h"
#include "agent/state.h"
#include "agent/statement_builder.h"
#include "evidence/bundle.h"
#include "net/asio_into_internal.h"

namespace attestd::agent {

// A call under way on a worker. Begun when made, so two can run side by side.
template <class T>
struct Pending {
  boost::asio::steady_timer timer;
  std::optional<Result<T>> result;
};

// One blocking device: its thread, and whether it owes us an answer.
class DeviceQueue {
 public:
  DeviceQueue(std::string thread_name, std::shared_ptr<LoopMailbox> mailbox, boost::asio::any_io_executor executor,
              std::chrono::milliseconds timeout)
      : worker_(std::move(thread_name)),
        mailbox_(std::move(mailbox)),
        executor_(std::move(executor)),
        timeout_(timeout) {}

  template <class T>
  std::shared_ptr<Pending<T>> start(std::move_only_function<Result<T>()> job) {
    auto pending = std::make_shared<Pending<T>>(boost::asio::steady_timer(executor_, timeout_), std::nullopt);
    if (*overdue_) {
      pending->result = fail(Errc::timed_out, "an earlier call has not returned yet");
      return pending;
    }
    // The worker holds nothing of the loop's but the mailbox: it may outlive it.
    worker_.post([mailbox = mailbox_, overdue = overdue_, waiter = std::weak_ptr<Pending<T>>(pending),
                  job = std::move(job)]() mutable {
      auto result = guarded(job);
      mailbox->post([overdue = std::move(overdue), waiter = std::move(waiter), result = std::move(result)]() mutable {
        *overdue = false;
        if (const auto waiting = waiter.lock()) {
          waiting->result = std::move(result);
          waiting->timer.cancel();
        }
      });
    });
    return pending;
  }

  template <class T>
  boost::asio::awaitable<Result<T>> finish(std::shared_ptr<Pending<T>> pending) {
    if (!pending->result) {
      boost::system::error_code ignored;
      co_await pending->timer.async_wait(net::into(ignored));
    }
    if (pending->result) co_return *std::move(pending->result);
    *overdue_ = true;
    co_return fail(Errc::timed_out, "no answer within " + std::to_string(timeout_.count()) + " ms");
  }

 private:
  template <class T>
  static Result<T> guarded(std::move_only_function<Result<T>()>& job) {
    try {
      return job();
    } catch (const std::exception& exception) {
      return fail(Errc::internal, exception.what());
    }
  }

  std::shared_ptr<bool> overdue_ = std::make_shared<bool>(false);  // the loop's
  DeviceWorker worker_;
  std::shared_ptr<LoopMailbox> mailbox_;
  boost::asio::any_io_executor executor_;
  std::chrono::milliseconds timeout_;
};

// What one device's thread gave for the bundle.
struct QuoteParts {
  Bundle parts;
  Bytes ak_name;                 // after the quote
  std::optional<Error> refused;  // why a part beside the quote is not there
  double seconds = 0;
};

struct ReportParts {
  Bundle parts;
  std::string provider;
  double seconds = 0;
};

class Collector {
 public:
  Collector(const boost::asio::any_io_executor& executor, const std::shared_ptr<LoopMailbox>& mailbox,
            const Config& config, Devices devices, AgentState& state);

  [[nodiscard]] bool has_tpm() const;
  // Opens what can be opened, so that the first asker does not wait for it.
  boost::asio::awaitable<void> warm_up();
  boost::asio::awaitable<Result<Surroundings>> surroundings();
  // Of the statement's `ak_name`.
  boost::asio::awaitable<Result<Bytes>> attestation_key_name();
  // SHA-256 of what the TPM finds in an asker's credential.
  boost::asio::awaitable<Result<Bytes>> activate(Activation activation);
  struct Evidence {
    Bundle parts;                  // but statement and inclusion
    std::optional<Bytes> ak_name;  // of the key that signed, with a TPM
  };
  // Report and quote, side by side.
  boost::asio::awaitable<std::expected<Evidence, Problem>> collect(const MerkleHash& root);
  // From now on: another sshd configuration, or the same asked anew.
  void reload(const Config& config);

 private:
  struct ReportSlot;
  boost::asio::awaitable<std::optional<Problem>> finish_report(std::shared_ptr<Pending<ReportParts>> reporting,
                                                               Bundle& into);
  void hardware_is(Health health, const std::optional<Problem>& problem);
  void tpm_is(Health health, const std::optional<Problem>& problem);

  AgentState* state_;
  std::chrono::milliseconds timeout_;
  Config::EventLog event_log_;
  std::shared_ptr<ReportSlot> report_;
  std::shared_ptr<hwio::Tpm> tpm_;
  std::shared_ptr<const std::vector<TpmPart>> tpm_parts_;
  std::string tpm_reports_;
  std::shared_ptr<HostKeys> host_keys_;
  DeviceQueue report_queue_;
  DeviceQueue tpm_queue_;
  DeviceQueue files_queue_;
};

}  // namespace attestd::agent
