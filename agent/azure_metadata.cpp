#include "agent/azure_evidence.h"
#include "evidence/imds_response.h"
#include "evidence/pem.h"
#include "evidence/snp_report.h"
#include "net/amd_kds.h"
#include "net/fetch.h"

namespace attestd::agent {
namespace {

constexpr std::size_t key_service_limit = std::size_t{64} << 10U;  // a VCEK has 1.4 kB, its chain 5 kB

Result<std::string> answer_of(const FetchRequest& request, const Fetch& fetch) {
  ATTESTD_TRY(FetchResponse response, fetch(request));
  ATTESTD_CHECK(require_ok(response, request.peer));
  return std::move(response.body);
}

FetchRequest metadata_request(const AzureOptions& options, const std::string& path) {
  FetchRequest request;
  request.url = options.metadata_service + path;
  request.peer = "the metadata service at " + request.url;
  request.headers = {"Metadata: true"};  // without it the service refuses
  request.limit = imds_response_max_size;
  request.timeout = options.timeout;
  request.connect_timeout = options.timeout;
  return request;
}

FetchRequest key_request(const AzureOptions& options, const std::string& url) {
  FetchRequest request;
  request.url = url;
  request.peer = "the key service at " + url;
  request.limit = key_service_limit;
  request.timeout = options.timeout;
  request.connect_timeout = options.timeout;
  return request;
}

}  // namespace

Result<Bytes> fetch_vcek_from_imds(const AzureOptions& options, const Fetch& fetch) {
  ATTESTD_TRY(const std::string body, answer_of(metadata_request(options, "/metadata/THIM/amd/certification"), fetch));
  ATTESTD_TRY(const ImdsAmdCertification answer, parse_imds_amd_certification(body));
  return to_bytes(answer.vcek + "\n" + answer.certificate_chain);
}

Result<Bytes> fetch_td_quote_from_imds(const AzureOptions& options, ByteView td_report, const Fetch& fetch) {
  FetchRequest request = metadata_request(options, "/acc/tdquote");
  request.body = encode_imds_td_quote_request(td_report);
  request.content_type = "application/json";
  ATTESTD_TRY(const std::string body, answer_of(request, fetch));
  return parse_imds_td_quote(body);
}

Result<Bytes> fetch_vcek_from_kds(const AzureOptions& options, ByteView snp_report, const Fetch& fetch) {
  ATTESTD_TRY(const SnpReport report, parse_snp_report(snp_report));
  std::vector<SnpProduct> products = {SnpProduct::milan, SnpProduct::genoa, SnpProduct::turin};
  if (const auto known = report.product()) products = {*known};
  Error last{Errc::not_found, "no product was tried", std::nullopt, 0};
  for (const SnpProduct product : products) {
    auto leaf = answer_of(
        key_request(options, amd_vcek_url(options.key_service, product, report.chip_id, report.reported_tcb)), fetch);
    if (!leaf) {
      last = std::move(leaf).error();
      if (last.code != Errc::not_found && last.code != Errc::usage) break;
      continue;
    }
    ATTESTD_TRY(const std::string chain,
                answer_of(key_request(options, amd_chain_url(options.key_service, product, "VCEK")), fetch));
    return to_bytes(certificate_to_pem(as_bytes(*leaf)) + chain);
  }
  return std::unexpected(std::move(last));
}

}  // namespace attestd::agent
