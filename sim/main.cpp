// attestd-sim: a software CVM. attestd-sim(1) describes it.
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>

#include "base/encoding.h"
#include "base/file.h"
#include "daemon/service_manager.h"
#include "sim/agent_host.h"
#include "sim/command_line.h"
#include "sim/control.h"
#include "sim/machine.h"

namespace attestd::sim {
namespace {

void say(const std::string& text) { std::cout << text << std::endl; }

int complain(const Error& error) {
  std::cerr << "attestd-sim: " << error.text() << std::endl;
  return 1;
}

// The faults to start with go the way that later ones go.
Result<void> apply_start_faults(Machine& machine, const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    ATTESTD_TRY(const std::string done, machine.control(line));
    say("fault: " + done);
  }
  return {};
}

// Threads inherit the mask, so none of them takes what we wait for.
Result<UniqueFd> wait_for_end_signals() {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  if (::pthread_sigmask(SIG_BLOCK, &ends, nullptr) != 0) return fail(Errc::internal, "cannot block signals");
  UniqueFd fd(::signalfd(-1, &ends, SFD_CLOEXEC));
  if (!fd) return fail_errno(errno, "cannot wait for signals");
  return fd;
}

Result<void> serve(Machine& machine, const ControlSocket& socket, int signals) {
  std::array<pollfd, 2> wait = {{{signals, POLLIN, 0}, {socket.fd(), POLLIN, 0}}};
  for (bool tpm_lost = false;;) {
    const int ready = ::poll(wait.data(), wait.size(), 1000);
    if (ready < 0 && errno != EINTR) return fail_errno(errno, "cannot wait");
    if (ready > 0 && wait[0].revents != 0) return {};
    if (ready > 0 && wait[1].revents != 0) {
      socket.serve_one([&](const std::string& line) {
        auto reply = machine.control(line);
        // Reports are data for the asker, not news.
        if (!line.starts_with("report")) say(line + ": " + (reply ? *reply : reply.error().text()));
        return reply;
      });
    }
    if (const bool lost = !machine.healthy(); lost != tpm_lost) {
      if (lost) say("the TPM has died (attestd-sim tpm start revives it)");
      tpm_lost = lost;
    }
  }
}

Result<void> run(const CommandLine& command) {
  ATTESTD_TRY(const UniqueFd signals, wait_for_end_signals());
  ATTESTD_TRY(const auto machine, Machine::start(command.machine, say));
  ATTESTD_TRY(const ControlSocket socket, ControlSocket::listen(control_path(command.machine.state)));
  ATTESTD_CHECK(apply_start_faults(*machine, command.start_faults));
  ATTESTD_CHECK(machine->announce(say));
  std::unique_ptr<AgentHost> agent;
  if (command.in_process) {
    ATTESTD_TRY(agent, AgentHost::start(agent_config_path(command.machine.state), machine->report_device()));
    say("attestd: in this process, as configured");
  }
  daemon::notify_manager("READY=1");
  say("ready");
  ATTESTD_CHECK(serve(*machine, socket, signals.get()));
  daemon::notify_manager("STOPPING=1");
  say("stopping");
  return {};
}

Result<void> report(const CommandLine& command) {
  ATTESTD_TRY(const std::string hex,
              control(control_path(command.machine.state), "report " + command.report_data + " " + command.vmpl));
  ATTESTD_TRY(const Bytes bytes, from_hex(hex));
  if (command.output == "-") return write_all(STDOUT_FILENO, "standard output", bytes);
  return replace_file(command.output, bytes, 0644);
}

Result<void> tell(const CommandLine& command) {
  ATTESTD_TRY(const std::string reply, control(control_path(command.machine.state), command.control_line));
  say(reply);
  return {};
}

int main_of(int argc, char** argv) {
  const ParsedCommandLine parsed = parse_command_line(argc, argv);
  if (!parsed.command) return parsed.exit_status;
  const CommandLine& command = *parsed.command;
  Result<void> done;
  switch (command.verb) {
    case Verb::run: done = run(command); break;
    case Verb::mint: done = mint(command.machine, say); break;
    case Verb::report: done = report(command); break;
    case Verb::tell: done = tell(command); break;
  }
  return done ? 0 : complain(done.error());
}

}  // namespace
}  // namespace attestd::sim

int main(int argc, char** argv) {
  try {
    return attestd::sim::main_of(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "attestd-sim: %s\n", error.what());
    return 1;
  }
}
