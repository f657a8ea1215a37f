#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "verifier/tdx_tcb_internal.h"

namespace attestd {
namespace {

// What a status says is wrong.
struct Needs {
  bool revoked = false, update = false, configuration = false, hardening = false;
};

Needs needs_of(TcbStatus status) {
  switch (status) {
    case TcbStatus::up_to_date: return {};
    case TcbStatus::sw_hardening_needed: return {.hardening = true};
    case TcbStatus::configuration_needed: return {.configuration = true};
    case TcbStatus::configuration_and_sw_hardening_needed: return {.configuration = true, .hardening = true};
    case TcbStatus::out_of_date: return {.update = true};
    case TcbStatus::out_of_date_configuration_needed: return {.update = true, .configuration = true};
    case TcbStatus::revoked: break;
  }
  return {.revoked = true};
}

std::string svn_text(ByteView svn) { return to_hex(svn); }

template <class T>
bool all_at_least(const T& have, const T& needed, std::size_t from) {
  for (std::size_t i = from; i < have.size(); ++i) {
    if (have[i] < needed[i]) return false;
  }
  return true;
}

std::array<std::uint8_t, 16> numbers(const FixedBytes<16>& bytes) {
  std::array<std::uint8_t, 16> out{};
  std::ranges::transform(bytes, out.begin(), [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
  return out;
}

std::uint8_t module_version(const TdQuoteBody& body) { return std::to_integer<std::uint8_t>(body.tee_tcb_svn[1]); }

FixedBytes<8> seam_attributes(const TdQuoteBody& body) {
  FixedBytes<8> out{};
  const Bytes bytes = Writer().le64(body.seam_attributes).take();
  std::ranges::copy(bytes, out.begin());
  return out;
}

template <std::size_t N>
bool equal_under(const FixedBytes<N>& value, const FixedBytes<N>& expected, const FixedBytes<N>& mask) {
  for (std::size_t i = 0; i < N; ++i) {
    if ((value[i] & mask[i]) != (expected[i] & mask[i])) return false;
  }
  return true;
}

Result<void> check_module(const TdQuoteBody& body, const TdxModule& module, const std::string& name) {
  if (body.mrsignerseam != module.mrsigner) {
    return fail(Errc::mismatch, "MRSIGNERSEAM is " + to_hex(body.mrsignerseam) + ", " + name + " is signed by " +
                                    to_hex(module.mrsigner));
  }
  const FixedBytes<8> attributes = seam_attributes(body);
  if (!equal_under(attributes, module.attributes, module.attributes_mask)) {
    return fail(Errc::mismatch, "SEAMATTRIBUTES are " + to_hex(attributes) + ", " + name + " has " +
                                    to_hex(module.attributes) + " under the mask " + to_hex(module.attributes_mask));
  }
  return {};
}

Result<TcbVerdict> level_of(const std::vector<IsvSvnLevel>& levels, std::uint16_t isvsvn, const std::string& name) {
  const auto level = std::ranges::find_if(levels, [&](const IsvSvnLevel& one) { return isvsvn >= one.isvsvn; });
  if (level == levels.end()) {
    return fail(Errc::not_found, "no TCB level of " + name + " is for ISVSVN " + std::to_string(isvsvn));
  }
  return level->verdict;
}

std::string identity_name(const TdQuoteBody& body) { return "TDX_" + to_hex(ByteView(body.tee_tcb_svn).subspan(1, 1)); }

Result<const TdxModuleIdentity*> find_identity(const TdxTcbInfo& info, const TdQuoteBody& body) {
  for (const TdxModuleIdentity& one : info.module_identities) {
    constexpr std::string_view prefix = "TDX_";
    if (!one.id.starts_with(prefix)) continue;
    const auto number = from_hex(std::string_view(one.id).substr(prefix.size()));  // of either case
    if (number && number->size() == 1 && number->front() == body.tee_tcb_svn[1]) return &one;
  }
  return fail(Errc::not_found, "the TCB info has no module identity " + identity_name(body) + " for TEE TCB SVN " +
                                   svn_text(body.tee_tcb_svn));
}

}  // namespace

TcbStatus converge(TcbStatus a, TcbStatus b) {
  const Needs one = needs_of(a);
  const Needs other = needs_of(b);
  if (one.revoked || other.revoked) return TcbStatus::revoked;
  const bool configuration = one.configuration || other.configuration;
  if (one.update || other.update) {
    return configuration ? TcbStatus::out_of_date_configuration_needed : TcbStatus::out_of_date;
  }
  const bool hardening = one.hardening || other.hardening;
  if (configuration) {
    return hardening ? TcbStatus::configuration_and_sw_hardening_needed : TcbStatus::configuration_needed;
  }
  return hardening ? TcbStatus::sw_hardening_needed : TcbStatus::up_to_date;
}

Result<TcbVerdict> find_platform_level(const TdxTcbInfo& info, const PckExtensions& pck, const TdQuoteBody& body) {
  const std::array<std::uint8_t, 16> tee_svn = numbers(body.tee_tcb_svn);
  // Modules of version 1 and above have levels of their own, in tdxModuleIdentities.
  const std::size_t first = module_version(body) == 0 ? 0 : 2;
  for (const TcbLevel& level : info.levels) {
    if (all_at_least(pck.sgx_components, level.sgx_components, 0) && pck.pcesvn >= level.pcesvn &&
        all_at_least(tee_svn, level.tdx_components, first)) {
      return level.verdict;
    }
  }
  return fail(Errc::not_found, "no TCB level is for this platform: SGX TCB components " +
                                   svn_text(std::as_bytes(std::span(pck.sgx_components))) + ", PCESVN " +
                                   std::to_string(pck.pcesvn) + ", TEE TCB SVN " + svn_text(body.tee_tcb_svn));
}

Result<void> check_tdx_module(const TdxTcbInfo& info, const TdQuoteBody& body) {
  if (module_version(body) == 0) return check_module(body, info.module, "Intel's TDX module");
  ATTESTD_TRY(const TdxModuleIdentity* const identity, find_identity(info, body));
  return check_module(body, identity->module, "module " + identity_name(body));
}

Result<std::optional<TcbVerdict>> find_module_level(const TdxTcbInfo& info, const TdQuoteBody& body) {
  if (module_version(body) == 0) return std::optional<TcbVerdict>();
  ATTESTD_TRY(const TdxModuleIdentity* const identity, find_identity(info, body));
  ATTESTD_TRY(TcbVerdict verdict, level_of(identity->levels, std::to_integer<std::uint16_t>(body.tee_tcb_svn[0]),
                                           "module " + identity_name(body)));
  return std::optional<TcbVerdict>(std::move(verdict));
}

Result<TcbVerdict> judge_qe(const TdxQeIdentity& identity, const SgxReportBody& report) {
  if (report.mrsigner != identity.mrsigner) {
    return fail(Errc::mismatch,
                "the QE's MRSIGNER is " + to_hex(report.mrsigner) + ", Intel's is " + to_hex(identity.mrsigner));
  }
  if (report.isvprodid != identity.isvprodid) {
    return fail(Errc::mismatch, "the QE's ISVPRODID is " + std::to_string(report.isvprodid) + ", Intel's is " +
                                    std::to_string(identity.isvprodid));
  }
  FixedBytes<4> miscselect{};
  const Bytes misc_bytes = Writer().le32(report.miscselect).take();
  std::ranges::copy(misc_bytes, miscselect.begin());
  if (!equal_under(miscselect, identity.miscselect, identity.miscselect_mask)) {
    return fail(Errc::mismatch, "the QE's MISCSELECT is " + to_hex(miscselect) + ", Intel's is " +
                                    to_hex(identity.miscselect) + " under the mask " +
                                    to_hex(identity.miscselect_mask));
  }
  if (!equal_under(report.attributes, identity.attributes, identity.attributes_mask)) {
    return fail(Errc::mismatch, "the QE's ATTRIBUTES are " + to_hex(report.attributes) + ", Intel's are " +
                                    to_hex(identity.attributes) + " under the mask " +
                                    to_hex(identity.attributes_mask));
  }
  return level_of(identity.levels, report.isvsvn, "the QE");
}

}  // namespace attestd
