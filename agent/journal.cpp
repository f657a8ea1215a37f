#include "agent/journal.h"

#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include "base/file.h"

namespace attestd::agent {
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

}  // namespace

std::vector<std::pair<std::string_view, Priority>> log_levels() {
  return {{"error", Priority::error},
          {"warning", Priority::warning},
          {"notice", Priority::notice},
          {"info", Priority::info},
          {"debug", Priority::debug}};
}

void set_log_level(Priority wanted) { level = static_cast<int>(wanted); }

void journal(Priority priority, const Event& event, std::string message, std::initializer_list<JournalField> fields) {
  if (static_cast<int>(priority) > level) return;
  message = one_line(std::move(message));
  static const bool structured = connected_to_journal();
  if (!structured) {
    // sd-daemon(3): a service manager reads the priority from the prefix.
    const std::string line = "<" + std::to_string(static_cast<int>(priority)) + ">" + ::program_invocation_short_name +
                             ": " + message + "\n";
    (void)write_all(STDERR_FILENO, "standard error", as_bytes(line));
    return;
  }
  std::vector<std::string> texts;
  texts.reserve(5 + fields.size());
  texts.push_back("MESSAGE=" + message);
  texts.push_back("MESSAGE_ID=" + std::string(event.id));
  texts.push_back("PRIORITY=" + std::to_string(static_cast<int>(priority)));
  texts.push_back("SYSLOG_IDENTIFIER=attestd");
  texts.push_back("ATTESTD_EVENT=" + std::string(event.name));
  for (const auto& [name, value] : fields) texts.push_back(std::string(name) + "=" + value);
  std::vector<iovec> vectors;
  vectors.reserve(texts.size());
  for (std::string& text : texts) vectors.push_back({text.data(), text.size()});
  (void)sd_journal_sendv(vectors.data(), static_cast<int>(vectors.size()));
}

}  // namespace attestd::agent
