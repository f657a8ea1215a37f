// What the daemon tells its administrator: structured entries in the journal
// when the service manager connected us to it, lines on standard error otherwise.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attestd::daemon {

enum class Priority : int { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };  // as syslog(3) counts
// By their names in configuration files.
std::vector<std::pair<std::string_view, Priority>> log_levels();

// One for each kind of event, so that `journalctl MESSAGE_ID=…` finds them all.
struct Event {
  std::string_view id;    // 128 bits in hex, as sd-id128(3) writes them
  std::string_view name;  // ATTESTD_EVENT= in the journal
};

namespace events {
inline constexpr Event started{"c8c2f0a5b3a74d1f9a2e5d0c4c1f7b01", "started"};
inline constexpr Event stopping{"c8c2f0a5b3a74d1f9a2e5d0c4c1f7b02", "stopping"};
inline constexpr Event reloaded{"c8c2f0a5b3a74d1f9a2e5d0c4c1f7b03", "reloaded"};
inline constexpr Event configuration_refused{"c8c2f0a5b3a74d1f9a2e5d0c4c1f7b04", "configuration-refused"};
inline constexpr Event hardware_lost{"c8c2f0a5b3a74d1f9a2e5d0c4c1f7b05", "hardware-lost"};
inline constexpr Event hardware_back{"c8c2f0a5b3a74d1f9a2e5d0c4c1f7b06", "hardware-back"};
inline constexpr Event tpm_lost{"c8c2f0a5b3a74d1f9a2e5d0c4c1f7b07", "tpm-lost"};
inline constexpr Event tpm_back{"c8c2f0a5b3a74d1f9a2e5d0c4c1f7b08", "tpm-back"};
inline constexpr Event host_keys_changed{"c8c2f0a5b3a74d1f9a2e5d0c4c1f7b09", "host-keys-changed"};
inline constexpr Event host_key_unusable{"c8c2f0a5b3a74d1f9a2e5d0c4c1f7b0a", "host-key-unusable"};
inline constexpr Event credential_refused{"c8c2f0a5b3a74d1f9a2e5d0c4c1f7b0b", "credential-refused"};
inline constexpr Event accept_failed{"c8c2f0a5b3a74d1f9a2e5d0c4c1f7b0c", "accept-failed"};
inline constexpr Event failed{"c8c2f0a5b3a74d1f9a2e5d0c4c1f7b0d", "failed"};
inline constexpr Event evidence_incomplete{"c8c2f0a5b3a74d1f9a2e5d0c4c1f7b0e", "evidence-incomplete"};
inline constexpr Event mappings_unknown{"c8c2f0a5b3a74d1f9a2e5d0c4c1f7b0f", "mappings-unknown"};
}  // namespace events

// Entries less urgent than this are dropped. Call before other threads start.
void set_log_level(Priority level);

using JournalField = std::pair<std::string_view, std::string>;  // "ATTESTD_ERROR", value
// `message` is one sentence; control characters in it become '?'. Any thread.
void journal(Priority priority, const Event& event, std::string message,
             std::initializer_list<JournalField> fields = {});

// One field as the journal takes it (systemd.io/JOURNAL_NATIVE_PROTOCOL): "NAME=value\n", and for a value with a line
// break its size, 64 bits in little endian.
std::string journal_field(std::string_view name, std::string_view value);

}  // namespace attestd::daemon
