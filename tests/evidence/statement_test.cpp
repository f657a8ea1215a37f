#include "evidence/statement.h"

#include "base/encoding.h"
#include "evidence/json_strict.h"
#include "tests/catch.h"

namespace attestd {
namespace {

constexpr std::string_view host_key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEkACUkG5cH48V/RB1TMGsQAIW7F/ze4O1sspG9ryahH";

Statement full() {
  Statement s;
  s.purpose = Purpose::workload;
  s.nonce = to_bytes("0123456789abcdef");
  s.issued_at = 1764000000;
  s.boot_id = "6b0e4c40-5a4b-4c8e-9b59-0f9c7a2a11d3";
  s.uptime_ms = 18446744073709551615U;
  s.ssh_host_keys = {parse_ssh_public_key(host_key).value()};
  s.channel = StatementChannel{Bytes(32, std::byte{1}), Bytes(32, std::byte{2})};
  s.peer = StatementPeer{1000, 4294967295U, 77, "session-2.scope"};
  s.workload = to_bytes("what the workload says");
  s.ak_name = Bytes(34, std::byte{0xab});
  s.storage = {{"/", "/dev/mapper/root", "ext4", false, {"crypt-luks2", "integrity"}, "broker", "default/luks/x"}};
  s.storage->front().mappings = {
      {{"root", "crypt-luks2", "crypt", "capi:authenc(hmac(sha256),xts(aes))-random", 96, "hmac(sha256)"},
       {.device = "usr",
        .layer = "verity",
        .target = "verity",
        .hash = "sha256",
        .mode = "panic_on_corruption",
        .root_hash = Bytes(32, std::byte{9})},
       {"usr", "verity", "linear"}}};
  s.provisioning = ProvisioningClaim{"cloud-init", "DataSourceNone", "nothing ran"};
  s.platform = {"kvm-snp", {"configfs-tsm has provider sev_guest"}, "6.12.0", "0.1.0"};
  return s;
}

constexpr std::string_view minimal =
    R"({"eat_profile":"tag:attestd,2026:statement:1","purpose":"host","nonce":"AAECAwQFBgc","iat":1,"boot_id":"b",)"
    R"("uptime_ms":2,"ssh_host_keys":[],"platform":{"name":"unknown","reasons":[],"kernel":"k","agent_version":"0"}})";

// A volume with one mapping, behind the time.
std::string with_mapping(std::string_view mapping) {
  return R"("iat":1,"storage":[{"mount_point":"/","source":"s","filesystem":"f","read_only":false,"layers":[],)"
         R"("key_origin":"none","mappings":[)" +
         std::string(mapping) + "]}]";
}

std::string replaced(std::string_view from, std::string_view to) {
  std::string text(minimal);
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a statement survives its encoding") {
  const Statement before = full();
  const std::string text = encode_statement(before);
  const auto after = parse_statement(as_bytes(text));
  REQUIRE(after);
  CHECK(after->purpose == before.purpose);
  CHECK(after->nonce == before.nonce);
  CHECK(after->issued_at == before.issued_at);
  CHECK(after->boot_id == before.boot_id);
  CHECK(after->uptime_ms == before.uptime_ms);
  CHECK(after->ssh_host_keys == before.ssh_host_keys);
  CHECK(after->channel->tls_spki_sha256 == before.channel->tls_spki_sha256);
  CHECK(after->channel->tls_exporter == before.channel->tls_exporter);
  CHECK(after->peer->gid == before.peer->gid);
  CHECK(after->peer->pid == before.peer->pid);
  CHECK(after->peer->unit == before.peer->unit);
  CHECK(after->workload == before.workload);
  CHECK(after->ak_name == before.ak_name);
  REQUIRE(after->storage->size() == 1);
  CHECK(after->storage->front().layers == before.storage->front().layers);
  CHECK(after->storage->front().key_origin == "broker");
  CHECK(after->storage->front().key_resource == "default/luks/x");
  CHECK(after->storage->front().mappings == before.storage->front().mappings);
  CHECK(after->provisioning->datasource == "DataSourceNone");
  CHECK(after->platform.reasons == before.platform.reasons);
  CHECK(encode_statement(*after) == text);
}

TEST_CASE("how a volume came to be in this boot survives the statement's encoding, and is not there otherwise") {
  Statement before = full();
  CHECK(encode_statement(before).find("first_boot") == std::string::npos);
  before.storage->front().first_boot = "encrypted";
  before.storage->front().image_sha256 = Bytes(32, std::byte{5});
  const std::string text = encode_statement(before);
  const auto after = parse_statement(as_bytes(text));
  REQUIRE(after);
  CHECK(after->storage->front().first_boot == "encrypted");
  CHECK(after->storage->front().image_sha256 == Bytes(32, std::byte{5}));
  CHECK(encode_statement(*after) == text);
  before.storage->front().image_sha256 = Bytes(31);
  CHECK_FALSE(parse_statement(as_bytes(encode_statement(before))));
}

TEST_CASE("what is to be unlocked survives the statement's encoding, with and without a volume") {
  Statement before = full();
  before.purpose = Purpose::unlock;
  before.workload.reset();
  before.unlock = UnlockClaim{Bytes(32, std::byte{3}), {}};
  const auto bare = parse_statement(as_bytes(encode_statement(before)));
  REQUIRE(bare);
  CHECK(bare->unlock->key_thumbprint == Bytes(32, std::byte{3}));
  CHECK_FALSE(bare->unlock->volume);
  before.unlock->volume = {"f1e2d3c4-0000-4000-8000-000000000001", Bytes(32, std::byte{4}), 7};
  const auto whole = parse_statement(as_bytes(encode_statement(before)));
  REQUIRE(whole);
  CHECK(whole->unlock->volume->uuid == before.unlock->volume->uuid);
  CHECK(whole->unlock->volume->header_sha256 == Bytes(32, std::byte{4}));
  CHECK(whole->unlock->volume->counter == 7);
  before.purpose = Purpose::host;
  const auto misplaced = parse_statement(as_bytes(encode_statement(before)));
  REQUIRE_FALSE(misplaced);
  CHECK(misplaced.error().code == Errc::malformed);
}

TEST_CASE("what was not collected stays absent, and is not an empty list") {
  const auto statement = parse_statement(as_bytes(minimal));
  REQUIRE(statement);
  CHECK(statement->purpose == Purpose::host);
  CHECK(to_hex(statement->nonce) == "0001020304050607");
  CHECK_FALSE(statement->storage);
  CHECK_FALSE(statement->provisioning);
  CHECK_FALSE(statement->channel);
  CHECK_FALSE(statement->peer);
  CHECK_FALSE(statement->workload);
  CHECK(statement->ak_name.empty());
}

TEST_CASE("members from a later version are ignored") {
  CHECK(parse_statement(as_bytes(replaced(R"("iat":1)", R"("iat":1,"later":{"a":[1,2,{"b":null}]})"))));
}

TEST_CASE("paths that are not UTF-8 do not make a statement that nobody can read") {
  Statement s = full();
  s.storage->front().mount_point = "/mnt/\xff\xc0\xaf/\xed\xa0\x80/caf\xc3\xa9";
  const auto after = parse_statement(as_bytes(encode_statement(s)));
  REQUIRE(after);
  CHECK(after->storage->front().mount_point ==
        "/mnt/\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd/\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd/caf\xc3\xa9");
}

TEST_CASE("a statement with a wrong or ambiguous member is refused") {
  struct Case {
    std::string_view from;
    std::string to;
    Errc code;
  };
  const std::vector<Case> cases{
      {"statement:1", "statement:2", Errc::unsupported},
      {R"("host")", R"("root")", Errc::unsupported},
      {R"("purpose":"host",)", "", Errc::not_found},
      {R"("purpose":"host")", R"("purpose":"workload")", Errc::malformed},
      {R"("iat":1)", R"("iat":1,"workload":"AAAA")", Errc::malformed},
      {R"("iat":1)", R"("iat":1.0)", Errc::malformed},
      {R"("iat":1)", R"("iat":"1")", Errc::malformed},
      {R"("iat":1)", R"("iat":-1)", Errc::out_of_range},
      {R"("iat":1)", R"("iat":1,"iat":1)", Errc::malformed},
      {R"("iat":1)", R"("iat":1,"\u0069at":2)", Errc::malformed},
      {R"("name":"unknown")", R"("name":"unknown","name":"kvm-snp")", Errc::malformed},
      {"AAECAwQFBgc", "AAECAwQFBg", Errc::out_of_range},
      {"AAECAwQFBgc", "AAECAwQFBgc=", Errc::malformed},
      {"AAECAwQFBgc", "AAECAwQFBgd", Errc::malformed},
      {R"("uptime_ms":2)", R"("uptime_ms":-2)", Errc::malformed},
      {R"("uptime_ms":2)", R"("uptime_ms":18446744073709551616)", Errc::malformed},
      {R"("ssh_host_keys":[])", R"("ssh_host_keys":["ssh-ed25519 AAAA"])", Errc::truncated},
      {R"("ssh_host_keys":[])", R"("ssh_host_keys":[1])", Errc::malformed},
      {R"("ssh_host_keys":[])", R"("ssh_host_keys":{})", Errc::malformed},
      {R"("iat":1)", R"("iat":1,"ak_name":"zz")", Errc::malformed},
      {R"("iat":1)", R"("iat":1,"storage":[{"mount_point":"/"}])", Errc::not_found},
      {R"("iat":1)", with_mapping(R"({"device":"root","layer":"l"})"), Errc::not_found},
      {R"("iat":1)", with_mapping(R"({"device":"root","layer":"l","target":"crypt","key_size":-1})"), Errc::malformed},
      {R"("iat":1)", with_mapping(R"({"device":"root","layer":"l","target":"crypt","cipher":1})"), Errc::malformed},
      {R"("iat":1)", with_mapping(R"({"device":"root","layer":"l","target":"verity","root_hash":"0"})"),
       Errc::malformed},
      {R"("iat":1)", R"("iat":1,"channel":{"tls_spki_sha256":"AAAA","tls_exporter":"AAAA"})", Errc::out_of_range},
      {R"("iat":1)", R"("iat":1,"channel":{})", Errc::not_found},
      {R"("iat":1)", R"("iat":1,"peer":{"uid":4294967296,"gid":0,"pid":1})", Errc::out_of_range},
      {R"("iat":1)", R"("iat":1,"provisioning":null)", Errc::malformed},
      {R"("b")", "\"\xff\"", Errc::malformed},
  };
  for (const Case& c : cases) {
    INFO(c.from << " -> " << c.to);
    const auto statement = parse_statement(as_bytes(replaced(c.from, c.to)));
    REQUIRE_FALSE(statement);
    CHECK(statement.error().code == c.code);
  }
  for (const std::string& text : {std::string(), std::string("[]"), std::string(minimal) + "x",
                                  "{" + std::string(minimal), std::string(minimal.substr(0, minimal.size() - 1))}) {
    CHECK_FALSE(parse_statement(as_bytes(text)));
  }
  CHECK(parse_statement(Bytes(statement_max_size + 1, std::byte{' '})).error().code == Errc::out_of_range);
}

TEST_CASE("nonces of 8 to 64 bytes are accepted, others are not") {
  for (const std::size_t size : {0U, 7U, 8U, 64U, 65U}) {
    Statement s = full();
    s.nonce.assign(size, std::byte{5});
    CHECK(parse_statement(as_bytes(encode_statement(s))).has_value() == (size >= 8 && size <= 64));
  }
}

TEST_CASE("JSON is nested at most 16 levels deep") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(check_json(nested(16)));
  CHECK_FALSE(check_json(nested(17)));
  CHECK_FALSE(check_json(nested(100000)));
}

TEST_CASE("the same name in different objects is no duplicate") {
  CHECK(check_json(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]})"));
  CHECK_FALSE(check_json(R"({"b":[{"a":1},{"c":1,"a":2,"a":3}]})"));
  CHECK_FALSE(check_json(R"({"a":{"x":1},"a":{"y":1}})"));
  const auto error = check_json(R"({"":1,"":2})");
  REQUIRE_FALSE(error);
  CHECK(error.error().offset);
}

}  // namespace attestd
