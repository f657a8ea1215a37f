#include "daemon/journal.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/file.h"
#include "base/unix_socket.h"

namespace attestd::daemon {
namespace {

std::atomic<int> level{static_cast<int>(Priority::info)};

// systemd.exec(5), $JOURNAL_STREAM: device and inode of the journal's socket. A
// child that redirected standard error inherits the variable, hence the comparison.
bool connected_to_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe): nothing calls setenv
  struct stat status{};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

// False when the journal does not take it.
bool send_entry(std::string_view entry) {
  static const auto address = unix_address("/run/systemd/journal/socket");
  static const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return address && fd &&
         ::sendto(fd.get(), entry.data(), entry.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&*address),
                  sizeof(sockaddr_un)) == static_cast<ssize_t>(entry.size());
}

// sd-daemon(3): a service manager reads the priority from the prefix.
void tell_standard_error(Priority priority, const std::string& message) {
  const std::string line =
      "<" + std::to_string(static_cast<int>(priority)) + ">" + ::program_invocation_short_name + ": " + message + "\n";
  (void)write_all(STDERR_FILENO, "standard error", as_bytes(line));
}

}  // namespace

std::vector<std::pair<std::string_view, Priority>> log_levels() {
  return {{"error", Priority::error},
          {"warning", Priority::warning},
          {"notice", Priority::notice},
          {"info", Priority::info},
          {"debug", Priority::debug}};
}

void set_log_level(Priority wanted) { level = static_cast<int>(wanted); }

std::string journal_field(std::string_view name, std::string_view value) {
  std::string out(name);
  if (value.find('\n') == std::string_view::npos) {
    out += '=';
  } else {
    out += '\n';
    for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>(std::uint64_t{value.size()} >> shift);
  }
  return out.append(value) + '\n';
}

void journal(Priority priority, const Event& event, std::string message, std::initializer_list<JournalField> fields) {
  if (static_cast<int>(priority) > level) return;
  message = one_line(std::move(message));
  static const bool structured = connected_to_journal();
  if (!structured) return tell_standard_error(priority, message);
  std::string entry;
  entry += journal_field("MESSAGE", message);
  entry += journal_field("MESSAGE_ID", event.id);
  entry += journal_field("PRIORITY", std::to_string(static_cast<int>(priority)));
  entry += journal_field("SYSLOG_IDENTIFIER", "attestd");
  entry += journal_field("ATTESTD_EVENT", event.name);
  for (const auto& [name, value] : fields) entry += journal_field(name, value);
  if (!send_entry(entry)) tell_standard_error(priority, message);
}

}  // namespace attestd::daemon
