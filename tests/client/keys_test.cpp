#include <algorithm>
#include <atomic>
#include <filesystem>
#include <optional>

#include "base/encoding.h"
#include "keys/amd_keys.h"
#include "net/amd_kds.h"
#include "sim/signer/snp_signer.h"
#include "tests/catch.h"
#include "tests/net/local_server.h"
#include "tests/temporary_folder.h"
#include "tests/vectors.h"

namespace attestd::test {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t now = 1764000000;  // 2025-11-24
constexpr std::int64_t day = 86400;

sim::SnpSignerOptions signer_options() {
  sim::SnpSignerOptions options;
  options.chip_id.fill(std::byte{0x5a});
  return options;
}

// Minted once: RSA-4096 takes its time.
const sim::SnpSigner& vendor() {
  static const sim::SnpSigner signer = *sim::SnpSigner::mint(signer_options());
  return signer;
}
const sim::SnpSigner& stranger() {
  static const sim::SnpSigner signer = *sim::SnpSigner::mint(signer_options());
  return signer;
}

SnpReport report_of(const sim::SnpSigner& signer) {
  SnpReport report;
  REQUIRE(signer.sign(report));
  return report;
}

Bytes der_of(const sim::SnpSigner& signer, std::string_view guid) {
  for (const SnpCertificate& entry : signer.certificates()) {
    if (entry.guid == guid) return entry.data;
  }
  FAIL("the signer has no such certificate");
  return {};
}

std::string pem(const Bytes& der) {
  return "-----BEGIN CERTIFICATE-----\n" + to_base64(der) + "\n-----END CERTIFICATE-----\n";
}

// What the service has for a signer.
struct Shelf {
  std::string chain, vcek, crl;
};
Shelf shelf_of(const sim::SnpSigner& signer, std::int64_t crl_until = now + day) {
  const auto list = signer.crl({}, now - day, crl_until);
  REQUIRE(list);
  return {pem(der_of(signer, snp_guid_ask)) + pem(signer.root_der()),
          std::string(as_text(der_of(signer, snp_guid_vcek))), std::string(as_text(*list))};
}
Answer serve(const Shelf& shelf, const std::string& target) {
  if (target.ends_with("/cert_chain")) return answer(200, shelf.chain);
  if (target.ends_with("/crl")) return answer(200, shelf.crl);
  return answer(200, shelf.vcek);
}

// One run of `keys fetch`, with a clock and pauses of the test's.
struct Run {
  explicit Run(const std::string& folder, std::string url, std::int64_t time = now,
               std::chrono::milliseconds patience = 60s)
      : clock(time), cache(*KeyCache::open_for_writing(folder)) {
    KeyServiceOptions options;
    options.timeout = 30s;
    options.patience = patience;
    options.now = [this] { return clock; };
    options.sleep = [this](std::chrono::milliseconds pause) {
      slept.push_back(pause);
      clock += std::chrono::ceil<std::chrono::seconds>(pause).count();
    };
    service.emplace(cache, options);
    TrustRoots roots;
    roots.named = {vendor().root_der()};
    keys.emplace(cache, *service, roots, std::move(url), time);
  }
  std::int64_t clock;
  std::vector<std::chrono::milliseconds> slept;
  KeyCache cache;
  std::optional<KeyService> service;
  std::optional<AmdKeys> keys;
};

std::vector<KeyOutcome::Kind> kinds(const std::vector<KeyOutcome>& outcomes) {
  std::vector<KeyOutcome::Kind> out;
  for (const KeyOutcome& outcome : outcomes) {
    UNSCOPED_INFO(outcome.name << ": " << outcome.detail);
    out.push_back(outcome.kind);
  }
  return out;
}
const std::vector all_fetched(3, KeyOutcome::Kind::fetched);
const std::vector all_cached(3, KeyOutcome::Kind::cached);

std::size_t files_in(const std::string& folder) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().filename() != "lock" && entry.path().extension() != ".retry") ++count;
  }
  return count;
}

TEST_CASE("AMD's service is asked by product, chip ID and TCB, as its specification says") {
  const SnpTcb milan{.fmc = std::nullopt, .bootloader = 4, .tee = 0, .snp = 24, .microcode = 219};
  Bytes chip(64, std::byte{0xab});
  std::string digits;
  for (int i = 0; i < 64; ++i) digits += "ab";
  CHECK(amd_vcek_url("https://kds/", SnpProduct::milan, chip, encode_snp_tcb(milan, SnpProduct::milan)) ==
        "https://kds/vcek/v1/Milan/" + digits + "?blSPL=04&teeSPL=00&snpSPL=24&ucodeSPL=219");
  const SnpTcb turin{.fmc = 1, .bootloader = 2, .tee = 3, .snp = 4, .microcode = 5};
  CHECK(amd_vcek_url(amd_kds_url, SnpProduct::turin, chip, encode_snp_tcb(turin, SnpProduct::turin)) ==
        "https://kdsintf.amd.com/vcek/v1/Turin/abababababababab?fmcSPL=01&blSPL=02&teeSPL=03&snpSPL=04&ucodeSPL=05");
  CHECK(amd_chain_url(amd_kds_url, SnpProduct::genoa, "VLEK") == "https://kdsintf.amd.com/vlek/v1/Genoa/cert_chain");
  CHECK(amd_crl_url(amd_kds_url, SnpProduct::genoa, "VCEK") == "https://kdsintf.amd.com/vcek/v1/Genoa/crl");
}

TEST_CASE("what was fetched once verifies a report offline, and is not asked for again") {
  const TemporaryFolder folder;
  const SnpReport report = report_of(vendor());
  const Shelf shelf = shelf_of(vendor());
  std::string url;
  {
    const LocalServer server([&](const SeenRequest& request) { return serve(shelf, request.target); });
    url = server.url();
    Run first(folder.path(), url);
    CHECK(kinds(first.keys->provide_for(report)) == all_fetched);
    CHECK(server.seen().size() == 3);
  }
  Run second(folder.path(), url);
  CHECK(kinds(second.keys->provide_for(report)) == all_cached);
  CHECK(second.slept.empty());

  TrustRoots roots;
  roots.named = {vendor().root_der()};
  const Bytes bytes = encode_snp_report(report);
  const SnpEndorsements cached = cached_snp_endorsements(folder.path(), bytes, now);
  const SnpVerification verification = verify_snp(bytes, cached, roots, now);
  CHECK(verification.good());
  REQUIRE(verification.checks.size() == 4);
  CHECK(verification.checks[3].result == CheckResult::pass);
  // Its folder is what --certs takes, too.
  CHECK(load_snp_endorsements(folder.file("amd")));
}

TEST_CASE("a revocation list of later than the time asked for is left out") {
  const TemporaryFolder folder;
  const Shelf shelf = shelf_of(vendor());
  const LocalServer server([&](const SeenRequest& request) { return serve(shelf, request.target); });
  Run run(folder.path(), server.url());
  const SnpReport report = report_of(vendor());
  CHECK(kinds(run.keys->provide_for(report)) == all_fetched);
  const Bytes bytes = encode_snp_report(report);
  CHECK(cached_snp_endorsements(folder.path(), bytes, now).crls.size() == 1);
  CHECK(cached_snp_endorsements(folder.path(), bytes, now - 2 * day).crls.empty());
  CHECK(cached_snp_endorsements(folder.path(), bytes, now - 2 * day).certificates.size() == 3);
}

TEST_CASE("what a service sends is kept only when it is what was asked for, and signed") {
  const Shelf good = shelf_of(vendor());
  const Shelf foreign = shelf_of(stranger());
  sim::SnpSignerOptions other_options = signer_options();
  other_options.chip_id.fill(std::byte{1});
  const Shelf other_chip = shelf_of(*vendor().reissue(other_options));
  sim::SnpSignerOptions other_tcb_options = signer_options();
  other_tcb_options.tcb.microcode = 1;
  const Shelf other_tcb = shelf_of(*vendor().reissue(other_tcb_options));
  struct Case {
    std::string name, end;  // of the target that is answered badly
    std::string body;
    std::size_t kept;  // files
  };
  std::string flipped = good.vcek;
  flipped[flipped.size() - 8] = static_cast<char>(flipped[flipped.size() - 8] ^ 1);
  const std::vector<Case> cases{
      {"chain: garbage", "/cert_chain", "garbage", 0},
      {"chain: an error page", "/cert_chain", "<html>Sorry</html>", 0},
      {"chain: empty", "/cert_chain", "", 0},
      {"chain: truncated", "/cert_chain", good.chain.substr(0, good.chain.size() / 2), 0},
      {"chain: of another root", "/cert_chain", foreign.chain, 0},
      {"chain: without its root's issuer of VCEKs", "/cert_chain", good.chain.substr(good.chain.rfind("-----BEGIN")),
       0},
      {"list: garbage", "/crl", "garbage", 2},
      {"list: truncated", "/crl", good.crl.substr(0, good.crl.size() - 1), 2},
      {"list: of another root", "/crl", foreign.crl, 2},
      {"list: expired", "/crl", shelf_of(vendor(), now - 1).crl, 2},
      {"list: a certificate", "/crl", good.vcek, 2},
      {"VCEK: garbage", "", "garbage", 2},
      {"VCEK: truncated", "", good.vcek.substr(0, 100), 2},
      {"VCEK: of another root", "", foreign.vcek, 2},
      {"VCEK: of another chip", "", other_chip.vcek, 2},
      {"VCEK: at another TCB", "", other_tcb.vcek, 2},
      {"VCEK: a bit of its signature flipped", "", flipped, 2},
      {"VCEK: a list", "", good.crl, 2},
  };
  for (const Case& bad : cases) {
    INFO(bad.name);
    const TemporaryFolder folder;
    const LocalServer server([&](const SeenRequest& request) {
      const bool is_vcek = request.target.find("SPL=") != std::string::npos;
      const bool hit = bad.end.empty() ? is_vcek : request.target.ends_with(bad.end);
      return hit ? answer(200, bad.body) : serve(good, request.target);
    });
    {
      Run run(folder.path(), server.url());
      const auto outcomes = run.keys->provide_for(report_of(vendor()));
      CHECK(std::ranges::count(outcomes, KeyOutcome::Kind::failed, &KeyOutcome::kind) == 1);
      CHECK(files_in(folder.path()) == bad.kept);
    }
    // A later answer that is good fills the gap.
    const LocalServer healed([&](const SeenRequest& request) { return serve(good, request.target); });
    Run again(folder.path(), healed.url());
    const auto outcomes = again.keys->provide_for(report_of(vendor()));
    CHECK(std::ranges::count(outcomes, KeyOutcome::Kind::failed, &KeyOutcome::kind) == 0);
    CHECK(healed.seen().size() == 3 - bad.kept);
  }
}

TEST_CASE("what has ended is fetched again, and stays when that fails") {
  const TemporaryFolder folder;
  Shelf shelf = shelf_of(vendor());
  const SnpReport report = report_of(vendor());
  std::string old_url;
  {
    const LocalServer server([&](const SeenRequest& request) { return serve(shelf, request.target); });
    Run run(folder.path(), server.url());
    CHECK(kinds(run.keys->provide_for(report)) == all_fetched);
    old_url = server.url();
  }
  const std::int64_t later = now + 2 * day;
  {
    Run offline(folder.path(), old_url, later);
    const auto outcomes = offline.keys->provide_for(report);
    CHECK(kinds(outcomes) == std::vector{KeyOutcome::Kind::cached, KeyOutcome::Kind::failed, KeyOutcome::Kind::cached});
    CHECK(files_in(folder.path()) == 3);
  }
  shelf = shelf_of(vendor(), later + day);
  const LocalServer server([&](const SeenRequest& request) { return serve(shelf, request.target); });
  Run online(folder.path(), server.url(), later);
  CHECK(kinds(online.keys->provide_for(report)) ==
        std::vector{KeyOutcome::Kind::cached, KeyOutcome::Kind::fetched, KeyOutcome::Kind::cached});
  CHECK(server.seen().size() == 1);
}

TEST_CASE("a service that asks to come back later is asked then") {
  const TemporaryFolder folder;
  const Shelf shelf = shelf_of(vendor());
  std::atomic<int> left = 2;
  const LocalServer server([&](const SeenRequest& request) {
    if (left-- > 0) return answer(429, "slow down", "Retry-After: 7\r\n");
    return serve(shelf, request.target);
  });
  Run run(folder.path(), server.url());
  CHECK(kinds(run.keys->provide_for(report_of(vendor()))) == all_fetched);
  CHECK(run.slept == std::vector<std::chrono::milliseconds>{7s, 7s});
  CHECK(server.seen().size() == 5);
}

TEST_CASE("a wait beyond patience is an error, and no later run asks before its time") {
  const TemporaryFolder folder;
  const Shelf shelf = shelf_of(vendor());
  std::atomic<bool> throttle = true;
  const LocalServer server([&](const SeenRequest& request) {
    return throttle ? answer(503, "", "Retry-After: 600\r\n") : serve(shelf, request.target);
  });
  const auto first_of = [&](std::int64_t time) {
    Run run(folder.path(), server.url(), time);
    const auto outcomes = run.keys->provide_for(report_of(vendor()));
    CHECK(run.slept.empty());
    return outcomes.front();
  };
  CHECK(first_of(now).detail.find("600 s") != std::string::npos);
  CHECK(server.seen().size() == 1);
  throttle = false;
  CHECK(first_of(now + 300).detail.find("another 300 s") != std::string::npos);
  CHECK(server.seen().size() == 1);
  CHECK(first_of(now + 600).kind == KeyOutcome::Kind::fetched);
}

TEST_CASE("a service cannot lock us out for years") {
  const TemporaryFolder folder;
  const LocalServer server([&](const SeenRequest&) { return answer(429, "", "Retry-After: 999999999\r\n"); });
  Run run(folder.path(), server.url());
  CHECK(run.keys->provide_for(report_of(vendor())).front().kind == KeyOutcome::Kind::failed);
  CHECK(run.cache.not_before("amd") == now + 3600);
  // Nor can a file that somebody broke, or a clock that was set back.
  REQUIRE(run.cache.set_not_before("amd", now + 999999999));
  Run patient(folder.file("other"), server.url(), now, 2h);
  REQUIRE(patient.cache.set_not_before("amd", now + 999999999));
  CHECK(patient.keys->provide_for(report_of(vendor())).front().kind == KeyOutcome::Kind::failed);
  CHECK(patient.slept.front() == 1h);
  folder.write("broken/amd.retry", "no number");
  const Run broken(folder.file("broken"), server.url());
  CHECK(broken.cache.not_before("amd") == 0);
}

TEST_CASE("a service that breaks off is tried three times, one that lacks a thing once") {
  struct Case {
    std::string name;
    Answer reply;
    std::size_t asked;
  };
  for (const auto& [name, reply, asked] : std::vector<Case>{
           {"breaks off", {"", 0, false}, 3},
           {"sends less than it announced", {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc", 0, false}, 3},
           {"has an internal error", answer(500, ""), 3},
           {"redirects", answer(302, "", "Location: http://127.0.0.1:1/\r\n"), 1},
           {"sends 100 MB", {"HTTP/1.1 200 OK\r\n\r\n", std::uint64_t{100} << 20U, false}, 1},
           {"has no such thing", answer(404, ""), 1},
           {"forbids it", answer(403, ""), 1},
       }) {
    INFO(name);
    const TemporaryFolder folder;
    const LocalServer server([&reply = reply](const SeenRequest&) { return reply; });
    Run run(folder.path(), server.url());
    const auto outcomes = run.keys->provide_for(report_of(vendor()));
    REQUIRE(outcomes.size() == 1);
    CHECK(outcomes.front().kind == KeyOutcome::Kind::failed);
    CHECK(server.seen().size() == asked);
    CHECK(run.slept.size() == asked - 1);
    CHECK(files_in(folder.path()) == 0);
  }
}

TEST_CASE("a service that hangs costs its time limit, not more") {
  const TemporaryFolder folder;
  const LocalServer server([](const SeenRequest&) { return Answer{"", 0, true}; });
  const KeyCache cache = *KeyCache::open_for_writing(folder.path());
  KeyServiceOptions options;
  options.timeout = 1s;
  options.sleep = [](std::chrono::milliseconds) {};
  KeyService service(cache, options);
  const auto response = service.get("amd", server.url(), 100);
  REQUIRE_FALSE(response);
  CHECK(response.error().code == Errc::timed_out);
  CHECK(server.seen().size() == 3);
}

TEST_CASE("a crash while writing leaves nothing that is read, and its rest is removed") {
  const TemporaryFolder folder;
  folder.write("amd/Milan-vcek-chain.pem.a1B2c3", "-----BEGIN CERTIF");
  folder.write("amd/Milan-vcek.crl", "kept");
  folder.write("amd/notes.txt.backup", "somebody's own");
  CHECK(cached_snp_endorsements(folder.path(), encode_snp_report(report_of(vendor())), now).certificates.empty());
  const KeyCache cache = *KeyCache::open_for_writing(folder.path());
  CHECK_FALSE(cache.read("amd/Milan-vcek-chain.pem.a1B2c3"));
  CHECK(cache.read("amd/Milan-vcek.crl"));
  CHECK(cache.read("amd/notes.txt.backup"));
}

TEST_CASE("a cache that somebody broke is fetched anew") {
  const TemporaryFolder folder;
  folder.write("amd/Milan-vcek-chain.pem", "-----BEGIN CERTIF");
  const Shelf shelf = shelf_of(vendor());
  const LocalServer server([&](const SeenRequest& request) { return serve(shelf, request.target); });
  Run run(folder.path(), server.url());
  CHECK(kinds(run.keys->provide_for(report_of(vendor()))) == all_fetched);
}

TEST_CASE("a cache primed with AMD's own files verifies a genuine report") {
  const std::int64_t at = *from_rfc3339("2025-06-01T00:00:00Z");
  for (const std::string sample : {"milan-vcek-v2", "milan-vlek-v3"}) {
    const auto report = vector_file("snp/" + sample + "/report.bin");
    const auto leaf = vector_file("snp/" + sample + (sample == "milan-vcek-v2" ? "/vcek.der" : "/vlek.der"));
    const auto chain = vector_file("snp/" + sample + "/chain.pem");
    if (!report || !leaf || !chain) continue;
    SnpEndorsements files;
    REQUIRE(add_snp_certificates(*leaf, files));
    REQUIRE(add_snp_certificates(*chain, files));
    const TemporaryFolder folder;
    Run run(folder.path(), "http://127.0.0.1:1", at);
    CHECK(kinds(run.keys->prime(files)) == std::vector(2, KeyOutcome::Kind::primed));
    const SnpEndorsements cached = cached_snp_endorsements(folder.path(), *report, at);
    CHECK(cached.certificates.size() == 3);
    CHECK(verify_snp(*report, cached, {}, at).good());
    // Nothing is taken that is not valid.
    const TemporaryFolder later;
    Run too_late(later.path(), "http://127.0.0.1:1", *from_rfc3339("2050-01-01T00:00:00Z"));
    CHECK(too_late.keys->prime(files).empty());
  }
}

TEST_CASE("files of an unknown root prime nothing") {
  const TemporaryFolder folder;
  Run run(folder.path(), "http://127.0.0.1:1");
  SnpEndorsements files;
  for (const SnpCertificate& entry : stranger().certificates()) files.certificates.push_back(entry.data);
  files.crls.push_back(*stranger().crl({}, now - day, now + day));
  CHECK(run.keys->prime(files).empty());
  CHECK(files_in(folder.path()) == 0);
}

}  // namespace
}  // namespace attestd::test
