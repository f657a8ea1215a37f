// Secrets, the state of their volumes, and the release of them.
#include "base/encoding.h"
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

const std::string path = "default/luks/web-1";
const std::string volume = "0fb9a1b2-8d3c-4c11-9f50-6b3b0a0c1d2e";

std::unique_ptr<Store> with_policy(const Backend& backend) {
  auto store = open_store(backend.url);
  REQUIRE(store->write([](StoreTransaction& t) -> Result<void> {
    ATTESTD_CHECK(t.put_policy("web", "x = 1\n", now));
    return {};
  }));
  return store;
}

Result<std::int64_t> put(Store& store, const std::string& secret, const ResourceSettings& settings) {
  std::int64_t version = 0;
  ATTESTD_CHECK(store.write([&](StoreTransaction& t) -> Result<void> {
    ATTESTD_TRY(version, t.put_resource(settings, as_bytes(secret), now));
    return {};
  }));
  return version;
}
Result<std::int64_t> put(Store& store, const std::string& secret) {
  return put(store, secret, {path, "web", std::nullopt, std::nullopt});
}

Result<ResourceSecret> secret(Store& store, std::optional<std::int64_t> version = std::nullopt) {
  ResourceSecret out;
  ATTESTD_CHECK(store.read([&](const StoreReader& reader) -> Result<void> {
    ATTESTD_TRY(out, version ? reader.secret(path, *version) : reader.secret(path));
    return {};
  }));
  return out;
}

Result<Resource> resource(Store& store, const std::string& which = path) {
  Resource out;
  ATTESTD_CHECK(store.read([&](const StoreReader& reader) -> Result<void> {
    ATTESTD_TRY(out, reader.resource(which));
    return {};
  }));
  return out;
}

Result<void> revoke(Store& store, std::optional<std::int64_t> version = std::nullopt) {
  return store.write([&](StoreTransaction& t) { return t.revoke_resource(path, version, now); });
}
Result<void> remove(Store& store) {
  return store.write([](StoreTransaction& t) { return t.remove_resource(path, now); });
}
Result<void> update(Store& store, const VolumeUpdate& how) {
  return store.write([&](StoreTransaction& t) { return t.update_volume(path, how); });
}

Sha256Digest header(unsigned number) {
  Sha256Digest out{};
  out[0] = static_cast<std::byte>(number);
  return out;
}

Release release(std::int64_t version = 1) {
  Release out;
  out.path = path;
  out.version = version;
  out.at = now + 5;
  out.audit_body = "{\"released\":true}";
  return out;
}

}  // namespace

TEST_CASE("a resource keeps each version of its secret, and gives out the newest") {
  each_backend([](const Backend& backend) {
    const auto store = with_policy(backend);
    CHECK(secret(*store).error().code == Errc::not_found);
    CHECK(put(*store, "one") == 1);
    CHECK(put(*store, "two", {path, "web", volume, "{\"a\":[1]}"}) == 2);
    CHECK(as_text(secret(*store)->secret.view()) == "two");
    CHECK(secret(*store)->version == 2);
    CHECK(as_text(secret(*store, 1)->secret.view()) == "one");
    CHECK(secret(*store, 3).error().code == Errc::not_found);
    const auto stored = resource(*store);
    REQUIRE(stored);
    CHECK(stored->settings.policy == "web");
    CHECK(stored->settings.volume == volume);
    CHECK(stored->settings.conditions == "{\"a\":[1]}");
    REQUIRE(stored->versions.size() == 2);
    CHECK(stored->versions[1].version == 2);
    CHECK(!stored->versions[1].revoked_at);
    CHECK(stored->state.counter == 0);
    CHECK(stored->state.releases == 0);
  });
}

TEST_CASE("settings that are none are refused") {
  each_backend([](const Backend& backend) {
    const auto store = with_policy(backend);
    struct Case {
      ResourceSettings settings;
      Errc code;
    };
    for (const Case& each :
         {Case{{"a/b", "web", {}, {}}, Errc::usage}, Case{{path, "none", {}, {}}, Errc::not_found},
          Case{{path, "web", "x", {}}, Errc::usage}, Case{{path, "web", volume + "0", {}}, Errc::usage},
          Case{{path, "web", {}, "[]"}, Errc::malformed}, Case{{path, "web", {}, "{\"a\":1,\"a\":1}"}, Errc::malformed},
          Case{{path, "web", {}, "{\"a\":\"" + std::string(70000, 'x') + "\"}"}, Errc::out_of_range}}) {
      CHECK(put(*store, "one", each.settings).error().code == each.code);
    }
    CHECK(put(*store, std::string(sealed_secret_limit + 1, 'x')).error().code == Errc::out_of_range);
    CHECK(resource(*store).error().code == Errc::not_found);
  });
}

TEST_CASE("a revoked resource is told from one that never was, and an older version does not take its place") {
  each_backend([](const Backend& backend) {
    const auto store = with_policy(backend);
    CHECK(revoke(*store).error().code == Errc::not_found);
    REQUIRE(put(*store, "one"));
    REQUIRE(put(*store, "two"));
    CHECK(revoke(*store, 3).error().code == Errc::not_found);
    REQUIRE(revoke(*store, 2));
    CHECK(secret(*store).error().code == Errc::refused);
    CHECK(secret(*store, 2).error().code == Errc::refused);
    CHECK(secret(*store, 1));
    CHECK(put(*store, "three") == 3);
    CHECK(as_text(secret(*store)->secret.view()) == "three");
    REQUIRE(revoke(*store));
    for (std::int64_t version = 1; version <= 3; ++version)
      CHECK(secret(*store, version).error().code == Errc::refused);
    CHECK(resource(*store)->versions[0].revoked_at == now);
  });
}

TEST_CASE("a resource that was removed is gone with its state, and its versions are never given again") {
  each_backend([](const Backend& backend) {
    const auto store = with_policy(backend);
    CHECK(remove(*store).error().code == Errc::not_found);
    REQUIRE(put(*store, "one", {path, "web", volume, "{}"}));
    REQUIRE(update(*store, {7, {}}));
    REQUIRE(remove(*store));
    CHECK(secret(*store).error().code == Errc::not_found);
    CHECK(secret(*store, 1).error().code == Errc::not_found);
    CHECK(resource(*store).error().code == Errc::not_found);
    CHECK(update(*store, {8, {}}).error().code == Errc::not_found);
    CHECK(remove(*store).error().code == Errc::not_found);
    CHECK(put(*store, "two") == 2);
    CHECK(resource(*store)->versions.size() == 1);
    CHECK(resource(*store)->state.counter == 0);
    CHECK(!resource(*store)->settings.volume);
  });
}

TEST_CASE("a resource is created once, and again when it was removed") {
  each_backend([](const Backend& backend) {
    const auto store = with_policy(backend);
    const auto create = [&](const std::string& what) {
      return store->write(
          [&](StoreTransaction& t) { return t.create_resource({path, "web", {}, {}}, as_bytes(what), now); });
    };
    REQUIRE(create("one"));
    CHECK(create("two").error().code == Errc::refused);
    CHECK(as_text(secret(*store)->secret.view()) == "one");
    REQUIRE(remove(*store));
    REQUIRE(create("three"));
    CHECK(secret(*store)->version == 2);
  });
}

TEST_CASE("resources are listed in order, each with its own versions") {
  each_backend([](const Backend& backend) {
    const auto store = with_policy(backend);
    for (const char* const each : {"b/b/b", "a/a/a", "b/b/b", "c/c/c"}) {
      REQUIRE(put(*store, "x", {each, "web", {}, {}}));
    }
    REQUIRE(store->read([](const StoreReader& reader) -> Result<void> {
      ATTESTD_TRY(const auto all, reader.resources());
      REQUIRE(all.size() == 3);
      CHECK(all[0].settings.path == "a/a/a");
      CHECK(all[1].versions.size() == 2);
      CHECK(all[2].versions.size() == 1);
      return {};
    }));
  });
}

TEST_CASE("the database has secrets only sealed, and none opens in another's place") {
  each_backend([](const Backend& backend) {
    const auto store = with_policy(backend);
    REQUIRE(put(*store, "correct horse"));
    REQUIRE(put(*store, "battery staple"));
    const auto database = open_raw(backend.url);
    const auto rows = database->execute("SELECT sealed FROM resource_versions ORDER BY version");
    REQUIRE(rows);
    for (const Row& row : rows->rows) {
      CHECK(as_text(std::get<Bytes>(row[0])).find("horse") == std::string_view::npos);
    }
    // An older version put in the place of the newer one.
    REQUIRE(database->execute("UPDATE resource_versions SET sealed = $1", {rows->rows[0][0]}));
    CHECK(secret(*store).error().code == Errc::mismatch);
    CHECK(secret(*store, 1));
  });
}

TEST_CASE("a counter only grows") {
  each_backend([](const Backend& backend) {
    const auto store = with_policy(backend);
    REQUIRE(put(*store, "one"));
    REQUIRE(update(*store, {5, HeaderDigests{header(1), header(2)}}));
    CHECK(update(*store, {4, HeaderDigests{header(3), {}}}).error().code == Errc::refused);
    CHECK(update(*store, {-1, {}}).error().code == Errc::refused);
    CHECK(resource(*store)->state.counter == 5);
    CHECK(resource(*store)->state.headers == HeaderDigests{header(1), header(2)});
    REQUIRE(update(*store, {5, HeaderDigests{header(2), {}}}));
    REQUIRE(update(*store, {6, {}}));
    CHECK(resource(*store)->state.counter == 6);
    CHECK(resource(*store)->state.headers == HeaderDigests{header(2), {}});
  });
}

TEST_CASE("a decision to release updates the state and appends its record, in one") {
  each_backend([](const Backend& backend) {
    const auto store = with_policy(backend);
    REQUIRE(put(*store, "one"));
    Release wanted = release();
    wanted.update = {3, HeaderDigests{header(1), {}}};
    wanted.judged_headers = HeaderDigests{};
    wanted.judged_policy_version = 1;
    wanted.challenge = SpentChallenge{header(9), now + 60};
    const auto record = store->decide(wanted);
    REQUIRE(record);
    CHECK(record->seq == 1);
    CHECK(record->digest == audit_digest({}, 1, wanted.audit_body));
    const auto state = resource(*store)->state;
    CHECK(state.counter == 3);
    CHECK(state.headers == HeaderDigests{header(1), {}});
    CHECK(state.releases == 1);
    CHECK(state.last_release_at == now + 5);
    CHECK(!store->spend_challenge(*wanted.challenge).value());
    REQUIRE(store->decide(release()));
    CHECK(resource(*store)->state.releases == 2);
    CHECK(resource(*store)->state.counter == 3);
    // What follows without a release is none.
    REQUIRE(update(*store, {4, {}}));
    CHECK(resource(*store)->state.releases == 2);
    CHECK(resource(*store)->state.last_release_at == now + 5);
  });
}

TEST_CASE("a decision that no longer holds is refused, and nothing of it stays") {
  each_backend([](const Backend& backend) {
    const auto store = with_policy(backend);
    CHECK(store->decide(release()).error().code == Errc::not_found);
    REQUIRE(put(*store, "one"));
    REQUIRE(put(*store, "two"));
    REQUIRE(update(*store, {5, HeaderDigests{header(1), {}}}));
    const SpentChallenge spent{header(1), now + 60};
    REQUIRE(store->spend_challenge(spent));

    struct Case {
      const char* what;
      Errc code;
      std::function<void(Release&)> change;
    };
    for (const Case& each :
         {Case{"an older version", Errc::changed, [](Release& r) { r.version = 1; }},
          Case{"a version to come", Errc::changed, [](Release& r) { r.version = 3; }},
          Case{"a lower counter", Errc::refused, [](Release& r) { r.update.counter = 4; }},
          Case{"another version of the policy", Errc::changed, [](Release& r) { r.judged_policy_version = 2; }},
          Case{"another header", Errc::changed, [](Release& r) { r.judged_headers = HeaderDigests{header(2), {}}; }},
          Case{"no header", Errc::changed, [](Release& r) { r.judged_headers = HeaderDigests{}; }},
          Case{"a spent challenge", Errc::refused, [&](Release& r) { r.challenge = spent; }},
          Case{"no JSON", Errc::malformed, [](Release& r) { r.audit_body = "{"; }}}) {
      Release wanted = release(2);
      wanted.update = {9, HeaderDigests{header(3), {}}};
      wanted.challenge = SpentChallenge{header(7), now + 60};
      each.change(wanted);
      const auto decided = store->decide(wanted);
      INFO(each.what);
      REQUIRE(!decided);
      CHECK(decided.error().code == each.code);
      const auto state = resource(*store)->state;
      CHECK(state.counter == 5);
      CHECK(state.releases == 0);
      CHECK(state.headers == HeaderDigests{header(1), {}});
    }
    CHECK(store->verify_chain()->head.seq == 0);
    CHECK(store->spend_challenge({header(7), now + 60}).value());
    REQUIRE(revoke(*store, 2));
    CHECK(store->decide(release(2)).error().code == Errc::refused);
    CHECK(store->decide(release(1)).error().code == Errc::changed);
  });
}

TEST_CASE("everything is sealed anew under another master key, or nothing is") {
  each_backend([](const Backend& backend) {
    const auto store = with_policy(backend);
    for (int i = 0; i < 150; ++i) {
      REQUIRE(put(*store, "secret " + std::to_string(i), {"a/b/" + std::to_string(i % 40), "web", {}, {}}));
    }
    REQUIRE(write(*store, [](StoreTransaction& t) -> Result<void> {
      ATTESTD_CHECK(t.insert_key_if_absent("token", "public", as_bytes("private")));
      return {};
    }));
    const Sealer other = test::sealer(2);
    const auto database = open_raw(backend.url);

    // A blob that does not open stops all of it.
    const auto good = database->execute("SELECT sealed FROM resource_versions WHERE path = 'a/b/9' AND version = 1");
    REQUIRE(good);
    REQUIRE(database->execute("UPDATE resource_versions SET sealed = $1 WHERE path = 'a/b/9' AND version = 1",
                              {to_bytes("broken")}));
    CHECK(!store->reseal_all(other));
    REQUIRE(database->execute("UPDATE resource_versions SET sealed = $1 WHERE path = 'a/b/9' AND version = 1",
                              {good->rows[0][0]}));
    CHECK(open_store(backend.url, {}, 1));

    REQUIRE(store->reseal_all(other));
    CHECK(!Store::open(backend.url, test::sealer(1), now));
    const auto anew = open_store(backend.url, {}, 2);
    REQUIRE(anew->read([](const StoreReader& reader) -> Result<void> {
      for (int i = 0; i < 150; ++i) {
        ATTESTD_TRY(const ResourceSecret opened, reader.secret("a/b/" + std::to_string(i % 40), i / 40 + 1));
        CHECK(as_text(opened.secret.view()) == "secret " + std::to_string(i));
      }
      ATTESTD_TRY(const NamedKey key, reader.named_key("token"));
      CHECK(as_text(key.private_key.view()) == "private");
      return {};
    }));
    // A broker that still runs with the old key can neither read nor write with it.
    CHECK(put(*store, "late").error().code == Errc::mismatch);
    CHECK(store->reseal_all(other).error().code == Errc::mismatch);
    CHECK(store->append_audit(now, "{}").error().code == Errc::mismatch);
    bool read = false;
    const auto late = store->read([&](const StoreReader&) -> Result<void> {
      read = true;
      return {};
    });
    CHECK(late.error().code == Errc::mismatch);
    CHECK(!read);
  });
}
