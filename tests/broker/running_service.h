// A service on a store of its own, and one guest that talks to it.
#pragma once

#include "broker/service.h"
#include "tests/broker/backends.h"
#include "tests/broker/simulated_guest.h"

namespace attestd::test {

// Minted once for the whole program.
const SimulatedVm& measured();

inline constexpr const char* secret_path = "vm/key/one";
inline constexpr std::string_view secret_text = "correct horse";

struct RunningService {
  // With the policy "web", which trusts measured(), and a secret for it at secret_path.
  explicit RunningService(const std::string& url, const broker::Config& given = broker::Config());

  // The challenge's nonce and cookie.
  struct Challenged {
    FixedBytes<kbs::nonce_size> nonce{};
    std::string cookie;
  };
  Challenged challenge(const std::string& selector = {});
  broker::Reply attest(const Challenged& challenged, const std::string& body, const std::string& address = "192.0.2.1");
  // The token of a guest that is trusted; fails the test if it is not.
  std::string token();
  std::string token_for(const UnlockClaim::Volume& volume);
  broker::Reply resource(const std::string& token, const std::string& path = secret_path,
                         const std::string& address = "192.0.2.1");
  broker::Reply post(broker::Reply (broker::Service::*handler)(const broker::Request&), const std::string& token,
                     const std::string& body);
  // What the JWE of a reply has in it; fails the test if it is none for our guest.
  std::string opened(const broker::Reply& reply);
  // The bodies of all audit records.
  std::vector<std::string> audit();

  std::int64_t time = test_time;
  broker::Config config;
  std::unique_ptr<broker::Store> store;
  broker::Service service;
  SimulatedGuest guest;
};

// Of SQLite, for one test case.
struct Scratch {
  TemporaryFolder folder;
  std::string url = "sqlite:" + folder.file("broker.db");
};

// The end of the "type" of an error in either form: "PolicyDeny", "refused".
std::string type_of(const broker::Reply& reply);

}  // namespace attestd::test
