// An agent on a socket of its own, and a client that can misbehave.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "agent/agent.h"
#include "base/bytes.h"
#include "tests/temporary_folder.h"

namespace attestd::test {

struct Answer {
  unsigned status = 0;  // 0: none came
  std::string head;     // status line and header
  std::string body;
  [[nodiscard]] std::string header(std::string_view lower_case_name) const;
  [[nodiscard]] std::string problem() const;  // the end of its `type`
};

class Client {
 public:
  explicit Client(const std::string& socket);
  void send(std::string_view bytes) const;
  Answer receive();
  Answer get(const std::string& path);
  Answer post(const std::string& path, std::string_view body);
  void hang_up() { fd_.reset(); }

 private:
  UniqueFd fd_;
  std::string buffer_;
};

class RunningAgent {
 public:
  RunningAgent(agent::Config config, agent::Devices devices);
  ~RunningAgent();
  RunningAgent(const RunningAgent&) = delete;
  RunningAgent& operator=(const RunningAgent&) = delete;
  [[nodiscard]] Client connect() const { return Client(socket_); }
  Answer evidence(std::string_view body) const { return connect().post("/v1/evidence", body); }
  [[nodiscard]] const std::string& socket() const { return socket_; }
  void stop();

 private:
  struct Thread;
  TemporaryFolder folder_;
  std::string socket_;
  std::unique_ptr<agent::Agent> agent_;
  std::unique_ptr<Thread> thread_;
};

// Defaults, but no sshd, no TPM and no event logs of the machine that runs the test.
agent::Config quiet_config();

}  // namespace attestd::test
