#include "broker/audit.h"

#include "base/encoding.h"
#include "tests/broker/backends.h"
#include "tests/catch.h"

using namespace attestd;
using namespace attestd::broker;
using test::Backend;
using test::each_backend;
using test::now;
using test::open_raw;
using test::open_store;

namespace {

void append(Store& store, int count) {
  for (int i = 0; i < count; ++i) REQUIRE(store.append_audit(now + i, "{\"n\":" + std::to_string(i) + "}"));
}

// Edits the log as somebody who owns the database can.
void force(Database& database, const std::string& sql) {
  if (database.dialect() == Dialect::sqlite) {
    for (const char* const name :
         {"audit_no_update", "audit_no_delete", "audit_no_replace", "audit_head_grows", "audit_head_stays"}) {
      REQUIRE(database.execute("DROP TRIGGER IF EXISTS " + std::string(name)));
    }
  } else {
    REQUIRE(database.execute("ALTER TABLE audit DISABLE TRIGGER ALL"));
    REQUIRE(database.execute("ALTER TABLE audit_head DISABLE TRIGGER ALL"));
  }
  const auto done = database.execute(sql);
  if (!done) FAIL(done.error().text());
}

}  // namespace

// printf 'attestd-audit-1' | cat - <(head -c 32 /dev/zero) <(printf '\0\0\0\0\0\0\0\1{}') | sha256sum
TEST_CASE("the digest of a record can be computed by hand") {
  const Sha256Digest first = audit_digest({}, 1, "{}");
  CHECK(to_hex(first) == "de5d072748c26e085a37170f8070f10f9da486090b12fc01aa389fc669e7f718");
  CHECK(to_hex(audit_digest(first, 2, "{\"a\":1}")) ==
        "c429bc50fe49ce736a1c124ed1270e2e939ec88ba2b8c6b3669678c32d2cd4fc");
}

TEST_CASE("records make one chain from 1 on, and the head is its last") {
  each_backend([](const Backend& backend) {
    const auto store = open_store(backend.url);
    CHECK(store->verify_chain()->head.seq == 0);
    const auto first = store->append_audit(now, "{}");
    REQUIRE(first);
    CHECK(first->seq == 1);
    CHECK(first->digest == audit_digest({}, 1, "{}"));
    const auto second = store->append_audit(now, "{\"a\":1}");
    REQUIRE(second);
    CHECK(second->digest == audit_digest(first->digest, 2, "{\"a\":1}"));
    const auto chain = store->verify_chain();
    REQUIRE(chain);
    CHECK(!chain->first_bad);
    CHECK(chain->checked == 2);
    CHECK(chain->head.seq == 2);
    CHECK(chain->head.digest == second->digest);
  });
}

TEST_CASE("many records of one transaction are one chain, over all sizes of its statements") {
  each_backend([](const Backend& backend) {
    const auto store = open_store(backend.url);
    REQUIRE(test::write(*store, [](StoreTransaction& transaction) -> Result<void> {
      for (int i = 0; i < 2111; ++i) ATTESTD_CHECK(transaction.append_audit(now, std::to_string(i)));
      return {};
    }));
    const auto chain = store->verify_chain();
    REQUIRE(chain);
    CHECK(!chain->first_bad);
    CHECK(chain->checked == 2111);
    CHECK(store->verify_chain(2000)->checked == 112);
  });
}

TEST_CASE("a record that is no JSON, or too long, is refused and leaves nothing") {
  each_backend([](const Backend& backend) {
    const auto store = open_store(backend.url);
    for (const std::string& body : {std::string(), std::string("{"), std::string("{\"a\":1,\"a\":2}"),
                                    std::string("\"\xff\""), "\"" + std::string(audit_body_limit, 'x') + "\""}) {
      CHECK(!store->append_audit(now, body));
    }
    CHECK(store->verify_chain()->head.seq == 0);
  });
}

TEST_CASE("neither database changes, deletes or replaces a record of the audit log") {
  each_backend([](const Backend& backend) {
    const auto store = open_store(backend.url);
    append(*store, 3);
    const auto database = open_raw(backend.url);
    std::vector<std::string> attempts = {
        "UPDATE audit SET body = '{}' WHERE seq = 2",
        "UPDATE audit SET at = 0",
        "DELETE FROM audit WHERE seq = 3",
        "DELETE FROM audit",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET seq = 2",
        "UPDATE audit_head SET digest = digest",
        "INSERT INTO audit_head (id, seq, digest) SELECT 2, seq, digest FROM audit_head",
    };
    if (backend.dialect == Dialect::sqlite) {
      attempts.emplace_back("INSERT OR REPLACE INTO audit SELECT seq, at, '{}', digest FROM audit WHERE seq = 2");
      attempts.emplace_back("INSERT OR REPLACE INTO audit_head SELECT 1, 0, zeroblob(32)");
    } else {
      attempts.emplace_back("TRUNCATE audit");
      attempts.emplace_back("TRUNCATE audit_head");
    }
    for (const std::string& sql : attempts) {
      const auto done = database->execute(sql);
      INFO(sql);
      REQUIRE(!done);
      CHECK(done.error().code == Errc::internal);
    }
    CHECK(store->verify_chain()->checked == 3);
  });
}

TEST_CASE("the first record that was forged is named") {
  struct Case {
    std::string sql;
    std::int64_t bad;
  };
  for (const Case& each : {Case{"UPDATE audit SET body = '{}' WHERE seq = 3", 3},
                           Case{"UPDATE audit SET digest = "
                                "(SELECT digest FROM audit WHERE seq = 1) "
                                "WHERE seq = 4",
                                4},
                           Case{"DELETE FROM audit WHERE seq = 2", 2}, Case{"DELETE FROM audit WHERE seq = 5", 5},
                           Case{"DELETE FROM audit WHERE seq > 2", 3}, Case{"DELETE FROM audit", 1},
                           Case{"UPDATE audit SET seq = 9 WHERE seq = 4", 4},
                           Case{"UPDATE audit_head SET digest = (SELECT digest FROM audit WHERE seq = 1)", 5},
                           Case{"UPDATE audit_head SET seq = 4", 4}, Case{"UPDATE audit_head SET seq = 6", 6}}) {
    each_backend([&](const Backend& backend) {
      const auto store = open_store(backend.url);
      append(*store, 5);
      force(*open_raw(backend.url), each.sql);
      const auto chain = store->verify_chain();
      INFO(each.sql);
      REQUIRE(chain);
      REQUIRE(chain->first_bad);
      CHECK(*chain->first_bad == each.bad);
      CHECK(chain->reason.find("audit record " + std::to_string(each.bad)) == 0);
    });
  }
}

TEST_CASE("a head that was kept elsewhere finds out a chain that was made anew or cut") {
  each_backend([](const Backend& backend) {
    const auto store = open_store(backend.url);
    append(*store, 3);
    const AuditHead kept = store->verify_chain()->head;
    append(*store, 2);
    CHECK(!store->verify_chain(kept.seq + 1, kept.digest)->first_bad);
    // Of a chain that was made anew.
    CHECK(store->verify_chain(kept.seq + 1, audit_digest({}, 1, "{}"))->first_bad == 4);
    const AuditHead last = store->verify_chain()->head;
    CHECK(!store->verify_chain(last.seq + 1, last.digest)->first_bad);
    CHECK(store->verify_chain(last.seq + 1, kept.digest)->first_bad == 5);
    // Of a chain that was longer.
    CHECK(store->verify_chain(9, last.digest)->first_bad == 6);
    CHECK(store->verify_chain(9).error().code == Errc::not_found);
    CHECK(store->verify_chain(0).error().code == Errc::usage);
  });
}
