#include "tests/broker/running_service.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tests/catch.h"

namespace attestd::test {
namespace {

broker::Keys keys_of(broker::Store& store) {
  auto keys = broker::provide_keys(store);
  if (!keys) FAIL(keys.error().text());
  return *std::move(keys);
}

std::string cookie_of(const broker::Reply& reply) {
  const std::size_t from = reply.headers.find("Set-Cookie: ") + 12;
  return reply.headers.substr(from, reply.headers.find(';') - from);
}

broker::Config named(broker::Config config) {
  config.name = "https://broker.example";
  config.key_cache.clear();
  return config;
}

}  // namespace

const SimulatedVm& measured() {
  static const SimulatedVm vm;
  return vm;
}

RunningService::RunningService(const std::string& url, const broker::Config& given)
    : config(named(given)),
      store(open_store(url)),
      service(config, *store, keys_of(*store), [this] { return time; }),
      guest(measured()) {
  REQUIRE(write(*store, [](broker::StoreTransaction& transaction) -> Result<void> {
    ATTESTD_CHECK(transaction.put_policy("web", policy_toml(measured()), 1));
    ATTESTD_CHECK(transaction.put_resource({.path = secret_path, .policy = "web", .volume = {}, .conditions = {}},
                                           as_bytes(secret_text), 1));
    return {};
  }));
}

RunningService::Challenged RunningService::challenge(const std::string& selector) {
  kbs::Request request;
  request.policy_selector = selector;
  const broker::Reply reply = service.kbs_auth({.address = "192.0.2.1", .body = kbs::encode_request(request)});
  REQUIRE(reply.status == 200);
  return {kbs::parse_challenge(reply.body).value().nonce, cookie_of(reply)};
}

broker::Reply RunningService::attest(const Challenged& challenged, const std::string& body,
                                     const std::string& address) {
  return service.kbs_attest({.address = address, .body = body, .cookie = challenged.cookie});
}

std::string RunningService::token() {
  const Challenged challenged = challenge();
  const broker::Reply reply = attest(challenged, guest.with_report(challenged.nonce, {}));
  INFO(reply.body);
  REQUIRE(reply.status == 200);
  return std::string(boost::json::parse(reply.body).at("token").as_string());
}

std::string RunningService::token_for(const UnlockClaim::Volume& volume) {
  const Challenged challenged = challenge();
  const broker::Reply reply = attest(challenged, guest.with_bundle(challenged.nonce, volume, {}));
  INFO(reply.body);
  REQUIRE(reply.status == 200);
  return std::string(boost::json::parse(reply.body).at("token").as_string());
}

broker::Reply RunningService::resource(const std::string& token, const std::string& path, const std::string& address) {
  broker::Request request{.address = address, .path = "/kbs/v0/resource/" + path};
  if (!token.empty()) request.authorization = "Bearer " + token;
  return service.kbs_resource(request);
}

broker::Reply RunningService::post(broker::Reply (broker::Service::*handler)(const broker::Request&),
                                   const std::string& token, const std::string& body) {
  return (service.*handler)({.address = "192.0.2.1", .body = body, .authorization = "Bearer " + token});
}

std::string RunningService::opened(const broker::Reply& reply) {
  INFO(reply.body);
  REQUIRE(reply.status == 200);
  const auto secret = decrypt_jwe(reply.body, guest.key());
  REQUIRE(secret);
  return std::string(as_text(secret->view()));
}

std::vector<std::string> RunningService::audit() {
  std::vector<std::string> out;
  const auto records =
      broker::read_from(*store, [](const broker::StoreReader& reader) { return reader.audit_records(1, 1000); });
  REQUIRE(records);
  for (const broker::AuditRecord& record : *records) out.push_back(record.body);
  return out;
}

std::string type_of(const broker::Reply& reply) {
  const boost::json::value value = boost::json::parse(reply.body);
  const std::string type(value.at("type").as_string());
  return type.substr(type.find_last_of(":/") + 1);
}

}  // namespace attestd::test
