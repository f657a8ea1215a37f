#include "net/intel_pcs.h"

#include "base/encoding.h"

namespace attestd {
namespace {

std::string with_path(std::string_view base, std::string_view path) {
  while (base.ends_with('/')) base.remove_suffix(1);
  return std::string(base) + std::string(path);
}

}  // namespace

std::string intel_tcb_info_url(std::string_view base, ByteView fmspc) {
  return with_path(base, "/tdx/certification/v4/tcb?fmspc=") + to_hex(fmspc);
}

std::string intel_qe_identity_url(std::string_view base) {
  return with_path(base, "/tdx/certification/v4/qe/identity");
}

std::string intel_pck_crl_url(std::string_view base, std::string_view ca) {
  return with_path(base, "/sgx/certification/v4/pckcrl?ca=") + std::string(ca) + "&encoding=der";
}

Result<std::string> percent_decoded(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() != '%') {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    const auto byte = from_hex(text.substr(1, 2));
    if (!byte || byte->size() != 1) return fail(Errc::malformed, "a percent sign without two hexadecimal digits");
    out += as_text(*byte);
    text.remove_prefix(3);
  }
  return out;
}

}  // namespace attestd
