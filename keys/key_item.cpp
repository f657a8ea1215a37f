#include "keys/key_item.h"

#include "evidence/pem.h"

namespace attestd {
namespace {

Result<std::int64_t> fetch_item(const KeyItem& item, const KeyCache& cache, KeyService& service) {
  ATTESTD_TRY(const FetchResponse response, service.get(item.vendor, item.url, item.limit));
  auto judged = item.judge(response);
  if (!judged) return std::unexpected(std::move(judged).error().in("what " + item.url + " sent is not kept"));
  for (const auto& [name, bytes] : judged->files) ATTESTD_CHECK(cache.write(name, bytes));
  return judged->valid_until;
}

}  // namespace

std::string certificates_to_pem(const std::vector<Bytes>& certificates) {
  std::string out;
  for (const Bytes& der : certificates) out += certificate_to_pem(der);
  return out;
}

KeyOutcome provide_key(const KeyItem& item, const KeyCache& cache, KeyService& service, std::int64_t now) {
  if (const auto until = item.cached_until(); until && *until > now) {
    return {item.name, KeyOutcome::Kind::cached, *until, {}};
  }
  const auto until = fetch_item(item, cache, service);
  if (until) return {item.name, KeyOutcome::Kind::fetched, *until, {}};
  return {item.name, KeyOutcome::Kind::failed, 0, until.error().text()};
}

}  // namespace attestd
