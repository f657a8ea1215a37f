#include "verifier/tdx_collateral.h"

#include <array>

#include "base/file.h"
#include "evidence/dcap_collateral.h"
#include "verifier/x509_objects_internal.h"

namespace attestd {

Result<void> add_tdx_collateral(ByteView bytes, TdxCollateral& into) {
  const std::string_view text = as_text(bytes);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') {
    return x509::add_objects(bytes, into.certificates, into.crls);
  }
  ATTESTD_TRY(const SignedDcapJson json, parse_signed_dcap_json(text));
  (json.kind == DcapKind::tcb_info ? into.tcb_infos : into.qe_identities).push_back(to_bytes(bytes));
  return {};
}

Result<TdxCollateral> load_tdx_collateral(const std::string& folder) {
  static constexpr std::array<std::string_view, 1> also{".json"};
  ATTESTD_TRY(const std::vector<std::string> paths, x509::list_object_files(folder, also));
  TdxCollateral out;
  for (const std::string& path : paths) {
    ATTESTD_TRY(const Bytes bytes, read_file(path, x509::maximal_object_file_size));
    if (auto added = add_tdx_collateral(bytes, out); !added) return std::unexpected(std::move(added).error().in(path));
  }
  if (out.empty()) return fail(Errc::not_found, folder + " has no collateral (*.json, *.pem, *.der, *.crl)");
  return out;
}

}  // namespace attestd
