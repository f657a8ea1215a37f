#include "hwio/configfs_tsm.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "hwio/backoff.h"
#include "hwio/configfs_tsm_internal.h"

namespace attestd::hwio {
namespace {

constexpr std::chrono::milliseconds longest_backoff{500};
constexpr std::size_t longest_provider_name = 64;  // characters

bool worth_retrying(const Error& error) { return error.code == Errc::busy || error.code == Errc::changed; }

// One line of text with nothing in it that could disturb a terminal or a log.
Result<std::string> text_line(ByteView bytes, std::string_view attribute) {
  std::string_view text = as_text(bytes);
  while (text.ends_with('\n')) text.remove_suffix(1);
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (text.empty() || text.size() > longest_provider_name || !printable) {
    return fail(Errc::malformed, "the kernel's " + std::string(attribute) + " attribute is not a single word");
  }
  return std::string(text);
}

// Removes the entry whatever happens; a failure to do so is no reason to
// withhold a report, and the next start of the process cleans up.
class Entry {
 public:
  Entry(TsmFiles& files, std::string name) : files_(files), name_(std::move(name)) {}
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  ~Entry() { [[maybe_unused]] const auto removed = files_.remove_entry(name_); }

  Result<void> write(std::string_view attribute, ByteView bytes) {
    auto written = files_.write(name_, attribute, bytes);
    if (!written) return std::unexpected(explain(std::move(written).error(), attribute));
    return {};
  }

  Result<Bytes> read(std::string_view attribute) {
    auto bytes = read_as_is(attribute);
    if (!bytes) return std::unexpected(explain(std::move(bytes).error(), attribute));
    return bytes;
  }

  // Without an explanation, for attributes that may be absent.
  Result<Bytes> read_as_is(std::string_view attribute) {
    auto bytes = files_.read(name_, attribute);
    if (bytes && bytes->size() > tsm_attribute_limit(attribute)) {
      return fail(Errc::out_of_range, std::string(attribute) + " is larger than the limit of " +
                                          std::to_string(tsm_attribute_limit(attribute)) + " bytes");
    }
    return bytes;
  }

  // The kernel counts in an unsigned long that may wrap.
  Result<unsigned long> generation() {
    ATTESTD_TRY(const Bytes bytes, read("generation"));
    ATTESTD_TRY(const std::string text, text_line(bytes, "generation"));
    unsigned long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
      return fail(Errc::malformed, "the kernel's generation attribute is not a number");
    }
    return value;
  }

  // Linux drivers/virt/coco/guest/report.c says which errno means what.
  Error explain(Error error, std::string_view attribute) {
    switch (error.os_error) {
      case EBUSY:
      case EINTR: error.code = Errc::busy; return std::move(error).in("the report device is in use");
      case EWOULDBLOCK:
      case ENOENT:
        error.code = Errc::changed;
        return std::move(error).in("another writer changed or removed the configfs-tsm entry");
      case ENOTTY: return explain_enotty(std::move(error));
      case EOPNOTSUPP:
      case ENOSYS:
        error.code = Errc::unsupported;
        return std::move(error).in("the TSM provider does not support this request");
      case EINVAL:
        error.code = Errc::usage;
        return std::move(error).in(attribute == "privlevel" ? "the TSM provider refuses this privilege level"
                                                            : "the TSM provider refuses the request");
      case ETIMEDOUT:
        error.code = Errc::timed_out;
        return std::move(error).in("the host did not answer the guest's request in time");
      case EIO:
      case EBADMSG:
        error.code = Errc::io;
        return std::move(error).in(
            "the host or the security processor failed the request; the kernel log has its code");
      default: return error;
    }
  }

 private:
  // ENOTTY is what sev-guest returns once it has wiped its VMPCK, and what
  // configfs-tsm returns when the provider's module was unloaded meanwhile.
  Error explain_enotty(Error error) {
    const auto provider = files_.read(name_, "provider");
    const bool sev_guest = provider && as_text(*provider).starts_with("sev_guest");
    error.code = sev_guest ? Errc::key_wiped : Errc::not_found;
    return std::move(error).in(
        sev_guest ? "the kernel has wiped the key for requests to the AMD security processor; only a reboot of the VM "
                    "brings it back"
                  : "the TSM provider has gone (was its module unloaded?)");
  }

  TsmFiles& files_;
  std::string name_;
};

Error explain_make(Error error, const std::string& where) {
  switch (error.os_error) {
    case ENXIO:
      error.code = Errc::not_found;
      return std::move(error).in("the kernel has no TSM provider (is sev-guest or tdx-guest loaded?)");
    case ENOENT:
    case ENOTDIR:
      error.code = Errc::not_found;
      return std::move(error).in(where + " does not exist (is configfs mounted and the tsm module loaded?)");
    case EBUSY:
    case EINTR:
    case EEXIST: error.code = Errc::busy; return error;
    case EROFS: error.code = Errc::permission; return error;
    default: return error;
  }
}

class ConfigfsTsm final : public ReportDevice {
 public:
  ConfigfsTsm(std::unique_ptr<TsmFiles> files, ConfigfsTsmOptions options)
      : files_(std::move(files)), options_(options) {}

  Result<HardwareReport> report(const FixedBytes<64>& report_data) override {
    Backoff backoff(options_.first_backoff, longest_backoff);
    for (unsigned attempt = 1;; ++attempt) {
      auto report = try_once(report_data);
      if (report) report->attempts = attempt;
      if (report || !worth_retrying(report.error())) return report;
      if (attempt >= options_.attempts) {
        return std::unexpected(
            std::move(report).error().in("no report after " + std::to_string(attempt) + " attempts"));
      }
      backoff.wait();
    }
  }

  [[nodiscard]] std::string where() const override { return files_->where(); }

 private:
  // A new entry each time: whoever disturbed the last one does not know its name.
  Result<HardwareReport> try_once(const FixedBytes<64>& report_data) {
    const std::string name =
        std::string(tsm_entry_prefix) + std::to_string(::getpid()) + "-" + std::to_string(++counter_);
    if (auto made = files_->make_entry(name); !made) {
      return std::unexpected(explain_make(std::move(made).error(), files_->where()));
    }
    Entry entry(*files_, name);

    ATTESTD_TRY(unsigned long expected, entry.generation());
    if (options_.privlevel) {
      ATTESTD_CHECK(entry.write("privlevel", as_bytes(std::to_string(*options_.privlevel))));
      ++expected;
    }
    // The kernel takes inblob when the file is closed and cannot return an error
    // from there: that the generation moved is the only sign of success.
    ATTESTD_CHECK(entry.write("inblob", report_data));
    ++expected;
    ATTESTD_CHECK(expect_generation(entry, expected));

    HardwareReport report;
    ATTESTD_TRY(report.report, entry.read("outblob"));
    if (report.report.empty()) return fail(Errc::malformed, "the kernel returned an empty report");
    // Not every provider has certificates, and then there is no such attribute.
    auto certificates = entry.read_as_is("auxblob");
    if (certificates) {
      report.certificates = std::move(*certificates);
    } else if (certificates.error().os_error != ENOENT) {
      return std::unexpected(entry.explain(std::move(certificates).error(), "auxblob"));
    }
    ATTESTD_TRY(const Bytes provider, entry.read("provider"));
    ATTESTD_TRY(report.provider, text_line(provider, "provider"));
    ATTESTD_CHECK(expect_generation(entry, expected));
    return report;
  }

  static Result<void> expect_generation(Entry& entry, unsigned long expected) {
    ATTESTD_TRY(const unsigned long generation, entry.generation());
    if (generation == expected) return {};
    return fail(Errc::changed, "the generation of the configfs-tsm entry is " + std::to_string(generation) +
                                   " where our own writes make " + std::to_string(expected));
  }

  std::unique_ptr<TsmFiles> files_;
  ConfigfsTsmOptions options_;
  unsigned long counter_ = 0;
};

}  // namespace

std::unique_ptr<ReportDevice> make_configfs_tsm(std::unique_ptr<TsmFiles> files, ConfigfsTsmOptions options) {
  return std::make_unique<ConfigfsTsm>(std::move(files), options);
}

}  // namespace attestd::hwio
