#include "sim/inprocess.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "hwio/sev_guest_abi.h"

namespace attestd::sim {
namespace {

namespace abi = hwio::sev_guest;

constexpr std::uint32_t most_certificate_space = 16 * 1024;  // SEV_FW_BLOB_MAX_SIZE

class ModelFiles final : public hwio::TsmFiles {
 public:
  explicit ModelFiles(TsmModel& model) : model_(model) {}

  Result<void> make_entry(const std::string& entry) override { return result(model_.make_entry(entry), entry); }
  Result<void> remove_entry(const std::string& entry) override { return result(model_.remove_entry(entry), entry); }
  Result<void> write(const std::string& entry, std::string_view attribute, ByteView bytes) override {
    return result(model_.write(entry, attribute, bytes), entry + "/" + std::string(attribute));
  }
  Result<Bytes> read(const std::string& entry, std::string_view attribute) override {
    auto bytes = model_.read(entry, attribute);
    if (!bytes) return fail_errno(bytes.error(), "cannot read " + entry + "/" + std::string(attribute));
    return *std::move(bytes);
  }
  [[nodiscard]] std::string where() const override { return "the simulated configfs-tsm"; }

 private:
  static Result<void> result(int os_error, const std::string& what) {
    if (os_error != 0) return fail_errno(os_error, "the simulated configfs-tsm refuses " + what);
    return {};
  }
  TsmModel& model_;
};

class SimulatedSevGuest final : public hwio::IoctlDevice {
 public:
  explicit SimulatedSevGuest(Psp& psp) : psp_(psp) {}

  int ioctl(unsigned long request, void* argument) override {
    auto* guest_request = static_cast<abi::GuestRequest*>(argument);
    if (guest_request->msg_version == 0) return EINVAL;
    if (request != abi::get_report && request != abi::get_ext_report) return ENOTTY;
    if (guest_request->req_data == 0 || guest_request->resp_data == 0) return EINVAL;
    guest_request->exitinfo2 = abi::exitinfo2(0, 0xffffffff);  // "the firmware was not called"
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the ABI carries user pointers as numbers
    auto* extended = reinterpret_cast<abi::ExtendedReportRequest*>(guest_request->req_data);
    const abi::ReportRequest& plain = extended->data;
    bool with_certificates = false;
    if (request == abi::get_ext_report && extended->certs_len > 0) {
      if (extended->certs_len > most_certificate_space || extended->certs_len % abi::page_size != 0) return EINVAL;
      if (extended->certs_address == 0) return EINVAL;
      with_certificates = true;
    }
    if (request == abi::get_ext_report) {
      const std::size_t needed = psp_.certificates().size();
      if (needed > extended->certs_len && !psp_.key_wiped()) {
        extended->certs_len =
            static_cast<std::uint32_t>((needed + abi::page_size - 1) / abi::page_size * abi::page_size);
        guest_request->exitinfo2 = abi::exitinfo2(abi::vmm_error_invalid_length, 0);
        return EIO;
      }
    }
    FixedBytes<64> report_data;
    std::memcpy(report_data.data(), plain.user_data, report_data.size());
    const PspAnswer answer = psp_.request(report_data, plain.vmpl, with_certificates);
    guest_request->exitinfo2 = abi::exitinfo2(answer.vmm_error, answer.firmware_error);
    if (answer.os_error == EINVAL) return respond(*guest_request, abi::status_invalid_parameters, {});
    if (answer.os_error != 0) return answer.os_error;
    if (with_certificates) {
      // NOLINTNEXTLINE(performance-no-int-to-ptr): the ABI carries user pointers as numbers
      auto* space = reinterpret_cast<std::byte*>(extended->certs_address);
      std::fill_n(space, extended->certs_len, std::byte{0});
      std::copy(answer.certificates.begin(), answer.certificates.end(), space);
    }
    return respond(*guest_request, abi::status_success, answer.report);
  }

  [[nodiscard]] std::string where() const override { return "the simulated /dev/sev-guest"; }

 private:
  // MSG_REPORT_RSP: the firmware says in it whether it liked the parameters.
  static int respond(const abi::GuestRequest& request, std::uint32_t status, ByteView report) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the ABI carries user pointers as numbers
    auto* response = reinterpret_cast<abi::ReportResponse*>(request.resp_data);
    Writer writer;
    writer.le32(status).le32(static_cast<std::uint32_t>(report.size()));
    writer.zeros(abi::response_report_offset - writer.bytes().size()).raw(report);
    std::memset(response->data, 0, sizeof response->data);
    std::memcpy(response->data, writer.bytes().data(), writer.bytes().size());
    return 0;
  }

  Psp& psp_;
};

}  // namespace

std::unique_ptr<hwio::TsmFiles> make_tsm_files(TsmModel& model) { return std::make_unique<ModelFiles>(model); }
std::unique_ptr<hwio::IoctlDevice> make_sev_guest_ioctl(Psp& psp) { return std::make_unique<SimulatedSevGuest>(psp); }

}  // namespace attestd::sim
