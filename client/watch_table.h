// What `watch` shows of hosts. Whatever came from a host is escaped by printable().
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "client/probe.h"

namespace attestd {

struct WatchRow {
  std::string host;                   // as the user named it
  std::optional<ProbeResult> result;  // nothing: not asked yet
};

// "HOST  VERDICT  1 2 3 4 5  AGE  REASON", and a row under it; without a line end.
// `width`: of the longest host.
std::string watch_heading(std::size_t width);
std::string watch_line(const WatchRow& row, std::size_t width, bool colour);
std::size_t host_width(const std::vector<WatchRow>& rows);

// The whole screen, `columns` wide at most and `lines` high; escapes move the cursor
// home, and erase what was there. `note` is the last line.
std::string watch_screen(const std::vector<WatchRow>& rows, std::size_t columns, std::size_t lines, bool colour,
                         const std::string& note);

// One object of a row that has a result, on one line.
std::string watch_json(const WatchRow& row);

}  // namespace attestd
