#include "evidence/bundle.h"

#include "base/encoding.h"
#include "evidence/digest.h"
#include "tests/catch.h"

namespace attestd {
namespace {

Bundle full() {
  Bundle b;
  b.statement = to_bytes(R"({"any":"bytes"})");
  b.inclusion = {1, 3, {merkle_leaf(as_bytes("left")), merkle_leaf(as_bytes("right"))}};
  b.snp_report = Bytes(1184, std::byte{1});
  b.snp_certificates = Bytes(24, std::byte{0});
  b.tpm = TpmEvidence{to_bytes("quote"),
                      to_bytes("signature"),
                      to_bytes("public"),
                      to_bytes("certificate"),
                      {{HashAlgorithm::sha256, {{0, Bytes(32, std::byte{7})}, {14, Bytes(32, std::byte{8})}}}},
                      {to_bytes("\x30\x01x"), to_bytes("\x30\x02yz")},
                      to_bytes("endorsement key"),
                      to_bytes("its certificate")};
  b.firmware_event_log = to_bytes("firmware log");
  b.userspace_event_log = to_bytes("userspace log");
  b.td_quote = to_bytes("quote of a TD");
  b.cc_event_log = to_bytes("its log");
  b.hcl_report = to_bytes("of a paravisor");
  b.nitro_document = to_bytes("of a Nitro TPM");
  b.svsm_manifest = to_bytes("of an SVSM");
  b.certificates = to_bytes("of a metadata service");
  return b;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a bundle survives its encoding") {
  const Bundle before = full();
  const std::string text = encode_bundle(before);
  const auto after = parse_bundle(text);
  REQUIRE(after);
  CHECK(after->statement == before.statement);
  CHECK(after->inclusion.leaf_index == 1);
  CHECK(after->inclusion.tree_size == 3);
  CHECK(after->inclusion.path == before.inclusion.path);
  CHECK(after->snp_report == before.snp_report);
  CHECK(after->snp_certificates == before.snp_certificates);
  REQUIRE(after->tpm);
  CHECK(after->tpm->quote == before.tpm->quote);
  CHECK(after->tpm->signature == before.tpm->signature);
  CHECK(after->tpm->ak_public == before.tpm->ak_public);
  CHECK(after->tpm->ak_certificate == before.tpm->ak_certificate);
  CHECK(after->tpm->pcrs == before.tpm->pcrs);
  CHECK(after->firmware_event_log == before.firmware_event_log);
  CHECK(after->userspace_event_log == before.userspace_event_log);
  CHECK(after->tpm->ak_chain == before.tpm->ak_chain);
  CHECK(after->tpm->ek_public == before.tpm->ek_public);
  CHECK(after->tpm->ek_certificate == before.tpm->ek_certificate);
  CHECK(after->td_quote == before.td_quote);
  CHECK(after->cc_event_log == before.cc_event_log);
  CHECK(after->hcl_report == before.hcl_report);
  CHECK(after->nitro_document == before.nitro_document);
  CHECK(after->svsm_manifest == before.svsm_manifest);
  CHECK(after->certificates == before.certificates);
  CHECK(encode_bundle(*after) == text);
}

TEST_CASE("a bundle of a statement alone has no other parts") {
  Bundle before;
  before.statement = to_bytes("{}");
  const auto after = parse_bundle(encode_bundle(before));
  REQUIRE(after);
  CHECK(after->snp_report.empty());
  CHECK_FALSE(after->tpm);
  CHECK(after->firmware_event_log.empty());
  const auto root = bundle_root(*after);
  REQUIRE(root);
  CHECK(*root == merkle_leaf(as_bytes("{}")));
}

TEST_CASE("the root is recomputed along the inclusion path") {
  const Bundle b = full();
  const auto root = bundle_root(b);
  REQUIRE(root);
  CHECK(*root == merkle_node(merkle_node(b.inclusion.path[0], merkle_leaf(b.statement)), b.inclusion.path[1]));
  CHECK(quote_qualifying_data(*root) == digest(HashAlgorithm::sha256, {*root}));
}

TEST_CASE("parts with unknown labels are ignored, and so is the indicator of a known one") {
  const std::string text = encode_bundle(full());
  CHECK(parse_bundle(replaced(text, R"("inclusion":)", R"("later":["a/b","AA",4],"nested":{"x":1},"inclusion":)")));
  CHECK(parse_bundle(replaced(text, R"(],"snp-report")", R"(,4],"snp-report")")));
}

TEST_CASE("a bundle that two readers could read differently is refused") {
  struct Case {
    std::string_view from, to;
    Errc code;
  };
  const std::vector<Case> cases{
      {"bundle:1", "bundle:2", Errc::unsupported},
      {R"("__cmwc_t":"tag:attestd,2026:bundle:1",)", "", Errc::not_found},
      {R"("statement":[)", R"("statement2":[)", Errc::not_found},
      {R"("inclusion":[)", R"("inclusion2":[)", Errc::not_found},
      {R"("inclusion":[)", R"("statement":["x","AA"],"inclusion":[)", Errc::malformed},
      {"statement:1\\\"", "statement:2\\\"", Errc::malformed},
      {"vnd.attestd.snp-report", "vnd.attestd.tdx-quote", Errc::malformed},
      {"vnd.attestd.snp-report\",\"AQ", "vnd.attestd.snp-report\",\"A+", Errc::malformed},
      {R"("tpm-quote":[)", R"("tpm-quote2":[)", Errc::not_found},
      {R"("tpm-pcrs":[)", R"("tpm-pcrs2":[)", Errc::not_found},
      {R"("tpm-quote":[)", R"("tpm-quote":1,"x":[)", Errc::malformed},
      {R"("tpm-quote":[)", R"("tpm-quote":["one"],"x":[)", Errc::malformed},
      {R"(],"snp-report")", R"(,"4"],"snp-report")", Errc::malformed},
      {R"(],"snp-report")", R"(,4,4],"snp-report")", Errc::malformed},
  };
  for (const Case& c : cases) {
    INFO(c.from << " -> " << c.to);
    const auto bundle = parse_bundle(replaced(encode_bundle(full()), c.from, c.to));
    REQUIRE_FALSE(bundle);
    CHECK(bundle.error().code == c.code);
  }
  CHECK_FALSE(parse_bundle(""));
  CHECK_FALSE(parse_bundle("[]"));
}

TEST_CASE("an inclusion part that is no proof is refused") {
  const std::string text = encode_bundle(full());
  const std::size_t start = text.find("inclusion+json\",\"") + 17;
  const std::size_t end = text.find('"', start);
  for (const std::string_view inclusion :
       {R"({})", R"({"leaf_index":0,"tree_size":1})", R"({"leaf_index":-1,"tree_size":1,"path":[]})",
        R"({"leaf_index":0,"tree_size":1,"path":["AAAA"]})", R"({"leaf_index":0,"tree_size":1,"path":[],"path":[]})",
        R"({"leaf_index":0,"tree_size":4294967297,"path":[]})", R"([])"}) {
    INFO(inclusion);
    std::string bad = text;
    bad.replace(start, end - start, to_base64url(as_bytes(inclusion)));
    CHECK_FALSE(parse_bundle(bad));
  }
}

}  // namespace attestd
