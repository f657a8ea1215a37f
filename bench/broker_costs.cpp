#include "bench/broker_costs.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <functional>
#include <stdexcept>

#include "base/openssl_internal.h"
#include "broker/judge.h"
#include "evidence/digest.h"
#include "jose/jwt.h"
#include "kbs/runtime_data.h"
#include "kbs/trustee_evidence.h"

namespace attestd::bench {
namespace {

using SslContext = openssl::Handle<SSL_CTX, SSL_CTX_free>;
using Ssl = openssl::Handle<SSL, SSL_free>;

constexpr double us_per_s = 1e6;

double cpu_us() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * us_per_s + static_cast<double>(now.tv_nsec) / 1e3;
}

// `work` gives what it cost, or is timed whole.
double median(const std::function<double()>& work) {
  constexpr std::chrono::milliseconds budget(300);
  std::vector<double> costs;
  const auto until = std::chrono::steady_clock::now() + budget;
  do costs.push_back(work());
  while (std::chrono::steady_clock::now() < until || costs.size() < 5);
  const auto middle = costs.begin() + static_cast<std::ptrdiff_t>(costs.size() / 2);
  std::ranges::nth_element(costs, middle);
  return *middle;
}

double median_of(const std::function<void()>& work) {
  return median([&] {
    const double begin = cpu_us();
    work();
    return cpu_us() - begin;
  });
}

void require(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("does not work: ") + what);
}

// The server's steps alone; the client is ours too, and not counted.
double handshake(SSL_CTX* server_context, SSL_CTX* client_context) {
  const Ssl server(SSL_new(server_context));
  const Ssl client(SSL_new(client_context));
  BIO* server_end = nullptr;
  BIO* client_end = nullptr;
  require(server && client && BIO_new_bio_pair(&server_end, 0, &client_end, 0) == 1, "a pair of BIOs");
  SSL_set_bio(server.get(), server_end, server_end);
  SSL_set_bio(client.get(), client_end, client_end);
  SSL_set_accept_state(server.get());
  SSL_set_connect_state(client.get());
  double cost = 0;
  for (int i = 0; i < 16 && (SSL_is_init_finished(server.get()) == 0 || SSL_is_init_finished(client.get()) == 0); ++i) {
    SSL_do_handshake(client.get());
    const double begin = cpu_us();
    SSL_do_handshake(server.get());
    cost += cpu_us() - begin;
  }
  require(SSL_is_init_finished(server.get()) == 1, "a handshake");
  return cost;
}

double measure_handshake(const std::string& certificate, const std::string& key) {
  const SslContext server(SSL_CTX_new(TLS_server_method()));
  const SslContext client(SSL_CTX_new(TLS_client_method()));
  require(SSL_CTX_use_certificate_chain_file(server.get(), certificate.c_str()) == 1 &&
              SSL_CTX_use_PrivateKey_file(server.get(), key.c_str(), SSL_FILETYPE_PEM) == 1,
          "the server's certificate");
  SSL_CTX_set_min_proto_version(server.get(), TLS1_3_VERSION);
  SSL_CTX_set_num_tickets(server.get(), 0);
  return median([&] { return handshake(server.get(), client.get()); });
}

// Evidence as it comes out of a message, and what binds it.
struct Evidence {
  Bundle bundle;
  AppraisalContext context;
};

Evidence evidence_of(const test::SimulatedVm& vm) {
  const test::SimulatedGuest guest(vm);
  FixedBytes<kbs::nonce_size> nonce{};
  const auto version = kbs::ProtocolVersion::v0_4_0;
  const kbs::Attestation sent = kbs::parse_attestation(guest.with_report(nonce, {}), version).value();
  Evidence out;
  out.bundle = kbs::parse_trustee_evidence(kbs::Tee::snp, sent.primary_evidence).value().bundle;
  out.context.report_data =
      kbs::bind_runtime_data(kbs::Tee::snp, HashAlgorithm::sha384, kbs::encode_runtime_data(version, nonce, sent))
          .report_data;
  out.context.at = test::test_time;
  return out;
}

}  // namespace

BrokerCosts measure_costs(const test::SimulatedVm& vm, const std::string& certificate, const std::string& key) {
  BrokerCosts out;
  const auto add = [&](const char* name, double cost) {
    out.parts.push_back({name, cost});
    return cost;
  };
  const Evidence evidence = evidence_of(vm);
  const std::vector<broker::StoredPolicy> policies{{"web", test::policy_toml(vm), 1, 0}};
  const auto judge_by = [&](const broker::Judge& judge) {
    require(judge.judge(evidence.bundle, evidence.context, policies).trusted() != nullptr, "evidence");
  };
  add("evidence judged, its chain met for the first time", median_of([&] { judge_by(broker::Judge("")); }));
  const broker::Judge judge("");
  judge_by(judge);
  const double judged = add("evidence judged, its chain known", median_of([&] { judge_by(judge); }));

  const SecretBytes der = make_signing_key().value();
  const SigningKey signing = SigningKey::from_pkcs8(der.view()).value();
  const std::string claims(1500, ' ');
  const std::string token = sign_jwt("{\"a\":1" + claims + "}", signing).value();
  const double token_signed =
      add("token signed (ES256)",
          median_of([&] { require(sign_jwt("{\"a\":1" + claims + "}", signing).has_value(), "a token"); }));
  const double token_checked = add(
      "token verified", median_of([&] { require(verify_jwt(token, signing.public_jwk()).has_value(), "a token"); }));
  const test::SimulatedGuest guest(vm);
  const Bytes secret(32, std::byte{1});
  const double encrypted =
      add("secret encrypted (ECDH-ES+A256KW)",
          median_of([&] { require(encrypt_jwe(secret, guest.key().public_jwk()).has_value(), "a JWE"); }));
  out.handshake_us = add("TLS 1.3 handshake, server's part", measure_handshake(certificate, key));
  out.attestation_us = judged + token_signed;
  out.release_us = token_checked + encrypted;
  return out;
}

}  // namespace attestd::bench
