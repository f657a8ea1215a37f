#include "verifier/tpm.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/openssl_internal.h"
#include "evidence/event_log_writer.h"
#include "evidence/event_names.h"
#include "tests/catch.h"
#include "tests/vectors.h"

using namespace attestd;
using test::vector_file;

namespace {

using Selection = std::vector<PcrSelection>;
constexpr std::uint32_t ak_attributes = TpmPublic::restricted | TpmPublic::sign | TpmPublic::fixed_tpm;

CheckResult result_of(const TpmVerification& verified, std::string_view id) {
  const auto found = std::ranges::find(verified.checks, id, &Check::id);
  REQUIRE(found != verified.checks.end());
  INFO(id << ": " << found->detail);
  return found->result;
}

std::string detail_of(const TpmVerification& verified, std::string_view id) {
  return std::ranges::find(verified.checks, id, &Check::id)->detail;
}

Bytes parameter(EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  REQUIRE(EVP_PKEY_get_bn_param(key, name, &raw) == 1);
  const openssl::Number number(raw);
  Bytes out(static_cast<std::size_t>(BN_num_bytes(raw)));
  BN_bn2bin(raw, openssl::writable(out));
  return out;
}

// A TPM in miniature: one key, and quotes by it.
class TestTpm {
 public:
  explicit TestTpm(TpmSignature::Scheme scheme, std::uint32_t attributes = ak_attributes) : scheme_(scheme) {
    const bool ecc = scheme == TpmSignature::Scheme::ecdsa;
    key_.reset(ecc ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048));
    REQUIRE(key_);
    Writer area;
    area.be16(ecc ? 0x0023 : 0x0001).be16(0x000b).be32(attributes).be16(0).be16(0x0010);
    area.be16(static_cast<std::uint16_t>(scheme)).be16(0x000b);
    if (ecc) {
      area.be16(3).be16(0x0010);
      for (const char* const name : {OSSL_PKEY_PARAM_EC_PUB_X, OSSL_PKEY_PARAM_EC_PUB_Y}) {
        const Bytes value = parameter(key_.get(), name);
        area.be16(static_cast<std::uint16_t>(value.size())).raw(value);
      }
    } else {
      area.be16(2048).be32(0).be16(256).raw(parameter(key_.get(), OSSL_PKEY_PARAM_RSA_N));
    }
    public_area = area.take();
  }

  void quote(const Selection& selection, const PcrValues& values, std::string_view extra_data) {
    const Bytes composite = *pcr_composite(HashAlgorithm::sha256, selection, values);
    Writer out;
    out.be32(tpm_generated_value).be16(tpm_st_attest_quote).be16(0);
    out.be16(static_cast<std::uint16_t>(extra_data.size())).raw(as_bytes(extra_data));
    out.zeros(8 + 4 + 4 + 1 + 8).be32(static_cast<std::uint32_t>(selection.size()));
    for (const PcrSelection& each : selection) {
      std::uint32_t bits = 0;
      for (const unsigned index : each.indices) bits |= 1U << index;
      out.be16(static_cast<std::uint16_t>(each.bank)).u8(3);
      out.u8(static_cast<std::uint8_t>(bits)).u8(static_cast<std::uint8_t>(bits >> 8U));
      out.u8(static_cast<std::uint8_t>(bits >> 16U));
    }
    attest = out.be16(32).raw(composite).take();
    sign(attest);
  }

  void sign(ByteView message) {
    const openssl::DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* parameters = nullptr;
    REQUIRE(EVP_DigestSignInit(context.get(), &parameters, EVP_sha256(), nullptr, key_.get()) == 1);
    if (scheme_ == TpmSignature::Scheme::rsapss) {
      REQUIRE(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
    }
    std::size_t size = 0;
    REQUIRE(EVP_DigestSign(context.get(), nullptr, &size, openssl::data(message), message.size()) == 1);
    Bytes raw(size);
    REQUIRE(EVP_DigestSign(context.get(), openssl::writable(raw), &size, openssl::data(message), message.size()) == 1);
    raw.resize(size);
    Writer out;
    out.be16(static_cast<std::uint16_t>(scheme_)).be16(0x000b);
    if (scheme_ == TpmSignature::Scheme::ecdsa) {
      const unsigned char* cursor = openssl::data(raw);
      const openssl::Signature parsed(d2i_ECDSA_SIG(nullptr, &cursor, static_cast<long>(raw.size())));
      for (const BIGNUM* number : {ECDSA_SIG_get0_r(parsed.get()), ECDSA_SIG_get0_s(parsed.get())}) {
        Bytes value(static_cast<std::size_t>(BN_num_bytes(number)));
        BN_bn2bin(number, openssl::writable(value));
        out.be16(static_cast<std::uint16_t>(value.size())).raw(value);
      }
    } else {
      out.be16(static_cast<std::uint16_t>(raw.size())).raw(raw);
    }
    signature = out.take();
  }

  [[nodiscard]] TpmInput input() const { return {attest, signature, public_area, std::nullopt, {}, {}, std::nullopt}; }

  Bytes public_area;
  Bytes attest;
  Bytes signature;

 private:
  TpmSignature::Scheme scheme_;
  openssl::Key key_;
};

PcrValues zero_pcrs(std::initializer_list<unsigned> indices) {
  PcrValues values;
  for (const unsigned index : indices) values[HashAlgorithm::sha256][index] = Bytes(32);
  return values;
}

}  // namespace

TEST_CASE("quotes signed with each scheme verify, and with any byte of them changed do not") {
  for (const auto scheme : {TpmSignature::Scheme::ecdsa, TpmSignature::Scheme::rsassa, TpmSignature::Scheme::rsapss}) {
    TestTpm tpm(scheme);
    tpm.quote({{HashAlgorithm::sha256, {0, 7}}}, zero_pcrs({0, 7}), "nonce");
    TpmInput input = tpm.input();
    input.pcrs = zero_pcrs({0, 7});
    input.expected_extra_data = to_bytes("nonce");
    const TpmVerification good = verify_tpm(input);
    for (const char* const id : {"tpm.signature", "tpm.ak", "tpm.extra-data", "tpm.pcrs"}) {
      CHECK(result_of(good, id) == CheckResult::pass);
    }
    CHECK(result_of(good, "tpm.eventlog") == CheckResult::skipped);
    Bytes changed = tpm.attest;
    for (std::byte& byte : changed) {
      byte ^= std::byte{1};
      input.quote = changed;
      CHECK(result_of(verify_tpm(input), "tpm.signature") == CheckResult::fail);
      byte ^= std::byte{1};
    }
    input.quote = tpm.attest;
    Bytes signature = tpm.signature;
    for (std::byte& byte : signature) {
      byte ^= std::byte{1};
      input.signature = signature;
      CHECK(result_of(verify_tpm(input), "tpm.signature") == CheckResult::fail);
      byte ^= std::byte{1};
    }
  }
}

TEST_CASE("a key that is not restricted to what its TPM made is refused") {
  TestTpm tpm(TpmSignature::Scheme::ecdsa, TpmPublic::sign | TpmPublic::fixed_tpm);
  tpm.quote({{HashAlgorithm::sha256, {0}}}, zero_pcrs({0}), "");
  const TpmVerification verified = verify_tpm(tpm.input());
  CHECK(result_of(verified, "tpm.signature") == CheckResult::pass);
  CHECK(result_of(verified, "tpm.ak") == CheckResult::fail);
}

TEST_CASE("another TPM's key, another nonce and a signed text that is no quote are refused") {
  TestTpm tpm(TpmSignature::Scheme::ecdsa);
  tpm.quote({{HashAlgorithm::sha256, {0}}}, zero_pcrs({0}), "nonce");
  const TestTpm other(TpmSignature::Scheme::ecdsa);
  TpmInput input = tpm.input();
  input.ak = other.public_area;
  CHECK(result_of(verify_tpm(input), "tpm.signature") == CheckResult::fail);
  input.ak = tpm.public_area;
  for (const char* const expected : {"nonc", "noncf", "nonce2", ""}) {
    input.expected_extra_data = to_bytes(expected);
    CHECK(result_of(verify_tpm(input), "tpm.extra-data") == CheckResult::fail);
  }
  const Bytes text = to_bytes("not a quote");
  tpm.sign(text);
  input.quote = text;
  input.signature = tpm.signature;
  CHECK(result_of(verify_tpm(input), "tpm.signature") == CheckResult::fail);
}

TEST_CASE("the quote's values, and only they, are kept") {
  TestTpm tpm(TpmSignature::Scheme::ecdsa);
  tpm.quote({{HashAlgorithm::sha256, {0}}}, zero_pcrs({0}), "");
  TpmInput input = tpm.input();
  input.pcrs = zero_pcrs({0, 7});
  (*input.pcrs)[HashAlgorithm::sha1][0] = Bytes(20);
  const TpmVerification verified = verify_tpm(input);
  CHECK(result_of(verified, "tpm.pcrs") == CheckResult::pass);
  CHECK(*verified.pcrs == zero_pcrs({0}));
  (*input.pcrs)[HashAlgorithm::sha256][0][31] = std::byte{1};
  CHECK(result_of(verify_tpm(input), "tpm.pcrs") == CheckResult::fail);
  input.pcrs = zero_pcrs({7});
  CHECK(result_of(verify_tpm(input), "tpm.pcrs") == CheckResult::fail);
  input.pcrs.reset();
  CHECK(result_of(verify_tpm(input), "tpm.pcrs") == CheckResult::skipped);
}

TEST_CASE("an event log must replay to the quoted values of each PCR that it touches") {
  const std::vector banks{HashAlgorithm::sha256};
  EventLogWriter log(banks);
  log.measure(0, ev_s_crtm_version, as_bytes("v1"));
  log.measure(7, ev_separator, Bytes(4));
  log.measure(11, ev_ipl, as_bytes(".linux"));
  const auto phase = write_userspace_record(11, banks, "phase", "ready");
  PcrValues values;
  PcrBank& bank = values[HashAlgorithm::sha256];
  bank = replay(*parse_event_log(log.bytes()), HashAlgorithm::sha256);
  replay(*parse_userspace_log(phase.bytes), HashAlgorithm::sha256, bank);
  bank[14] = Bytes(32);                   // at rest, in no log
  bank[10] = Bytes(32, std::byte{0xaa});  // extended by IMA, say
  const Selection selection{{HashAlgorithm::sha256, {0, 7, 10, 11, 14}}};

  const auto verify = [&](const PcrValues& quoted, ByteView firmware, ByteView userspace) {
    TestTpm tpm(TpmSignature::Scheme::ecdsa);
    tpm.quote(selection, quoted, "");
    TpmInput input = tpm.input();
    input.pcrs = quoted;
    input.firmware_event_log = firmware;
    input.userspace_event_log = userspace;
    return verify_tpm(input);
  };

  const TpmVerification good = verify(values, log.bytes(), phase.bytes);
  CHECK(result_of(good, "tpm.eventlog") == CheckResult::pass);
  CHECK(detail_of(good, "tpm.eventlog") == "3 quoted PCRs replay; no log explains PCR 10 of sha256");
  CHECK(good.log.has_value());
  CHECK(good.userspace_events.size() == 1);

  // Without the userspace log PCR 11 does not replay; without the firmware's neither.
  CHECK(result_of(verify(values, log.bytes(), {}), "tpm.eventlog") == CheckResult::fail);
  CHECK(result_of(verify(values, {}, phase.bytes), "tpm.eventlog") == CheckResult::fail);
  for (const unsigned index : {0U, 7U, 11U}) {
    PcrValues changed = values;
    changed[HashAlgorithm::sha256][index] = Bytes(32);
    const TpmVerification verified = verify(changed, log.bytes(), phase.bytes);
    CHECK(result_of(verified, "tpm.pcrs") == CheckResult::pass);
    CHECK(result_of(verified, "tpm.eventlog") == CheckResult::fail);
  }
  CHECK(result_of(verify(values, as_bytes("no log"), {}), "tpm.eventlog") == CheckResult::fail);
  EventLogWriter sha1_only({HashAlgorithm::sha1});
  sha1_only.measure(0, ev_s_crtm_version, as_bytes("v1"));
  CHECK(result_of(verify(values, sha1_only.bytes(), {}), "tpm.eventlog") == CheckResult::fail);
}

TEST_CASE("a log that matches values which the quote does not prove does not pass") {
  EventLogWriter log({HashAlgorithm::sha256});
  log.measure(7, ev_separator, Bytes(4));
  const PcrValues logged{{HashAlgorithm::sha256, replay(*parse_event_log(log.bytes()), HashAlgorithm::sha256)}};
  TestTpm tpm(TpmSignature::Scheme::ecdsa);
  tpm.quote({{HashAlgorithm::sha256, {0, 7}}}, zero_pcrs({0, 7}), "");
  TpmInput input = tpm.input();
  input.pcrs = logged;
  input.firmware_event_log = log.bytes();
  const TpmVerification verified = verify_tpm(input);
  CHECK(result_of(verified, "tpm.pcrs") == CheckResult::fail);
  CHECK(result_of(verified, "tpm.eventlog") == CheckResult::fail);
}

TEST_CASE("a genuine quote verifies with its TPM2B_PUBLIC and with its PEM key") {
  const auto quote = vector_file("tpm/quote/quote.out");
  const auto signature = vector_file("tpm/quote/quotesig.out");
  const auto ak = vector_file("tpm/quote/ak.pub");
  const auto pem = vector_file("tpm/quote/akpub.pem");
  const auto pcrs = vector_file("tpm/quote/quotepcr.out");
  if (!quote || !signature || !ak || !pem || !pcrs) return;
  TpmInput input{*quote, *signature, *ak, *parse_tpm2_tools_pcrs(*pcrs), {}, {}, std::nullopt};
  const TpmVerification verified = verify_tpm(input);
  CHECK(result_of(verified, "tpm.signature") == CheckResult::pass);
  CHECK(result_of(verified, "tpm.ak") == CheckResult::pass);
  CHECK(result_of(verified, "tpm.pcrs") == CheckResult::pass);
  input.ak = *pem;
  const TpmVerification by_pem = verify_tpm(input);
  CHECK(result_of(by_pem, "tpm.signature") == CheckResult::pass);
  CHECK(result_of(by_pem, "tpm.ak") == CheckResult::skipped);
  Bytes changed = *quote;
  for (std::byte& byte : changed) {
    byte ^= std::byte{0x80};
    input.quote = changed;
    CHECK(result_of(verify_tpm(input), "tpm.signature") == CheckResult::fail);
    byte ^= std::byte{0x80};
  }
}

TEST_CASE("genuine Azure quotes, bare signatures and PCRs verify with the key in their HCL report") {
  for (const std::string folder : {"azure/snp/", "azure/tdx/"}) {
    // Each vector with its size (64 bits, little-endian): signature, TPMS_ATTEST,
    // then 24 values of 32 bytes.
    const auto file = vector_file(folder + "quote.bin");
    const auto report = vector_file(folder + "hcl-report.bin");
    if (!file || !report) return;
    REQUIRE(file->size() == 1170);
    const ByteView bytes(*file);
    PcrValues pcrs;
    for (unsigned index = 0; index < 24; ++index) {
      pcrs[HashAlgorithm::sha256][index] = to_bytes(bytes.subspan(402 + 32 * index, 32));
    }
    // The first "n" of the runtime data is HCLAkPub's modulus (JWK).
    const std::string_view text = as_text(*report);
    const std::size_t at = text.find("\"n\":\"", text.find("HCLAkPub"));
    REQUIRE(at != std::string_view::npos);
    const auto modulus = from_base64url(text.substr(at + 5, text.find('"', at + 5) - at - 5));
    REQUIRE(modulus);
    const Bytes area = Writer()
                           .be16(0x0001)
                           .be16(0x000b)
                           .be32(ak_attributes)
                           .be16(0)
                           .be16(0x0010)
                           .be16(0x0014)
                           .be16(0x000b)
                           .be16(2048)
                           .be32(0)
                           .be16(256)
                           .raw(*modulus)
                           .take();
    const Bytes signature = to_bytes(bytes.subspan(8, 256));
    TpmInput input{bytes.subspan(272, 122), signature, area, pcrs, {}, {}, to_bytes("challenge")};
    const TpmVerification verified = verify_tpm(input);
    CHECK(result_of(verified, "tpm.signature") == CheckResult::pass);
    CHECK(result_of(verified, "tpm.extra-data") == CheckResult::pass);
    CHECK(result_of(verified, "tpm.pcrs") == CheckResult::pass);
    Bytes changed = signature;
    changed[100] ^= std::byte{1};
    input.signature = changed;
    CHECK(result_of(verify_tpm(input), "tpm.signature") == CheckResult::fail);
    // Another machine's quote: well-formed, and not by this key.
    const auto other_quote = vector_file("azure/snp/tpm-quote.msg");
    const auto other_signature = vector_file("azure/snp/tpm-quote.sig");
    REQUIRE(other_quote);
    REQUIRE(other_signature);
    input.quote = *other_quote;
    input.signature = *other_signature;
    CHECK(result_of(verify_tpm(input), "tpm.signature") == CheckResult::fail);
    CHECK(verify_tpm(input).quote.has_value());
  }
}

TEST_CASE("a key of under 2048 bits, off its curve or of garbage is refused") {
  const Bytes off_curve = Writer()
                              .be16(0x0023)
                              .be16(0x000b)
                              .be32(ak_attributes)
                              .be16(0)
                              .be16(0x0010)
                              .be16(0x0010)
                              .be16(3)
                              .be16(0x0010)
                              .be16(1)
                              .u8(1)
                              .be16(1)
                              .u8(1)
                              .take();
  const Bytes short_rsa = Writer()
                              .be16(0x0001)
                              .be16(0x000b)
                              .be32(ak_attributes)
                              .be16(0)
                              .be16(0x0010)
                              .be16(0x0010)
                              .be16(1024)
                              .be32(0)
                              .be16(128)
                              .raw(Bytes(128, std::byte{0xff}))
                              .take();
  TestTpm tpm(TpmSignature::Scheme::ecdsa);
  tpm.quote({{HashAlgorithm::sha256, {0}}}, zero_pcrs({0}), "");
  for (const Bytes& key : {off_curve, short_rsa, Bytes(), to_bytes("-----BEGIN PUBLIC KEY-----\nAAAA\n")}) {
    TpmInput input = tpm.input();
    input.ak = key;
    const TpmVerification verified = verify_tpm(input);
    CHECK(result_of(verified, "tpm.signature") == CheckResult::fail);
    CHECK(result_of(verified, "tpm.ak") == CheckResult::fail);
  }
}
