#include "hwio/sev_guest.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/hex_number.h"
#include "hwio/backoff.h"
#include "hwio/sev_guest_abi.h"

namespace attestd::hwio {
namespace {

namespace abi = sev_guest;

constexpr std::chrono::milliseconds longest_backoff{2000};
// What Linux takes at most (SEV_FW_BLOB_MAX_SIZE) is also what a certificate
// table needs in practice, so asking for it first saves a firmware request.
constexpr std::uint32_t first_certificate_space = 16 * 1024;
constexpr std::uint32_t most_certificate_space = 1024 * 1024;
constexpr unsigned most_length_changes = 3;

// AMD 56860 SEV-SNP ABI, status codes; psp-sev.h has the same numbers.
std::string_view firmware_status_name(std::uint32_t status) {
  switch (status) {
    case 0x01: return "INVALID_PLATFORM_STATE";
    case 0x02: return "INVALID_GUEST_STATE";
    case 0x03: return "INVALID_CONFIG";
    case 0x04: return "INVALID_LENGTH";
    case 0x05: return "ALREADY_OWNED";
    case 0x06: return "INVALID_CERTIFICATE";
    case 0x07: return "POLICY_FAILURE";
    case 0x08: return "INACTIVE";
    case 0x09: return "INVALID_ADDRESS";
    case 0x0a: return "BAD_SIGNATURE";
    case 0x0b: return "BAD_MEASUREMENT";
    case 0x0c: return "ASID_OWNED";
    case 0x0d: return "INVALID_ASID";
    case 0x0e: return "WBINVD_REQUIRED";
    case 0x0f: return "DFFLUSH_REQUIRED";
    case 0x10: return "INVALID_GUEST";
    case 0x11: return "INVALID_COMMAND";
    case 0x12: return "ACTIVE";
    case 0x13: return "HWERROR_PLATFORM";
    case 0x14: return "HWERROR_UNSAFE";
    case 0x15: return "UNSUPPORTED";
    case 0x16: return "INVALID_PARAM";
    case 0x17: return "RESOURCE_LIMIT";
    case 0x18: return "SECURE_DATA_INVALID";
    case 0x19: return "INVALID_PAGE_SIZE";
    case 0x1a: return "INVALID_PAGE_STATE";
    case 0x1b: return "INVALID_MDATA_ENTRY";
    case 0x1c: return "INVALID_PAGE_OWNER";
    case 0x1d: return "AEAD_OFLOW";
    case 0x1f: return "RB_MODE_EXITED";
    case 0x20: return "RMP_INIT_REQUIRED";
    case 0x21: return "BAD_SVN";
    case 0x22: return "BAD_VERSION";
    case 0x23: return "SHUTDOWN_REQUIRED";
    case 0x24: return "UPDATE_FAILED";
    case 0x25: return "RESTORE_REQUIRED";
    case 0x26: return "RMP_INITIALIZATION_FAILED";
    case 0x27: return "INVALID_KEY";
    case 0xffffffff: return "the firmware was not called";
    default: return "unknown";
  }
}

std::string firmware_status(std::uint32_t status) {
  return hex_number(status) + " (" + std::string(firmware_status_name(status)) + ")";
}

// How much of `buffer` the certificate table uses, as the kernel counts it for
// configfs-tsm: entries of GUID, offset and length (little-endian, GHCB
// specification 56421 "SNP Extended Guest Request") up to one of zeros. A table
// that makes no sense is passed on whole: whoever parses it says what is wrong.
std::size_t used_length(ByteView buffer) {
  if (all_zero(buffer)) return 0;
  Reader reader(buffer);
  std::size_t end = 0;
  for (;;) {
    const auto guid = reader.fixed<16>("GUID");
    const auto offset = reader.le32("offset");
    const auto length = reader.le32("length");
    if (!guid || !offset || !length) return buffer.size();
    if (all_zero(*guid) && *offset == 0 && *length == 0) return std::max(end, reader.offset());
    const std::uint64_t entry_end = std::uint64_t{*offset} + *length;
    if (entry_end > buffer.size()) return buffer.size();
    end = std::max(end, static_cast<std::size_t>(entry_end));
  }
}

struct Answer {
  int os_error = 0;
  std::uint32_t vmm_error = 0;
  std::uint32_t firmware_error = 0;
  std::uint32_t certs_len = 0;  // as the kernel left it
  Bytes report;                 // MSG_REPORT_RSP
  Bytes certificates;

  [[nodiscard]] bool wants_more_space() const {
    return (os_error == EIO || os_error == ENOSPC) && vmm_error == abi::vmm_error_invalid_length;
  }
};

Error explain(const Answer& answer) {
  const auto error = [&](Errc code, std::string message) {
    return Error{code, std::move(message), {}, answer.os_error};
  };
  switch (answer.os_error) {
    case ENOTTY:
      return error(Errc::key_wiped,
                   "the kernel has wiped the key for requests to the AMD security processor; only a reboot of the VM "
                   "brings it back");
    case EBUSY:
    case EINTR: return error(Errc::busy, "the sev-guest device is in use");
    case EAGAIN: return error(Errc::throttled, "the host limits requests to the AMD security processor");
    case ETIMEDOUT:
      return error(Errc::timed_out,
                   "the host kept the request waiting until the kernel gave up, which wipes the key for further ones");
    case EBADMSG:
      return error(Errc::io,
                   "the answer of the AMD security processor is not authentic or out of sequence, which wipes the key "
                   "for further requests");
    case ENOSR:
      return error(Errc::key_wiped,
                   "the message counter to the AMD security processor has run out; only a reboot of the VM resets it");
    case EINVAL: return error(Errc::usage, "the sev-guest driver refuses the request (a VMPL it does not serve?)");
    case ENODEV:
    case ENXIO: return error(Errc::not_found, "the sev-guest device has gone");
    case EACCES:
    case EPERM: return error(Errc::permission, "the kernel refuses access to the sev-guest device");
    default: break;
  }
  if (answer.vmm_error == abi::vmm_error_busy) {
    return error(Errc::throttled, "the host limits requests to the AMD security processor");
  }
  if (answer.vmm_error != 0) {
    return error(Errc::io, "the host refused the guest request with VMM error " + std::to_string(answer.vmm_error));
  }
  if (answer.firmware_error != 0) {
    return error(Errc::io,
                 "the AMD security processor failed the request with status " + firmware_status(answer.firmware_error));
  }
  return error(Errc::io, "the request to the AMD security processor failed");
}

Result<Bytes> report_in(ByteView response) {
  Reader reader(response);
  ATTESTD_TRY(const std::uint32_t status, reader.le32("status"));
  ATTESTD_TRY(const std::uint32_t size, reader.le32("report size"));
  if (status == abi::status_invalid_parameters) {
    return fail(Errc::usage, "the AMD security processor refuses the request's parameters (a VMPL above the guest's?)");
  }
  if (status == abi::status_invalid_key_selection) {
    return fail(Errc::usage, "the AMD security processor cannot sign with the selected key");
  }
  if (status != abi::status_success) {
    return fail(Errc::io, "the AMD security processor answered with status " + firmware_status(status));
  }
  ATTESTD_CHECK(reader.skip(abi::response_report_offset - reader.offset(), "reserved bytes"));
  if (size < abi::report_size || size > reader.remaining()) {
    return fail(Errc::malformed, "the AMD security processor announces a report of " + std::to_string(size) + " bytes");
  }
  ATTESTD_TRY(const ByteView report, reader.take(size, "report"));
  return to_bytes(report);
}

class SevGuest final : public ReportDevice {
 public:
  SevGuest(std::unique_ptr<IoctlDevice> device, SevGuestOptions options)
      : device_(std::move(device)), options_(options) {}

  Result<HardwareReport> report(const FixedBytes<64>& report_data) override {
    Backoff backoff(options_.first_backoff, longest_backoff);
    unsigned length_changes = 0;
    bool with_certificates = true;
    for (unsigned attempt = 1;; ++attempt) {
      Answer answer = ask(report_data, with_certificates);
      if (answer.os_error == 0) return finish(std::move(answer), attempt);
      if (with_certificates && answer.wants_more_space()) {
        // The host decides the length, so it could keep us here for ever. A
        // report without its certificates is still a report.
        with_certificates = ++length_changes <= most_length_changes && answer.certs_len > certificate_space_ &&
                            answer.certs_len <= most_certificate_space;
        certificate_space_ = with_certificates ? round_up(answer.certs_len) : first_certificate_space;
        continue;
      }
      if (with_certificates && answer.os_error == EINVAL && certificate_space_ > first_certificate_space) {
        with_certificates = false;  // the driver has a limit of its own
        certificate_space_ = first_certificate_space;
        continue;
      }
      Error error = explain(answer);
      if (error.code != Errc::busy && error.code != Errc::throttled) return std::unexpected(std::move(error));
      if (attempt >= options_.attempts + length_changes) {
        return std::unexpected(std::move(error).in("no report after " + std::to_string(attempt) + " attempts"));
      }
      backoff.wait();
    }
  }

  [[nodiscard]] std::string where() const override { return device_->where(); }

 private:
  static std::uint32_t round_up(std::uint32_t length) {
    return (length + abi::page_size - 1) / abi::page_size * abi::page_size;
  }

  Answer ask(const FixedBytes<64>& report_data, bool with_certificates) {
    Answer answer;
    if (with_certificates) answer.certificates.resize(certificate_space_);
    abi::ReportResponse response = {};
    abi::ExtendedReportRequest request = {};
    std::memcpy(request.data.user_data, report_data.data(), report_data.size());
    request.data.vmpl = options_.vmpl;
    request.certs_len = static_cast<std::uint32_t>(answer.certificates.size());
    request.certs_address = reinterpret_cast<std::uint64_t>(answer.certificates.data());
    abi::GuestRequest argument = {};
    argument.msg_version = abi::message_version;
    // A plain request is the extended one's first member.
    argument.req_data = reinterpret_cast<std::uint64_t>(&request);
    argument.resp_data = reinterpret_cast<std::uint64_t>(&response);

    answer.os_error = device_->ioctl(with_certificates ? abi::get_ext_report : abi::get_report, &argument);
    answer.vmm_error = static_cast<std::uint32_t>(argument.exitinfo2 >> 32U);
    answer.firmware_error = static_cast<std::uint32_t>(argument.exitinfo2);
    answer.certs_len = request.certs_len;
    answer.report = to_bytes(std::as_bytes(std::span(response.data)));
    return answer;
  }

  static Result<HardwareReport> finish(Answer answer, unsigned attempt) {
    HardwareReport out;
    ATTESTD_TRY(out.report, report_in(answer.report));
    answer.certificates.resize(used_length(answer.certificates));
    out.certificates = std::move(answer.certificates);
    out.provider = "sev_guest";
    out.attempts = attempt;
    return out;
  }

  std::unique_ptr<IoctlDevice> device_;
  SevGuestOptions options_;
  std::uint32_t certificate_space_ = first_certificate_space;  // what was enough last time
};

}  // namespace

std::unique_ptr<ReportDevice> make_sev_guest(std::unique_ptr<IoctlDevice> device, SevGuestOptions options) {
  return std::make_unique<SevGuest>(std::move(device), options);
}

}  // namespace attestd::hwio
