// The agent's parts that need no device.
#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <filesystem>

#include <array>
#include <thread>

#include "agent/batch_queue.h"
#include "agent/certificate_expiry.h"
#include "agent/evidence_request.h"
#include "agent/peer.h"
#include "agent/provisioning.h"
#include "agent/shared_bundle.h"
#include "agent/sshd_config.h"
#include "agent/statement_builder.h"
#include "base/file.h"
#include "evidence/pem.h"
#include "evidence/snp_certificates.h"
#include "tests/catch.h"
#include "tests/minimal_certificate.h"
#include "tests/temporary_folder.h"

using namespace attestd;
using namespace attestd::agent;

TEST_CASE("the unit of a process is the first part of its cgroup that is no slice") {
  struct Case {
    const char* text;
    const char* unit;
  };
  for (const Case& c : std::vector<Case>{
           {"0::/system.slice/nginx.service\n", "nginx.service"},
           {"0::/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service"},
           {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.service\n", "user@1000.service"},
           {"0::/user.slice/user-0.slice/session-3.scope\n", "session-3.scope"},
           {"12:pids:/a.service\n0::/system.slice/b.service\n", "b.service"},
           {"0::/system.slice/_cgroup.service\n", "cgroup.service"},
           {"0::/\n", ""},
           {"0::/init.scope", "init.scope"},
           {"0::/docker/abc/c.service", ""},
           {"0::/system.slice/a b.service", ""},
           {"0::/.service", ""},
           {"garbage", ""},
           {"", ""},
       }) {
    INFO(c.text);
    CHECK(unit_of_cgroup(c.text) == c.unit);
  }
}

TEST_CASE("hostkey lines of sshd -T name the key files, once each") {
  const auto paths = parse_sshd_host_keys(
      "port 22\nhostkeyagent none\nhostkeyalgorithms a,b\nhostkey /etc/a key\r\nhostkey none\nhostkey /b\nhostkey "
      "/b\n");
  CHECK(paths == std::vector<std::string>{"/etc/a key", "/b"});
}

TEST_CASE("a request for evidence is taken apart, or told what is wrong with it") {
  struct Case {
    const char* json;
    const char* problem;  // "" when it is good
  };
  for (const Case& c : std::vector<Case>{
           {R"({"nonce":"AAAAAAAAAAA"})", ""},
           {R"({"nonce":"AAAAAAAAAAA","purpose":"monitor"})", ""},
           {R"({"nonce":"AAAAAAAAAAA","purpose":"workload","workload":"AAAA"})", ""},
           {R"({"nonce":"AAAAAAAAAA"})", "nonce-too-short"},
           {R"({"nonce":""})", "nonce-too-short"},
           {R"({"nonce":"AAAAAAAAAAA="})", "nonce-malformed"},
           {R"({"nonce":"AAAA+AAAAAA"})", "nonce-malformed"},
           {R"({"nonce":8})", "nonce-malformed"},
           {R"({})", "nonce-missing"},
           {R"({"nonce":"AAAAAAAAAAA","purpose":"root"})", "unknown-purpose"},
           {R"({"nonce":"AAAAAAAAAAA","purpose":null})", "unknown-purpose"},
           {R"({"nonce":"AAAAAAAAAAA","report_data":"AA"})", "malformed-request"},
           {R"({"nonce":"AAAAAAAAAAA","nonce":"AAAAAAAAAAA"})", "malformed-json"},
           {R"({"nonce":"AAAAAAAAAAA","activation":{"credential_blob":"AAAA","secret":"AAAA"}})", ""},
           {R"({"nonce":"AAAAAAAAAAA","activation":{"credential_blob":"AAAA"}})", "activation-malformed"},
           {R"({"nonce":"AAAAAAAAAAA","activation":{"credential_blob":"AAAA","secret":""}})", "activation-malformed"},
           {R"({"nonce":"AAAAAAAAAAA","activation":{"credential_blob":"*","secret":"AAAA"}})", "activation-malformed"},
           {R"({"nonce":"AAAAAAAAAAA","activation":{"credential_blob":"AAAA","secret":"AAAA","x":1}})",
            "activation-malformed"},
           {R"({"nonce":"AAAAAAAAAAA","activation":"AAAA"})", "activation-malformed"},
           {R"({"nonce":"AAAAAAAAAAA","workload":"AAAA"})", "workload-malformed"},
           {R"({"nonce":"AAAAAAAAAAA","purpose":"workload"})", "workload-malformed"},
           {R"({"nonce":"AAAAAAAAAAA","purpose":"workload","workload":"*"})", "workload-malformed"},
           {R"(["nonce"])", "malformed-request"},
           {R"({"nonce":)", "malformed-json"},
           {"", "malformed-json"},
       }) {
    INFO(c.json);
    const auto request = parse_evidence_request(c.json);
    CHECK((request ? "" : request.error().kind.name) == c.problem);
  }
}

TEST_CASE("a nonce of 64 bytes is taken and one of 65 is too long") {
  const auto ask = [](std::size_t characters) {
    return parse_evidence_request("{\"nonce\":\"" + std::string(characters, 'A') + "\"}");
  };
  CHECK(ask(86));  // 64 bytes
  REQUIRE_FALSE(ask(87));
  CHECK(ask(87).error().kind.name == "nonce-too-long");
}

TEST_CASE("only uid 0 may ask with purpose unlock") {
  EvidenceRequest request;
  request.purpose = Purpose::unlock;
  CHECK_FALSE(permit(request, true));
  request.peer = StatementPeer{1000, 1000, 1, {}};
  REQUIRE_FALSE(permit(request, true));
  CHECK(permit(request, true).error().kind.status == 403);
  request.peer->uid = 0;
  CHECK(permit(request, false));
}

TEST_CASE("only a front end may name a TLS channel") {
  EvidenceRequest request;
  request.channel = StatementChannel{Bytes(32)};
  REQUIRE_FALSE(permit(request, false));
  CHECK(permit(request, false).error().kind.status == 403);
  CHECK(permit(request, true));
}

TEST_CASE("a channel is one or two values of 32 bytes, and nothing else") {
  const std::string good(43, 'A');
  const auto ask = [](const std::string& channel) {
    return parse_evidence_request(R"({"nonce":"AAAAAAAAAAA","channel":)" + channel + "}");
  };
  const auto spki = [&](const std::string& more) { return ask(R"({"tls_spki_sha256":")" + good + "\"" + more + "}"); };
  REQUIRE(spki(""));
  CHECK(spki("")->channel->tls_spki_sha256 == Bytes(32));
  CHECK(spki("")->channel->tls_exporter.empty());
  REQUIRE(spki(R"(,"tls_exporter":")" + good + "\""));
  CHECK(spki(R"(,"tls_exporter":")" + good + "\"")->channel->tls_exporter == Bytes(32));
  for (const auto& bad : {spki(R"(,"tls_exporter":"AAAA")"), spki(R"(,"more":1)"), ask("{}"), ask("1"),
                          ask(R"({"tls_exporter":")" + good + "\"}"), ask(R"({"tls_spki_sha256":"AAAA"})")}) {
    REQUIRE_FALSE(bad);
    CHECK(bad.error().kind.name == "channel-malformed");
  }
}

TEST_CASE("what is to be unlocked goes with the purpose unlock, whole, and nothing else") {
  const std::string hash = R"(")" + std::string(43, 'A') + R"(")";
  const std::string volume = R"({"uuid":"f1e2d3c4-0000-4000-8000-000000000001","header_sha256":)" + hash;
  const auto ask = [](const std::string& unlock, const std::string& purpose) {
    return parse_evidence_request(R"({"nonce":"AAAAAAAAAAA","purpose":")" + purpose + R"(","unlock":)" + unlock + "}");
  };
  const std::string bare = R"({"jkt":)" + hash;
  REQUIRE(ask(bare + "}", "unlock"));
  const auto whole = ask(bare + R"(,"volume":)" + volume + R"(,"counter":3}})", "unlock");
  REQUIRE(whole);
  CHECK(whole->unlock->volume->counter == 3);
  for (const auto& bad : {ask(bare + "}", "host"), ask("{}", "unlock"), ask(bare + R"(,"more":1})", "unlock"),
                          ask("1", "unlock"), ask(bare + R"(,"volume":)" + volume + R"(,"more":3}})", "unlock"),
                          ask(bare + R"(,"volume":{"uuid":"f1e2","header_sha256":)" + hash + "}}", "unlock"),
                          ask(bare + R"(,"volume":)" + volume + R"(,"counter":-1}})", "unlock"),
                          ask(bare + R"(,"volume":)" + volume + R"(,"counter":9007199254740993}})", "unlock")}) {
    REQUIRE_FALSE(bad);
    CHECK(bad.error().kind.name == "unlock-malformed");
  }
}

TEST_CASE("the groups of whoever connects are known") {
  const auto of_group = [](const std::string& name) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    const UniqueFd one(ends[0]);
    const UniqueFd other(ends[1]);
    return peer_is_in_group(one.get(), name);
  };
  CHECK(of_group("no-such-group-here") == (::getuid() == 0));
  CHECK_FALSE(peer_is_in_group(-1, "root"));
  const group* const own = ::getgrgid(::getgid());
  if (own != nullptr) CHECK(of_group(own->gr_name));
}

TEST_CASE("a lone asker is a batch at once, and those who wait meanwhile share the next") {
  BatchQueue<int> queue(3, 5);
  CHECK(queue.begin().empty());
  queue.push(1);
  CHECK(queue.begin() == std::vector<int>{1});
  for (int i = 2; i <= 6; ++i) CHECK(queue.push(i));
  CHECK_FALSE(queue.push(7));
  CHECK(queue.begin().empty());
  queue.landed();
  CHECK(queue.begin() == std::vector<int>{2, 3, 4});
  queue.landed();
  CHECK(queue.begin() == std::vector<int>{5, 6});
  queue.landed();
  CHECK(queue.begin().empty());
}

TEST_CASE("a bundle in two pieces is the bundle in one") {
  Bundle whole;
  whole.statement = to_bytes(std::string_view("{\"a\":1}"));
  whole.inclusion = {2, 5, std::vector<MerkleHash>(3)};
  Bundle common;
  common.snp_report = whole.snp_report = Bytes(1184, std::byte{7});
  common.snp_certificates = whole.snp_certificates = Bytes(100, std::byte{9});
  common.tpm = whole.tpm = TpmEvidence{Bytes(5, std::byte{1}), Bytes(6, std::byte{2}), Bytes(7, std::byte{3}), {}, {}};
  common.firmware_event_log = whole.firmware_event_log = Bytes(1000, std::byte{4});
  const auto pieces = encode_own_parts(whole.statement, whole.inclusion, encode_shared_parts(common));
  CHECK(pieces.own + *pieces.shared == encode_bundle(whole));
  const auto bare = encode_own_parts(whole.statement, whole.inclusion, encode_shared_parts({}));
  Bundle only;
  only.statement = whole.statement;
  only.inclusion = whole.inclusion;
  whole = only;
  CHECK(bare.own + *bare.shared == encode_bundle(whole));
}

TEST_CASE("cloud-init's record names its datasource") {
  const auto claim = parse_cloud_init_status(
      R"({"v1":{"datasource":"DataSourceNoCloud [seed=/dev/sr0][dsmode=net]","stage":null,"init":{}}})");
  REQUIRE(claim);
  CHECK(claim->agent == "cloud-init");
  CHECK(claim->datasource == "DataSourceNoCloud");
  CHECK(claim->detail == "[seed=/dev/sr0][dsmode=net]");
  CHECK(parse_cloud_init_status(R"({"v1":{"datasource":null,"stage":"init-local"}})")->detail == "in stage init-local");
  CHECK_FALSE(parse_cloud_init_status("{}"));
  CHECK_FALSE(parse_cloud_init_status("x"));
}

TEST_CASE("a machine without cloud-init was provisioned by nobody we know") {
  const auto claim = read_provisioning("/nonexistent");
  CHECK(claim.agent == "none");
  CHECK(claim.datasource.empty());
}

TEST_CASE("only an encrypted volume has a key whose origin is unknown") {
  const test::TemporaryFolder folder;
  hwio::MountedVolume volume{"/", "/dev/mapper/root", "ext4", false, {"linear", "crypt-luks2"}};
  CHECK(storage_claim(volume, folder.path()).key_origin == "unknown");
  volume.layers = {"verity"};
  CHECK(storage_claim(volume, folder.path()).key_origin == "none");
}

TEST_CASE("a volume's key came from where the note of its unlocking says") {
  const test::TemporaryFolder folder;
  const std::string uuid = "6a1e2d3c-0000-4000-8000-00000000000a";
  const std::string other = "6a1e2d3c-0000-4000-8000-00000000000b";
  const std::string note = R"({"uuid":")" + uuid + R"(","name":"root","key_origin":"broker","header_sha256":"00"})";
  const std::string path = folder.write(uuid + ".json", note);
  hwio::MountedVolume volume{"/", "/dev/mapper/root", "ext4", false, {"crypt-luks2", "disk"}, {{uuid, "root"}}};
  const auto origin = [&] { return storage_claim(volume, folder.path()).key_origin; };
  CHECK(origin() == "broker");
  volume.luks = {{uuid, "root"}, {other, "other"}};
  CHECK(origin() == "unknown");
  volume.luks = {{uuid, "data"}};  // the host gave another disk the root's UUID
  CHECK(origin() == "unknown");
  volume.luks = {{uuid, "data"}, {uuid, "root"}};
  CHECK(origin() == "unknown");
  volume.luks = {{other, "root"}};
  CHECK(origin() == "unknown");
  std::filesystem::copy(path, folder.file(other + ".json"));
  CHECK(origin() == "unknown");  // the note is about another volume
  volume.luks = {{uuid, "root"}};
  std::filesystem::permissions(path, std::filesystem::perms::others_write, std::filesystem::perm_options::add);
  CHECK(origin() == "unknown");
  std::filesystem::permissions(path, std::filesystem::perms::others_write, std::filesystem::perm_options::remove);
  folder.write(uuid + ".json", R"({"uuid":")" + uuid + R"(","name":"root","key_origin":"heaven"})");
  CHECK(origin() == "unknown");
  folder.write(uuid + ".json", R"({"uuid":")" + uuid + R"(","key_origin":"broker"})");
  CHECK(origin() == "unknown");  // it does not say which of those with this UUID it is about
}

TEST_CASE("how a volume was made in this boot is told where the note says it as it must") {
  const test::TemporaryFolder folder;
  const std::string uuid = "6a1e2d3c-0000-4000-8000-00000000000a";
  const hwio::MountedVolume volume{"/", "/dev/mapper/root", "ext4", false, {"crypt-luks2", "disk"}, {{uuid, "root"}}};
  const auto noted = [&](const std::string& more) {
    folder.write(uuid + ".json", R"({"uuid":")" + uuid + R"(","name":"root","key_origin":"broker")" + more + "}");
    return storage_claim(volume, folder.path());
  };
  CHECK(noted("").first_boot.empty());
  CHECK(noted(R"(,"first_boot":"formatted")").first_boot == "formatted");
  const StorageClaim claim = noted(R"(,"first_boot":"encrypted","image_sha256":")" + std::string(64, '5') + "\"");
  CHECK(claim.first_boot == "encrypted");
  CHECK(claim.image_sha256 == Bytes(32, std::byte{0x55}));
  CHECK(noted(R"(,"first_boot":"blessed")").first_boot.empty());
  CHECK(noted(R"(,"first_boot":"encrypted","image_sha256":"55")").image_sha256.empty());
}

TEST_CASE("the ends of certificates are told by what each is of, the earliest of several") {
  const auto ending = [](std::string_view year) {
    return attestd::test::minimal_certificate(0x17, std::string(year) + "0101000000Z");
  };
  const auto year = [](int number) { return std::int64_t{number - 1970} * 31556952; };
  Bundle bundle;
  bundle.snp_certificates = encode_snp_certificate_table({{Guid(snp_guid_vcek), ending("31")},
                                                          {Guid(snp_guid_ark), ending("45")},
                                                          {Guid(snp_guid_ask), to_bytes("no certificate")},
                                                          {Guid(snp_guid_crl), ending("40")}});
  bundle.tpm.emplace().ak_certificate = ending("33");
  bundle.certificates = to_bytes(certificate_to_pem(ending("37")) + certificate_to_pem(ending("35")));
  bundle.td_quote = to_bytes("no quote");
  const CertificateExpiry expiry = certificate_expiry(bundle);
  constexpr double two_days = 172800;
  const std::map<std::string, int> wanted{{"vcek", 2031}, {"ark", 2045}, {"ak", 2033}, {"platform", 2035}};
  CHECK(expiry.size() == wanted.size());
  for (const auto& [name, when] : wanted) {
    INFO(name);
    REQUIRE(expiry.contains(name));
    CHECK(std::abs(static_cast<double>(expiry.at(name) - year(when))) < two_days);
  }
  CHECK(certificate_expiry(Bundle{}).empty());
}
