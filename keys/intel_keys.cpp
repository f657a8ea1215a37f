#include "keys/intel_keys.h"

#include <array>

#include "base/encoding.h"
#include "net/intel_pcs.h"
#include "verifier/tdx_collateral_check.h"

namespace attestd {
namespace {

constexpr std::size_t json_limit = std::size_t{256} << 10U;
constexpr std::size_t list_limit = std::size_t{1} << 20U;

// "intel/50806f000000-platform"
std::string folder_of(const TdxPlatform& platform) { return "intel/" + to_hex(platform.fmspc) + "-" + platform.ca; }

std::vector<Bytes> certificates_in(std::string_view pem) {
  TdxCollateral out;
  if (!add_tdx_collateral(as_bytes(pem), out)) return {};
  return std::move(out.certificates);
}

}  // namespace

// One file of the cache, and the file beside it with its signers' certificates if it has such.
struct IntelKeys::Document {
  std::string name, chain_name;
  std::string url, chain_header;
  std::size_t limit = 0;
  std::function<Result<std::int64_t>(ByteView, const std::vector<Bytes>&)> until;
  const std::vector<Bytes>* offered = nullptr;
};

IntelKeys::IntelKeys(const KeyCache& cache, KeyService& service, TrustRoots roots, IntelUrls urls, std::int64_t now)
    : cache_(cache), service_(service), roots_(std::move(roots)), urls_(std::move(urls)), now_(now) {}

KeyOutcome IntelKeys::provide(const Document& document) {
  const auto files = [&document](ByteView body, std::string_view chain) {
    std::vector<std::pair<std::string, Bytes>> out;
    // The chain first: a crash between both leaves a document that its chain confirms, or none.
    if (!document.chain_name.empty() && !chain.empty()) out.emplace_back(document.chain_name, to_bytes(chain));
    out.emplace_back(document.name, to_bytes(body));
    return out;
  };
  const auto cached_until = [this, &document]() -> Result<std::int64_t> {
    const auto bytes = cache_.read(document.name);
    if (!bytes) return fail(Errc::not_found, "not in the cache");
    const Bytes chain = document.chain_name.empty() ? Bytes() : cache_.read(document.chain_name).value_or(Bytes());
    return document.until(*bytes, certificates_in(as_text(chain)));
  };
  if (const auto until = cached_until(); !until || *until <= now_) {
    for (const Bytes& offered : *document.offered) {
      const auto good = document.until(offered, offered_.certificates);
      if (!good || *good <= now_) continue;
      for (const auto& [name, bytes] : files(offered, certificates_to_pem(offered_.certificates))) {
        if (const auto written = cache_.write(name, bytes); !written) {
          return {document.name, KeyOutcome::Kind::failed, 0, written.error().text()};
        }
      }
      return {document.name, KeyOutcome::Kind::primed, *good, {}};
    }
  }
  KeyItem item;
  item.vendor = "intel";
  item.name = document.name;
  item.url = document.url;
  item.limit = document.limit;
  item.cached_until = cached_until;
  item.judge = [&document, &files](const FetchResponse& response) -> Result<JudgedKeys> {
    std::string chain;
    if (const auto header = response.header(document.chain_header)) {
      ATTESTD_TRY(chain, percent_decoded(*header));
    }
    ATTESTD_TRY(const std::int64_t end, document.until(as_bytes(response.body), certificates_in(chain)));
    return JudgedKeys{end, files(as_bytes(response.body), chain)};
  };
  return provide_key(item, cache_, service_, now_);
}

Result<std::vector<KeyOutcome>> IntelKeys::provide_for(ByteView quote) {
  ATTESTD_TRY(const TdxPlatform platform, tdx_platform_of(quote));
  const std::string folder = folder_of(platform) + "/";
  const auto list_by = [this, quote](IntelListIssuer issuer) {
    return [this, quote, issuer](ByteView bytes, const std::vector<Bytes>&) {
      return check_intel_list(bytes, issuer, quote, roots_, now_);
    };
  };
  const std::array documents{
      Document{folder + "tcbinfo.json", folder + "tcbinfo-chain.pem", intel_tcb_info_url(urls_.service, platform.fmspc),
               std::string(intel_tcb_info_chain_header), json_limit,
               [this, quote](ByteView bytes, const std::vector<Bytes>& certificates) {
                 return check_tdx_tcb_info(bytes, certificates, quote, roots_, now_);
               },
               &offered_.tcb_infos},
      Document{folder + "qeidentity.json", folder + "qeidentity-chain.pem", intel_qe_identity_url(urls_.service),
               std::string(intel_qe_identity_chain_header), json_limit,
               [this, quote](ByteView bytes, const std::vector<Bytes>& certificates) {
                 return check_tdx_qe_identity(bytes, certificates, quote, roots_, now_);
               },
               &offered_.qe_identities},
      Document{folder + "pckcrl.der",
               {},
               intel_pck_crl_url(urls_.service, platform.ca),
               {},
               list_limit,
               list_by(IntelListIssuer::pck_ca),
               &offered_.crls},
      Document{
          folder + "rootcrl.der", {}, urls_.root_crl, {}, list_limit, list_by(IntelListIssuer::root), &offered_.crls},
  };
  std::vector<KeyOutcome> out;
  for (const Document& document : documents) out.push_back(provide(document));
  return out;
}

TdxCollateral cached_tdx_collateral(const std::string& folder, ByteView quote) {
  const auto platform = tdx_platform_of(quote);
  if (folder.empty() || !platform) return {};
  auto collateral = load_tdx_collateral(folder + "/" + folder_of(*platform));
  if (!collateral) return {};
  return *std::move(collateral);
}

}  // namespace attestd
