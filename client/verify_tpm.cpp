#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/encoding.h"
#include "client/commands.h"
#include "client/trust.h"
#include "evidence/json_internal.h"
#include "evidence/tpm_json.h"
#include "verifier/tpm.h"

namespace attestd {
namespace {

Result<PcrValues> read_pcrs(const std::string& path) {
  ATTESTD_TRY(const Bytes bytes, read_option_file("--pcrs", path));
  const std::string_view text = as_text(bytes);
  const auto first = text.find_first_not_of(" \t\r\n");
  const bool json = first != std::string_view::npos && text[first] == '{';
  auto values = json ? pcr_values_from_json(text) : parse_tpm2_tools_pcrs(bytes);
  if (!values) return std::unexpected(std::move(values).error().in("--pcrs " + path));
  return values;
}

Result<Bytes> optional_file(std::string_view name, const std::string& path) {
  if (path.empty()) return Bytes{};
  return read_option_file(name, path);
}

std::string claims(const TpmVerification& verification) {
  boost::json::object out;
  const auto add = [&](std::string_view name, const std::string& text) {
    if (auto value = parse_json(text)) out[name] = *std::move(value);
  };
  if (verification.quote) add("quote", tpm_quote_to_json(*verification.quote));
  if (verification.ak) add("ak", tpm_public_to_json(*verification.ak));
  // Values that no good signature covers are anybody's: they are not claims.
  const auto passed = [&](std::string_view id) {
    const auto check = std::ranges::find(verification.checks, id, &Check::id);
    return check != verification.checks.end() && check->result == CheckResult::pass;
  };
  if (verification.pcrs && passed("tpm.signature") && passed("tpm.pcrs"))
    add("pcrs", pcr_values_to_json(*verification.pcrs));
  return boost::json::serialize(out);
}

}  // namespace

Result<int> run_verify_tpm(const CommonOptions& common, const VerifyTpmOptions& options) {
  ATTESTD_TRY(const Bytes quote, read_option_file("--quote", options.quote));
  ATTESTD_TRY(const Bytes signature, read_option_file("--signature", options.signature));
  ATTESTD_TRY(const Bytes ak, read_option_file("--ak", options.ak));
  ATTESTD_TRY(const Bytes event_log, optional_file("--eventlog", options.event_log));
  ATTESTD_TRY(const Bytes userspace_log, optional_file("--userspace-log", options.userspace_log));
  TpmInput input;
  input.quote = quote;
  input.signature = signature;
  input.ak = ak;
  input.firmware_event_log = event_log;
  input.userspace_event_log = userspace_log;
  if (!options.pcrs.empty()) {
    ATTESTD_TRY(input.pcrs, read_pcrs(options.pcrs));
  }
  if (!options.extra_data.empty()) {
    auto extra_data = from_hex(options.extra_data);
    if (!extra_data) return fail(Errc::usage, "--extra-data must be hexadecimal: " + extra_data.error().text());
    input.expected_extra_data = *std::move(extra_data);
  }
  TpmVerification verification = verify_tpm(input);
  const std::string claims_json = claims(verification);
  return print_verdict(common, verdict_from_checks(std::move(verification.checks), claims_json));
}

}  // namespace attestd
