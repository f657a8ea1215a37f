#include "hwio/tpm.h"

#include <openssl/evp.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <numeric>
#include <thread>

#include "base/encoding.h"
#include "tests/catch.h"
#include "tests/hwio/swtpm.h"

namespace attestd::hwio {
namespace {

using test::Swtpm;

constexpr std::uint16_t sha1 = 0x0004;
constexpr std::uint16_t sha256 = 0x000b;
constexpr std::uint16_t sha384 = 0x000c;
constexpr std::uint16_t sm3_256 = 0x0012;

Bytes nonce() { return Bytes(32, std::byte{0x42}); }

void write_file(const std::string& path, ByteView bytes) { std::ofstream(path, std::ios::binary) << as_text(bytes); }

// TPM2B_PUBLIC, as tpm2-tools want it.
Bytes sized(ByteView area) {
  Writer writer;
  return writer.be16(static_cast<std::uint16_t>(area.size())).raw(area).take();
}

// What tpm2_quote --pcr writes: TPML_PCR_SELECTION, a count, and TPML_DIGESTs of
// up to eight, as the C structures lie in memory on a little-endian machine.
Bytes serialized_pcrs(const TpmPcrs& pcrs) {
  Writer selection;
  std::vector<Bytes> values;
  for (const auto& [bank, of_bank] : pcrs) {
    std::uint32_t bits = 0;
    for (const auto& [pcr, value] : of_bank) {
      bits |= 1U << pcr;
      values.push_back(value);
    }
    selection.le16(bank).u8(3).le32(bits).u8(0);
  }
  Writer out;
  out.le32(static_cast<std::uint32_t>(pcrs.size())).raw(selection.bytes()).zeros((16 - pcrs.size()) * 8);
  out.le32(static_cast<std::uint32_t>((values.size() + 7) / 8));
  for (std::size_t first = 0; first < values.size(); first += 8) {
    const std::size_t count = std::min<std::size_t>(8, values.size() - first);
    out.le32(static_cast<std::uint32_t>(count));
    for (std::size_t i = 0; i < count; ++i) {
      const Bytes& value = values[first + i];
      out.le16(static_cast<std::uint16_t>(value.size())).raw(value).zeros(64 - value.size());
    }
    out.zeros((8 - count) * 66);
  }
  return out.take();
}

const bool no_sigpipe = ::signal(SIGPIPE, SIG_IGN) != SIG_ERR;

TEST_CASE("the attestation key is a restricted P-256 signing key with its name") {
  REQUIRE(no_sigpipe);
  const Swtpm swtpm;
  const auto tpm = Tpm::make({.tcti = swtpm.tcti()});
  const auto key = tpm->attestation_key();
  REQUIRE(key);
  // TPMT_PUBLIC: ECC, SHA-256, fixedTPM | fixedParent | sensitiveDataOrigin |
  // userWithAuth | restricted | sign, no policy, no symmetric, ECDSA SHA-256, P-256, no KDF.
  CHECK(to_hex(ByteView(key->public_area).first(22)) ==
        "0023000b0005007200000010"
        "0018000b00030010"
        "0020");
  CHECK(key->public_area.size() == 22 + 32 + 2 + 32);
  CHECK(key->certificate.empty());
  Bytes digest(32);
  REQUIRE(EVP_Digest(key->public_area.data(), key->public_area.size(), reinterpret_cast<unsigned char*>(digest.data()),
                     nullptr, EVP_sha256(), nullptr) == 1);
  CHECK(to_hex(key->name) == "000b" + to_hex(digest));
  CHECK(tpm->where() == swtpm.tcti());
}

TEST_CASE("tpm2_checkquote accepts our quote, its PCRs and its nonce") {
  Swtpm swtpm;
  REQUIRE(swtpm.tool("tpm2_pcrextend 16:sha256=" + std::string(64, 'a')));
  TpmQuoteResult quote;
  TpmAttestationKey key;
  {
    const auto tpm = Tpm::make({.tcti = swtpm.tcti(), .banks = {sha1, sha256}});
    quote = tpm->quote(nonce()).value();
    key = tpm->attestation_key().value();
  }
  CHECK(quote.key.name == key.name);
  CHECK(quote.key.public_area == key.public_area);
  REQUIRE(quote.pcrs.size() == 2);
  CHECK(quote.pcrs.at(sha1).at(0) == Bytes(20));
  CHECK(quote.pcrs.at(sha256).size() == 18);
  CHECK(quote.pcrs.at(sha256).at(16) != Bytes(32));
  write_file(swtpm.folder().file("ak.pub"), sized(key.public_area));
  write_file(swtpm.folder().file("quote"), quote.quote);
  write_file(swtpm.folder().file("signature"), quote.signature);
  write_file(swtpm.folder().file("pcrs"), serialized_pcrs(quote.pcrs));
  const std::string check = "tpm2_checkquote -u ak.pub -m quote -s signature -f pcrs -g sha256 -q ";
  CHECK(swtpm.tool(check + to_hex(nonce())));
  CHECK(!swtpm.tool(check + std::string(64, '0')));
  quote.pcrs[sha256][23][31] ^= std::byte{1};
  write_file(swtpm.folder().file("pcrs"), serialized_pcrs(quote.pcrs));
  CHECK(!swtpm.tool(check + to_hex(nonce())));
}

TEST_CASE("all 24 PCRs of several banks are read though the TPM gives eight at a time") {
  const Swtpm swtpm;
  std::vector<unsigned> all(24);
  std::iota(all.begin(), all.end(), 0U);
  const auto quote = Tpm::make({.tcti = swtpm.tcti(), .banks = {sha384, sha256}, .pcrs = all})->quote(nonce());
  REQUIRE(quote);
  CHECK(quote->pcrs.at(sha256).size() == 24);
  CHECK(quote->pcrs.at(sha384).size() == 24);
  CHECK(quote->pcrs.at(sha384).at(23).size() == 48);
  CHECK(quote->pcrs.at(sha256).at(17) == Bytes(32, std::byte{0xff}));  // DRTM, never launched
}

TEST_CASE("banks that the TPM does not have are left out, and none at all is an error") {
  const Swtpm swtpm;
  const auto some = Tpm::make({.tcti = swtpm.tcti(), .banks = {sm3_256, sha256}})->quote(nonce());
  REQUIRE(some);
  CHECK(some->pcrs.size() == 1);
  CHECK(some->pcrs.contains(sha256));
  CHECK(some->pcrs.at(sha256).size() == 18);
  CHECK(Tpm::make({.tcti = swtpm.tcti(), .banks = {sm3_256}})->quote(nonce()).error().code == Errc::unsupported);
  CHECK(Tpm::make({.tcti = swtpm.tcti(), .pcrs = {24}})->quote(nonce()).error().code == Errc::usage);
}

TEST_CASE("qualifying data of 1 to 34 bytes is quoted, other sizes are refused") {
  const Swtpm swtpm;
  const auto tpm = Tpm::make({.tcti = swtpm.tcti()});
  for (const std::size_t size : {std::size_t{1}, std::size_t{34}}) {
    INFO(size);
    const auto quote = tpm->quote(Bytes(size, std::byte{0x77}));
    REQUIRE(quote);
    CHECK_THAT(to_hex(quote->quote), Catch::Contains(to_hex(Bytes(size, std::byte{0x77}))));
  }
  CHECK(tpm->quote({}).error().code == Errc::usage);
  CHECK(tpm->quote(Bytes(35)).error().code == Errc::usage);
}

TEST_CASE("a PCR that another client extends shows in the next quote") {
  Swtpm swtpm;
  const auto tpm = Tpm::make({
      .tcti = swtpm.tcti(),
  });
  const auto before = tpm->quote(nonce());
  REQUIRE(before);
  // Only possible because the connection is closed: swtpm serves one client at a time.
  REQUIRE(swtpm.tool("timeout 5 tpm2_pcrextend 11:sha256=" + std::string(64, 'b')));
  const auto after = tpm->quote(nonce());
  REQUIRE(after);
  CHECK(before->pcrs.at(sha256).at(11) != after->pcrs.at(sha256).at(11));
  CHECK(before->key.name == after->key.name);
}

TEST_CASE("a TPM that was restarted between calls is found again, with the same key") {
  const bool close = GENERATE(false, true);
  Swtpm swtpm;
  const auto tpm = Tpm::make({.tcti = swtpm.tcti(), .close_after_call = close});
  const auto before = tpm->attestation_key();
  REQUIRE(before);
  REQUIRE(tpm->quote(nonce()));
  swtpm.stop();
  swtpm.start();
  const auto quote = tpm->quote(nonce());
  REQUIRE(quote);
  CHECK(quote->key.name == before->name);
  CHECK(tpm->attestation_key().value().public_area == before->public_area);
}

TEST_CASE("a TPM that was replaced shows by its key's name") {
  const bool close = GENERATE(false, true);
  Swtpm swtpm;
  const auto tpm = Tpm::make({.tcti = swtpm.tcti(), .close_after_call = close});
  const auto before = tpm->attestation_key();
  REQUIRE(before);
  swtpm.stop();
  swtpm.forget_state();
  swtpm.start();
  const auto quote = tpm->quote(nonce());
  REQUIRE(quote);
  CHECK(quote->key.name != before->name);
  CHECK(tpm->attestation_key().value().name == quote->key.name);
}

TEST_CASE("a TPM that is not there is unavailable, and used when it comes") {
  const bool close = GENERATE(false, true);
  Swtpm swtpm;
  const auto tpm = Tpm::make({.tcti = swtpm.tcti(), .close_after_call = close});
  swtpm.stop();
  CHECK(tpm->attestation_key().error().code == Errc::unavailable);
  swtpm.start();
  CHECK(tpm->quote(nonce()));
  swtpm.stop();
  CHECK(tpm->quote(nonce()).error().code == Errc::unavailable);
  CHECK(tpm->quote(nonce()).error().code == Errc::unavailable);
  swtpm.start();
  CHECK(tpm->quote(nonce()));
}

TEST_CASE("a TPM that dies during a call gives an error, not a hang or a crash") {
  const bool close = GENERATE(false, true);
  Swtpm swtpm;
  const auto tpm = Tpm::make({.tcti = swtpm.tcti(), .close_after_call = close});
  REQUIRE(tpm->quote(nonce()));
  std::jthread killer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    swtpm.stop();
  });
  // Quotes take half a millisecond: one of these is under way when it dies.
  Result<TpmQuoteResult> quote = tpm->quote(nonce());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (quote && std::chrono::steady_clock::now() < deadline) quote = tpm->quote(nonce());
  REQUIRE(!quote);
  CHECK(quote.error().code == Errc::unavailable);
  killer.join();
  swtpm.start();
  const auto after = tpm->quote(nonce());
  INFO((after ? std::string() : after.error().text()));
  CHECK(after);
}

TEST_CASE("keys left behind by a crash do not fill a TPM without resource manager") {
  Swtpm swtpm;
  // Three times the template of ours, left loaded: tpm2_createprimary does not flush.
  for (int i = 0; i < 3; ++i) {
    REQUIRE(
        swtpm.tool("tpm2_createprimary -C e -g sha256 -G ecc256:ecdsa-sha256:null -c left.ctx -a "
                   "'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign'"));
  }
  const auto tpm = Tpm::make({.tcti = swtpm.tcti()});
  CHECK(tpm->quote(nonce()));
}

TEST_CASE("an endorsement hierarchy that is closed to us is a matter of permission") {
  Swtpm swtpm;
  REQUIRE(swtpm.tool("tpm2_changeauth -c e secret"));
  const auto key = Tpm::make({.tcti = swtpm.tcti()})->attestation_key();
  REQUIRE(!key);
  CHECK(key.error().code == Errc::permission);
}

TEST_CASE("NV indices are read whole, in pieces when they are large") {
  Swtpm swtpm;
  Bytes contents(2000);
  for (std::size_t i = 0; i < contents.size(); ++i) contents[i] = static_cast<std::byte>(i * 7);
  write_file(swtpm.folder().file("contents"), contents);
  REQUIRE(swtpm.tool("tpm2_nvdefine 0x01500001 -s 2000 -a 'ownerread|ownerwrite|authread'"));
  REQUIRE(swtpm.tool("tpm2_nvwrite 0x01500001 -C o -i contents"));
  REQUIRE(swtpm.tool("tpm2_nvdefine 0x01500002 -s 8 -a 'ownerread|ownerwrite'"));
  REQUIRE(swtpm.tool("tpm2_nvdefine 0x01500003 -s 8 -p password -a 'authread|authwrite'"));
  REQUIRE(swtpm.tool("sh -c 'echo -n 12345678 | tpm2_nvwrite 0x01500003 -P password -i -'"));
  REQUIRE(swtpm.tool("tpm2_nvdefine 0x01500004 -s 4 -a 'ownerread|ownerwrite'"));
  REQUIRE(swtpm.tool("sh -c 'echo -n abcd | tpm2_nvwrite 0x01500004 -C o -i -'"));
  const auto tpm = Tpm::make({.tcti = swtpm.tcti()});
  CHECK(tpm->nv_read(0x01500001).value() == contents);
  CHECK(as_text(tpm->nv_read(0x01500004).value()) == "abcd");
  CHECK_THAT(tpm->nv_read(0x01500002).error().message, Catch::Contains("never written"));
  CHECK(tpm->nv_read(0x01500003).error().code == Errc::permission);
  CHECK(tpm->nv_read(0x01500009).error().code == Errc::not_found);
  CHECK(tpm->nv_read(0x81000001).error().code == Errc::usage);
  CHECK(tpm->quote(nonce()));
}

TEST_CASE("NV indices are written, and defined when they are not there") {
  Swtpm swtpm;
  const auto tpm = Tpm::make({.tcti = swtpm.tcti()});
  const Bytes first(64, std::byte{0x11});
  const Bytes second(64, std::byte{0x22});
  REQUIRE(tpm->nv_write(0x01500010, first));
  CHECK(tpm->nv_read(0x01500010).value() == first);
  REQUIRE(tpm->nv_write(0x01500010, second));
  CHECK(tpm->nv_read(0x01500010).value() == second);
  CHECK(tpm->nv_write(0x01500010, ByteView(first).first(32)).error().code == Errc::mismatch);
  CHECK(tpm->nv_write(0x01500011, {}).error().code == Errc::usage);
  CHECK(tpm->nv_write(0x81000001, first).error().code == Errc::usage);
  REQUIRE(swtpm.tool("tpm2_nvdefine 0x01500012 -C p -s 64 -a 'ownerread|ppwrite|platformcreate'"));
  CHECK(tpm->nv_write(0x01500012, first).error().code == Errc::permission);
}

TEST_CASE("a persistent key of the platform's quotes in place of ours") {
  Swtpm swtpm;
  REQUIRE(swtpm.tool("tpm2_createek -c ek.ctx -G rsa -u ek.pub"));
  REQUIRE(swtpm.tool("tpm2_createak -C ek.ctx -c ak.ctx -G rsa -g sha256 -s rsassa -u ak.pub -n ak.name"));
  REQUIRE(swtpm.tool("tpm2_flushcontext -t"));
  REQUIRE(swtpm.tool("tpm2_evictcontrol -C o -c ak.ctx 0x81000003"));
  REQUIRE(swtpm.tool("tpm2_flushcontext -t"));
  const auto tpm = Tpm::make({.tcti = swtpm.tcti(), .ak_handle = 0x81000003});
  const auto key = tpm->attestation_key();
  REQUIRE(key);
  CHECK(key->public_area[1] == std::byte{0x01});  // TPM_ALG_RSA
  const auto quote = tpm->quote(nonce());
  REQUIRE(quote);
  CHECK(quote->key.name == key->name);
  write_file(swtpm.folder().file("quote.msg"), quote->quote);
  write_file(swtpm.folder().file("quote.sig"), quote->signature);
  write_file(swtpm.folder().file("area.pub"), sized(key->public_area));
  CHECK(swtpm.tool("tpm2_checkquote -u area.pub -m quote.msg -s quote.sig -q " + to_hex(nonce())));
  // It stays where it is.
  CHECK(Tpm::make({.tcti = swtpm.tcti(), .ak_handle = 0x81000003})->quote(nonce()));
  CHECK(Tpm::make({.tcti = swtpm.tcti(), .ak_handle = 0x81000009})->quote(nonce()).error().code == Errc::not_found);
  CHECK(Tpm::make({.tcti = swtpm.tcti(), .ak_handle = 0x01400001})->quote(nonce()).error().code == Errc::usage);
}

TEST_CASE("the attestation key's certificate comes from the index that is configured") {
  Swtpm swtpm;
  REQUIRE(swtpm.tool("tpm2_nvdefine 0x01c10002 -s 4 -C p -a 'ppwrite|ownerread|authread|platformcreate'"));
  REQUIRE(swtpm.tool("sh -c 'echo -n cert | tpm2_nvwrite 0x01c10002 -C p -i -'"));
  const auto key = Tpm::make({.tcti = swtpm.tcti(), .ak_certificate_nv = 0x01c10002})->attestation_key();
  REQUIRE(key);
  CHECK(as_text(key->certificate) == "cert");
  CHECK(Tpm::make({.tcti = swtpm.tcti(), .ak_certificate_nv = 0x01c10009})->attestation_key().error().code ==
        Errc::not_found);
}

TEST_CASE("a TCTI that makes no sense is unavailable") {
  for (const char* tcti : {"nonsense:x", "device:/absent/tpm"}) {
    INFO(tcti);
    CHECK(Tpm::make({.tcti = tcti})->attestation_key().error().code == Errc::unavailable);
  }
}

}  // namespace
}  // namespace attestd::hwio
