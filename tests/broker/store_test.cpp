#include "broker/store.h"

#include "tests/broker/backends.h"
#include "tests/catch.h"

using namespace attestd;
using namespace attestd::broker;
using test::Backend;
using test::each_backend;
using test::now;
using test::open_raw;
using test::open_store;
using test::write;

namespace {

SpentChallenge challenge(unsigned number, std::int64_t expires_at = now + 60) {
  SpentChallenge out{{}, expires_at};
  out.id[0] = static_cast<std::byte>(number);
  return out;
}

Result<void> put_policy(Store& store, const std::string& name, const std::string& toml = "x = 1\n") {
  return store.write([&](StoreTransaction& t) -> Result<void> {
    ATTESTD_CHECK(t.put_policy(name, toml, now));
    return {};
  });
}

Result<StoredPolicy> policy(Store& store, const std::string& name) {
  Result<StoredPolicy> out;
  static_cast<void>(store.read([&](const StoreReader& reader) -> Result<void> {
    out = reader.policy(name);
    return {};
  }));
  return out;
}

Result<void> remove_policy(Store& store, const std::string& name) {
  return store.write([&](StoreTransaction& t) { return t.remove_policy(name, now); });
}

Result<void> put_resource(Store& store, const std::string& path, const std::string& policy_name) {
  return store.write([&](StoreTransaction& t) -> Result<void> {
    ATTESTD_CHECK(t.put_resource({path, policy_name, {}, {}}, as_bytes("secret"), now));
    return {};
  });
}

Sha256Digest token_digest(unsigned number) {
  Sha256Digest out{};
  out[31] = static_cast<std::byte>(number);
  return out;
}

Result<EnrolmentToken> spend_token(Store& store, unsigned number, std::int64_t at = now) {
  EnrolmentToken out;
  ATTESTD_CHECK(store.write([&](StoreTransaction& t) -> Result<void> {
    ATTESTD_TRY(out, t.spend_enrolment_token(token_digest(number), at));
    return {};
  }));
  return out;
}

Result<NamedKey> insert_key(Store& store, const std::string& name, const std::string& text) {
  NamedKey out;
  ATTESTD_CHECK(store.write([&](StoreTransaction& t) -> Result<void> {
    ATTESTD_TRY(out, t.insert_key_if_absent(name, text, as_bytes("private " + text)));
    return {};
  }));
  return out;
}

Result<void> put_rule(Store& store, const HostCertificateRule& rule) {
  return store.write([&](StoreTransaction& t) { return t.put_host_certificate_rule(rule); });
}

}  // namespace

TEST_CASE("a challenge is spent once, also by another broker and after a restart") {
  each_backend([](const Backend& backend) {
    auto one = open_store(backend.url);
    const auto other = open_store(backend.url);
    CHECK(one->spend_challenge(challenge(1)).value());
    CHECK(!one->spend_challenge(challenge(1)).value());
    CHECK(!other->spend_challenge(challenge(1)).value());
    CHECK(other->spend_challenge(challenge(2)).value());
    one.reset();
    one = open_store(backend.url);
    CHECK(!one->spend_challenge(challenge(1)).value());
    CHECK(!one->spend_challenge(challenge(2)).value());
  });
}

TEST_CASE("challenges are forgotten five minutes after they expired, and not before") {
  each_backend([](const Backend& backend) {
    const auto store = open_store(backend.url);
    for (unsigned i = 0; i < 3; ++i) REQUIRE(store->spend_challenge(challenge(i, now - 299 - static_cast<int>(i))));
    std::uint64_t forgotten = 0;
    REQUIRE(write(*store, [&](StoreTransaction& t) -> Result<void> {
      ATTESTD_TRY(forgotten, t.forget_challenges(now));
      return {};
    }));
    CHECK(forgotten == 1);
    CHECK(!store->spend_challenge(challenge(0)).value());
    CHECK(!store->spend_challenge(challenge(1)).value());
    CHECK(store->spend_challenge(challenge(2)).value());
  });
}

TEST_CASE("a policy's versions count up, also over its removal") {
  each_backend([](const Backend& backend) {
    const auto store = open_store(backend.url);
    CHECK(policy(*store, "web").error().code == Errc::not_found);
    REQUIRE(put_policy(*store, "web", "a = 1\n"));
    REQUIRE(put_policy(*store, "web", "a = 2 # \u20ac\n"));
    const auto stored = policy(*store, "web");
    REQUIRE(stored);
    CHECK(stored->toml == "a = 2 # \u20ac\n");
    CHECK(stored->version == 2);
    CHECK(stored->created_at == now);
    REQUIRE(remove_policy(*store, "web"));
    CHECK(policy(*store, "web").error().code == Errc::not_found);
    CHECK(remove_policy(*store, "web").error().code == Errc::not_found);
    REQUIRE(put_policy(*store, "web"));
    CHECK(policy(*store, "web")->version == 3);
  });
}

TEST_CASE("policies are listed by name, without those that were removed") {
  each_backend([](const Backend& backend) {
    const auto store = open_store(backend.url);
    for (const char* const name : {"b", "a", "c"}) REQUIRE(put_policy(*store, name));
    REQUIRE(remove_policy(*store, "c"));
    REQUIRE(store->read([](const StoreReader& reader) -> Result<void> {
      ATTESTD_TRY(const auto policies, reader.policies());
      REQUIRE(policies.size() == 2);
      CHECK(policies[0].name == "a");
      CHECK(policies[1].name == "b");
      return {};
    }));
  });
}

TEST_CASE("names of policies and paths of resources are as they are to be") {
  for (const char* const good : {"a", "0", "web-1", "a.b_c"}) CHECK(is_policy_name(good));
  CHECK(is_policy_name(std::string(64, 'a')));
  for (const char* const bad : {"", "A", ".a", "-a", "_a", "a/b", "a b", "a\n", "\u00e4"}) CHECK(!is_policy_name(bad));
  CHECK(!is_policy_name(std::string(65, 'a')));
  for (const char* const good : {"a/b/c", "default/key/1", "A0/b.c/d_e-f"}) CHECK(is_resource_path(good));
  for (const char* const bad :
       {"", "a", "a/b", "a/b/", "/a/b/c", "a//c", "a/b/c/d", "a/../c", "a/b/c\n", "a/ b/c", "a/b/-"}) {
    CHECK(!is_resource_path(bad));
  }
  CHECK(!is_resource_path("a/b/" + std::string(65, 'a')));
  each_backend([](const Backend& backend) {
    const auto store = open_store(backend.url);
    CHECK(put_policy(*store, "Web").error().code == Errc::usage);
    CHECK(put_policy(*store, "web", "\xff").error().code == Errc::malformed);
    CHECK(put_policy(*store, "web", std::string(300000, '#')).error().code == Errc::out_of_range);
    REQUIRE(put_policy(*store, "web"));
    CHECK(put_resource(*store, "a/b", "web").error().code == Errc::usage);
  });
}

TEST_CASE("a policy that a resource or a rule names is not removed") {
  each_backend([](const Backend& backend) {
    const auto store = open_store(backend.url);
    REQUIRE(put_policy(*store, "web"));
    REQUIRE(put_resource(*store, "a/b/c", "web"));
    const auto used = remove_policy(*store, "web");
    REQUIRE(!used);
    CHECK(used.error().code == Errc::refused);
    CHECK(used.error().message.find("a/b/c") != std::string::npos);
    REQUIRE(store->write([](StoreTransaction& t) { return t.remove_resource("a/b/c", now); }));
    REQUIRE(put_rule(*store, {"web", {"host.example"}, 3600}));
    CHECK(remove_policy(*store, "web").error().code == Errc::refused);
    REQUIRE(store->write([](StoreTransaction& t) { return t.remove_host_certificate_rule("web"); }));
    CHECK(remove_policy(*store, "web"));
    CHECK(put_resource(*store, "a/b/c", "web").error().code == Errc::not_found);
  });
}

TEST_CASE("an enrolment token is good once, for its path and policy, until it expires") {
  each_backend([](const Backend& backend) {
    const auto store = open_store(backend.url);
    const auto put = [&](unsigned number, const std::string& policy_name, const std::string& path = "a/b/c") {
      return store->write([&](StoreTransaction& t) {
        return t.put_enrolment_token({token_digest(number), path, policy_name, now + 60}, now);
      });
    };
    CHECK(put(1, "web").error().code == Errc::not_found);
    REQUIRE(put_policy(*store, "web"));
    CHECK(put(1, "web", "a/b").error().code == Errc::usage);
    REQUIRE(put(1, "web"));
    REQUIRE(put(2, "web"));
    CHECK(put(2, "web").error().code == Errc::refused);
    const auto spent = spend_token(*store, 1);
    REQUIRE(spent);
    CHECK(spent->path == "a/b/c");
    CHECK(spent->policy == "web");
    CHECK(spend_token(*store, 1).error().code == Errc::refused);
    CHECK(spend_token(*store, 3).error().code == Errc::not_found);
    CHECK(spend_token(*store, 2, now + 60).error().code == Errc::expired);
    CHECK(spend_token(*store, 2, now + 59));
    // A resource that is removed takes those along that nobody used.
    REQUIRE(put(4, "web"));
    REQUIRE(put_resource(*store, "a/b/c", "web"));
    REQUIRE(store->write([](StoreTransaction& t) { return t.remove_resource("a/b/c", now); }));
    CHECK(spend_token(*store, 4).error().code == Errc::not_found);
    CHECK(spend_token(*store, 1).error().code == Errc::refused);
  });
}

TEST_CASE("a job that fails half-way has spent no token and left no record") {
  each_backend([](const Backend& backend) {
    const auto store = open_store(backend.url);
    REQUIRE(put_policy(*store, "web"));
    const auto enrol = [&](const std::string& policy_name) {
      return store->write([&](StoreTransaction& t) -> Result<void> {
        ATTESTD_CHECK(t.append_audit(now, "{}"));
        ATTESTD_TRY(const EnrolmentToken token, t.spend_enrolment_token(token_digest(1), now));
        ATTESTD_CHECK(t.put_resource({token.path, policy_name, {}, {}}, as_bytes("secret"), now));
        return {};
      });
    };
    REQUIRE(store->write(
        [&](StoreTransaction& t) { return t.put_enrolment_token({token_digest(1), "a/b/c", "web", now + 60}, now); }));
    CHECK(enrol("none").error().code == Errc::not_found);
    CHECK(store->verify_chain()->head.seq == 0);
    CHECK(enrol("web"));
    CHECK(store->verify_chain()->head.seq == 1);
    CHECK(enrol("web").error().code == Errc::refused);
  });
}

TEST_CASE("of two keys with one name the first stays, for both brokers") {
  each_backend([](const Backend& backend) {
    const auto one = open_store(backend.url);
    const auto other = open_store(backend.url);
    const auto first = insert_key(*one, "token", "one");
    REQUIRE(first);
    CHECK(first->public_text == "one");
    const auto second = insert_key(*other, "token", "two");
    REQUIRE(second);
    CHECK(second->public_text == "one");
    CHECK(as_text(second->private_key.view()) == "private one");
    CHECK(insert_key(*other, "ssh-ca", "three")->public_text == "three");
    REQUIRE(other->read([](const StoreReader& reader) -> Result<void> {
      CHECK(reader.named_key("ssh-ca")->public_text == "three");
      CHECK(reader.named_key("none").error().code == Errc::not_found);
      return {};
    }));
    CHECK(insert_key(*one, "Token", "x").error().code == Errc::usage);
  });
}

TEST_CASE("the database has a private key only sealed, and not under another name") {
  each_backend([](const Backend& backend) {
    const auto store = open_store(backend.url);
    REQUIRE(insert_key(*store, "a", "one"));
    REQUIRE(insert_key(*store, "b", "two"));
    const auto database = open_raw(backend.url);
    const auto rows = database->execute("SELECT sealed FROM named_keys");
    REQUIRE(rows);
    for (const Row& row : rows->rows) {
      CHECK(as_text(std::get<Bytes>(row[0])).find("private") == std::string_view::npos);
    }
    REQUIRE(database->execute("UPDATE named_keys SET sealed = (SELECT sealed FROM named_keys WHERE name = 'b')"));
    REQUIRE(store->read([](const StoreReader& reader) -> Result<void> {
      CHECK(reader.named_key("a").error().code == Errc::mismatch);
      CHECK(reader.named_key("b"));
      return {};
    }));
  });
}

TEST_CASE("a rule for host certificates comes back as it was put, the last one of a policy") {
  each_backend([](const Backend& backend) {
    const auto store = open_store(backend.url);
    REQUIRE(put_policy(*store, "web"));
    const HostCertificateRule rule{"web", {"a.example", "\"b\\"}, 3600};
    CHECK(put_rule(*store, {"none", {"a"}, 1}).error().code == Errc::not_found);
    for (const auto& bad : {HostCertificateRule{"web", {}, 1}, HostCertificateRule{"web", {""}, 1},
                            HostCertificateRule{"web", {"a b"}, 1}, HostCertificateRule{"web", {"a,b"}, 1},
                            HostCertificateRule{"web", {"a\n"}, 1}, HostCertificateRule{"web", {"a"}, 0},
                            HostCertificateRule{"web", std::vector<std::string>(65, "a"), 1}}) {
      CHECK(put_rule(*store, bad).error().code == Errc::usage);
    }
    REQUIRE(put_rule(*store, {"web", {"old"}, 1}));
    REQUIRE(put_rule(*store, rule));
    REQUIRE(store->read([&](const StoreReader& reader) -> Result<void> {
      ATTESTD_TRY(const HostCertificateRule read, reader.host_certificate_rule("web"));
      CHECK(read.principals == rule.principals);
      CHECK(read.validity_s == 3600);
      CHECK(reader.host_certificate_rules()->size() == 1);
      CHECK(reader.host_certificate_rule("none").error().code == Errc::not_found);
      return {};
    }));
    CHECK(store->write([](StoreTransaction& t) { return t.remove_host_certificate_rule("none"); }).error().code ==
          Errc::not_found);
  });
}
