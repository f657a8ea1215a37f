#include "hwio/rtmr.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/file.h"
#include "hwio/tdx_guest.h"
#include "hwio/tdx_guest_abi.h"

namespace attestd::hwio {
namespace {

constexpr std::size_t largest_attribute = 4096;  // bytes, a page

Result<void> check_index(unsigned index) {
  if (index < tdx_guest::rtmr_count) return {};
  return fail(Errc::usage, "there is no RTMR " + std::to_string(index) + ", only 0 to 3");
}

Result<FixedBytes<48>> sha384_of(ByteView first, ByteView second) {
  Bytes both = to_bytes(first);
  both.insert(both.end(), second.begin(), second.end());
  FixedBytes<48> out{};
  if (EVP_Digest(both.data(), both.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, EVP_sha384(),
                 nullptr) != 1) {
    return fail(Errc::crypto, "OpenSSL computes no SHA-384");
  }
  return out;
}

std::string attribute(unsigned index) { return "rtmr" + std::to_string(index) + ":sha384"; }

class MeasurementFolder final : public MeasurementFiles {
 public:
  explicit MeasurementFolder(std::string folder) : folder_(std::move(folder)) {}

  Result<Bytes> read(const std::string& name) override { return read_file(folder_ + "/" + name, largest_attribute); }

  Result<void> write(const std::string& name, ByteView bytes) override {
    const std::string path = folder_ + "/" + name;
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd) return fail_errno(errno, "cannot open " + path + " for writing");
    // The kernel takes all 48 bytes at once, or none: half an extension must not be followed by another half.
    const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
    if (written < 0) return fail_errno(errno, "cannot write " + path);
    if (static_cast<std::size_t>(written) != bytes.size()) {
      return fail(Errc::io,
                  path + " took " + std::to_string(written) + " of " + std::to_string(bytes.size()) + " bytes");
    }
    return {};
  }

  [[nodiscard]] std::string where() const override { return folder_; }

 private:
  std::string folder_;
};

}  // namespace

std::unique_ptr<MeasurementFiles> open_measurements(std::string folder) {
  return std::make_unique<MeasurementFolder>(std::move(folder));
}

Result<FixedBytes<48>> Rtmrs::read(unsigned index) {
  ATTESTD_CHECK(check_index(index));
  FixedBytes<48> out{};
  auto bytes = files_->read(attribute(index));
  if (bytes) {
    if (bytes->size() != out.size()) {
      return fail(Errc::malformed, files_->where() + "/" + attribute(index) + " has " + std::to_string(bytes->size()) +
                                       " bytes, must have 48");
    }
    std::ranges::copy(*bytes, out.begin());
    return out;
  }
  if (bytes.error().code != Errc::not_found || !device_) return std::unexpected(std::move(bytes).error());
  ATTESTD_TRY(const Bytes report, td_report(*device_, {}));
  const auto value = ByteView(report).subspan(tdx_guest::rtmr_offset + index * tdx_guest::rtmr_size, out.size());
  std::ranges::copy(value, out.begin());
  return out;
}

Result<FixedBytes<48>> Rtmrs::extend(unsigned index, const FixedBytes<48>& digest) {
  ATTESTD_CHECK(check_index(index));
  ATTESTD_TRY(const auto before, read(index));
  if (auto written = files_->write(attribute(index), digest); !written) {
    Error error = std::move(written).error();
    const bool absent = error.code == Errc::not_found;
    if (absent) error.code = Errc::unsupported;
    return std::unexpected(std::move(error).in("cannot extend RTMR " + std::to_string(index) +
                                               (absent ? " (that takes Linux 6.16 with its TDX guest driver)" : "")));
  }
  ATTESTD_TRY(const auto after, read(index));
  ATTESTD_TRY(const auto expected, sha384_of(before, digest));
  if (after != expected) {
    return fail(Errc::mismatch, "RTMR " + std::to_string(index) +
                                    " does not show our extension alone: another process extended it too");
  }
  return after;
}

}  // namespace attestd::hwio
