#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <thread>
#include <tuple>

#include "base/encoding.h"
#include "client/commands.h"
#include "client/discovery.h"
#include "client/screen.h"
#include "client/watch_table.h"
#include "net/https_url.h"
#include "verifier/policy.h"

namespace attestd {
namespace {

using std::chrono::milliseconds, std::chrono::steady_clock;

constexpr std::size_t most_threads = 32;
constexpr milliseconds redraw_time{200};

// A bare name is a host: its gateway, as host-proof would find it.
Result<Whereabouts> whereabouts(const std::string& host) {
  if (host.find_first_of(":/") == std::string::npos || is_address(host)) return find_host(host, {});
  ATTESTD_TRY(Source source, parse_source(host));
  return Whereabouts{std::move(source), {}, {}, {}};
}

// Probes all hosts, some at a time, while others look at the rows.
class Round {
 public:
  Round(const Prober& prober, const CommonOptions& common, const WatchOptions& options, std::vector<WatchRow>& rows)
      : prober_(&prober), common_(&common), options_(&options), rows_(&rows) {
    const std::size_t count = std::min(rows.size(), most_threads);
    for (std::size_t i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
  }
  [[nodiscard]] bool done() const { return finished_ == rows_->size(); }
  [[nodiscard]] std::vector<WatchRow> rows() const {
    const std::scoped_lock lock(mutex_);
    return *rows_;
  }

 private:
  void work() {
    for (std::size_t i = next_++; i < rows_->size(); i = next_++) {
      ProbeResult result = probe(rows_->at(i).host);
      const std::scoped_lock lock(mutex_);
      rows_->at(i).result = std::move(result);
      ++finished_;
    }
  }
  [[nodiscard]] ProbeResult probe(const std::string& host) const {
    const auto where = whereabouts(host);
    if (where) {
      HttpsOptions https = common_->https;
      if (https.ca_file.empty()) https.ca_file = where->ca_file;
      ProbeResult out =
          prober_->probe({where->source, options_->cached, common_->timeout, https}, options_->trust.policy);
      if (out.failure) out.failure = unreached(*std::move(out.failure), *where);
      return out;
    }
    ProbeResult out;
    out.failure = where.error();
    out.verdict = undecided_verdict(*out.failure);
    out.at = static_cast<std::int64_t>(std::time(nullptr));
    return out;
  }

  const Prober* prober_;
  const CommonOptions* common_;
  const WatchOptions* options_;
  std::vector<WatchRow>* rows_;
  mutable std::mutex mutex_;
  std::atomic<std::size_t> next_ = 0, finished_ = 0;
  std::vector<std::jthread> threads_;  // the last: they use the others
};

class Watch {
 public:
  Watch(const CommonOptions& common, const WatchOptions& options, const Prober& prober)
      : common_(common), options_(options), prober_(prober), colour_(use_colour(common.colour)) {
    for (const std::string& host : options.hosts) rows_.push_back({host, std::nullopt});
    if (stdout_is_terminal() && !options.once && !common.json) screen_.emplace();
  }

  Result<int> run() {
    while (true) {
      const auto next = steady_clock::now() + milliseconds(static_cast<std::int64_t>(options_.interval_s * 1000));
      {
        const Round round(prober_, common_, options_, rows_);
        while (!round.done()) pause(round.rows(), redraw_time);
      }
      ATTESTD_CHECK(tell());
      if (options_.once) return status();
      for (auto left = next - steady_clock::now(); left > left.zero(); left = next - steady_clock::now()) {
        pause(rows_, std::max(milliseconds(1), std::chrono::duration_cast<milliseconds>(left)));
      }
    }
  }

 private:
  void draw(const std::vector<WatchRow>& rows) const {
    if (!screen_) return;
    const Screen::Size size = Screen::size();
    std::array<char, 64> note{};
    std::snprintf(note.data(), note.size(), "every %g s; Ctrl-C ends", options_.interval_s);
    std::ignore = print(watch_screen(rows, size.columns, size.lines, colour_, note.data()));
  }

  // Shows the rows, and waits for a signal.
  void pause(const std::vector<WatchRow>& rows, milliseconds time) {
    draw(rows);
    const auto number = Signals::wait(time);
    if (!number || *number == SIGWINCH) return;
    if (screen_) Screen::leave();
    if (*number != SIGTSTP) Signals::obey(*number);
    std::raise(SIGSTOP);  // NOLINT(cert-err33-c): cannot fail
    if (screen_) Screen::enter();
  }

  Result<void> tell() {
    if (screen_) {
      draw(rows_);
      return {};
    }
    const std::size_t width = host_width(rows_);
    std::string out;
    if (!common_.json && !std::exchange(headed_, true)) out += "TIME                  " + watch_heading(width) + "\n";
    for (const WatchRow& row : rows_) {
      const std::string time = to_rfc3339(row.result ? row.result->at : 0) + "  ";
      out += common_.json ? printable_json(watch_json(row)) + "\n" : time + watch_line(row, width, colour_) + "\n";
    }
    return print(out);
  }

  [[nodiscard]] int status() const {
    int worst = 0;
    for (const WatchRow& row : rows_) {
      const int one = row.result ? row.result->verdict.exit_status() : 2;
      if (one == 1) return 1;
      worst = std::max(worst, one);
    }
    return worst;
  }

  const CommonOptions& common_;
  const WatchOptions& options_;
  const Prober& prober_;
  bool colour_;
  bool headed_ = false;
  std::vector<WatchRow> rows_;
  std::optional<Screen> screen_;
};

}  // namespace

Result<int> run_watch(const CommonOptions& common, const WatchOptions& options) {
  if (options.trust.policy.empty()) {
    return fail(Errc::usage, "watch needs --policy FILE: make one with \"attestctl policy init\"");
  }
  // Mistakes in the policy are told now, not for each host.
  ATTESTD_CHECK(load_policy(options.trust.policy));
  ATTESTD_TRY(const Prober prober, Prober::make(options.trust));
  const Signals signals;
  Watch watch(common, options, prober);
  return watch.run();
}

}  // namespace attestd
