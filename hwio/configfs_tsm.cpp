#include "hwio/configfs_tsm.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <utility>
#include <vector>

#include "hwio/backoff.h"
#include "hwio/configfs_tsm_internal.h"

namespace attestd::hwio {
namespace {

constexpr std::chrono::milliseconds longest_backoff{500};
constexpr std::size_t longest_provider_name = 64;  // characters
std::atomic<unsigned long> entries_named = 0;
// SEV-SNP ABI 56860 section 7.3, table 23: REPORTED_TCB.
constexpr std::size_t reported_tcb_offset = 0x180;
constexpr std::size_t reported_tcb_size = 8;

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

  // The kernel counts generations in an unsigned long that may wrap.
  Result<unsigned long> number(std::string_view attribute) {
    ATTESTD_TRY(const Bytes bytes, read(attribute));
    ATTESTD_TRY(const std::string text, text_line(bytes, attribute));
    unsigned long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
      return fail(Errc::malformed, "the kernel's " + std::string(attribute) + " attribute is not a number");
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
      : files_(std::move(files)), options_(std::move(options)) {}

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
  using Attributes = std::vector<std::pair<std::string_view, std::string>>;

  // A new entry each time, and never the name of another device of this process:
  // whoever disturbed the last one does not know it.
  Result<std::string> make_entry() {
    std::string name =
        std::string(tsm_entry_prefix) + std::to_string(::getpid()) + "-" + std::to_string(++entries_named);
    if (auto made = files_->make_entry(name); !made) {
      return std::unexpected(explain_make(std::move(made).error(), files_->where()));
    }
    return name;
  }

  Result<HardwareReport> try_once(const FixedBytes<64>& report_data) {
    if (!options_.svsm_service) {
      Attributes attributes;
      if (options_.privlevel) attributes.emplace_back("privlevel", std::to_string(*options_.privlevel));
      return report_of(report_data, attributes);
    }
    ATTESTD_TRY(HardwareReport report, report_of(report_data, {{"service_provider", "svsm"},
                                                               {"service_guid", *options_.svsm_service},
                                                               {"service_manifest_version", "0"}}));
    if (report.manifest.empty()) return fail(Errc::malformed, "the SVSM attests its service without a manifest");
    if (report.certificates.empty()) {
      ATTESTD_TRY(report.certificates, certificates_beside(report.report));
    }
    return report;
  }

  // Coconut's SVSM gives none. They are the host's and the same for every report of
  // this chip and TCB: those of a report to the kernel itself fit as well.
  Result<Bytes> certificates_beside(ByteView report) {
    Bytes tcb;
    if (report.size() >= reported_tcb_offset + reported_tcb_size) {
      tcb = to_bytes(report.subspan(reported_tcb_offset, reported_tcb_size));
    }
    if (tcb == known_tcb_ && !known_certificates_.empty()) return known_certificates_;
    ATTESTD_TRY(const std::string name, make_entry());
    unsigned long floor = 0;
    {
      Entry entry(*files_, name);
      ATTESTD_TRY(floor, entry.number("privlevel_floor"));
    }
    ATTESTD_TRY(HardwareReport plain, report_of({}, {{"privlevel", std::to_string(floor)}}));
    known_tcb_ = std::move(tcb);
    known_certificates_ = plain.certificates;
    return std::move(plain.certificates);
  }

  Result<HardwareReport> report_of(const FixedBytes<64>& report_data, const Attributes& attributes) {
    ATTESTD_TRY(const std::string name, make_entry());
    Entry entry(*files_, name);

    ATTESTD_TRY(unsigned long expected, entry.number("generation"));
    for (const auto& [attribute, value] : attributes) {
      if (auto written = entry.write(attribute, as_bytes(value)); !written) {
        return std::unexpected(explain_service(std::move(written).error(), entry, attribute));
      }
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
    ATTESTD_TRY(report.certificates, optional_blob(entry, "auxblob"));
    ATTESTD_TRY(report.manifest, optional_blob(entry, "manifestblob"));
    ATTESTD_TRY(const Bytes provider, entry.read("provider"));
    ATTESTD_TRY(report.provider, text_line(provider, "provider"));
    ATTESTD_CHECK(expect_generation(entry, expected));
    return report;
  }

  // Not every provider has it, and then there is no such attribute.
  static Result<Bytes> optional_blob(Entry& entry, std::string_view attribute) {
    auto bytes = entry.read_as_is(attribute);
    if (bytes || bytes.error().os_error == ENOENT) return std::move(bytes).value_or(Bytes{});
    return std::unexpected(entry.explain(std::move(bytes).error(), attribute));
  }

  // ENOENT otherwise means that somebody removed the entry, but these attributes
  // are there only where the kernel runs under an SVSM.
  static Error explain_service(Error error, Entry& entry, std::string_view attribute) {
    if (!attribute.starts_with("service_") || error.os_error != ENOENT || !entry.number("generation")) return error;
    error.code = Errc::not_found;
    return std::move(error).in("this guest does not run under an SVSM, or its kernel is older than Linux 6.11");
  }

  static Result<void> expect_generation(Entry& entry, unsigned long expected) {
    ATTESTD_TRY(const unsigned long generation, entry.number("generation"));
    if (generation == expected) return {};
    return fail(Errc::changed, "the generation of the configfs-tsm entry is " + std::to_string(generation) +
                                   " where our own writes make " + std::to_string(expected));
  }

  std::unique_ptr<TsmFiles> files_;
  ConfigfsTsmOptions options_;
  Bytes known_tcb_;  // of the certificates that we know
  Bytes known_certificates_;
};

}  // namespace

Result<bool> has_svsm_services(TsmFiles& files) {
  const std::string name = std::string(tsm_entry_prefix) + std::to_string(::getpid()) + "-svsm";
  [[maybe_unused]] const auto stale = files.remove_entry(name);  // of a process with our number that crashed
  if (auto made = files.make_entry(name); !made) {
    return std::unexpected(explain_make(std::move(made).error(), files.where()));
  }
  Entry entry(files, name);
  return files.write(name, "service_provider", as_bytes("svsm")).has_value();
}

std::unique_ptr<ReportDevice> make_configfs_tsm(std::unique_ptr<TsmFiles> files, ConfigfsTsmOptions options) {
  return std::make_unique<ConfigfsTsm>(std::move(files), std::move(options));
}

}  // namespace attestd::hwio
