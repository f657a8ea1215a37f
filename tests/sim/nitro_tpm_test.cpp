// The agent's own code against a simulated NitroTPM: a real swtpm behind it.
#include "sim/nitro_tpm.h"

#include <tss2/tss2_tpm2_types.h>

#include "base/encoding.h"
#include "evidence/nsm_message.h"
#include "hwio/nitrotpm.h"
#include "hwio/tpm.h"
#include "sim/signer/nitro_signer.h"
#include "sim/software_tpm.h"
#include "sim/tpm_extend.h"
#include "sim/tpm_proxy.h"
#include "tests/catch.h"
#include "tests/sim/fixtures.h"
#include "verifier/nitro.h"

using namespace attestd;

namespace {

constexpr std::int64_t now = 1764000000;

struct Machine {
  test::TemporaryFolder folder;
  std::unique_ptr<sim::SoftwareTpm> tpm = *sim::SoftwareTpm::start(folder.path() + "/tpm");
  sim::NitroSigner signer = *sim::NitroSigner::mint({});
  sim::NitroTpm nitro{[this](const NitroDocument& document) { return signer.sign(document, now); }};
  std::unique_ptr<sim::TpmProxy> proxy = *sim::TpmProxy::start(
      folder.path() + "/nitro", folder.path() + "/tpm",
      [this](ByteView command, const sim::TpmProxy::Forward& forward) { return nitro.execute(command, forward); });
};

}  // namespace

TEST_CASE("a document asked for by the TPM's command verifies and carries our nonce and the TPM's PCRs") {
  Machine machine;
  REQUIRE(sim::extend_pcrs(machine.tpm->tcti(), {{4, {{HashAlgorithm::sha384, Bytes(48, std::byte{1})}}}}));
  const Bytes nonce(64, std::byte{0x5a});
  // Twice: the first leaves nothing behind that the second trips over.
  for (int round = 0; round < 2; ++round) {
    const auto answer =
        hwio::nitrotpm_message(machine.proxy->tcti(), encode_nsm_request({std::nullopt, nonce, std::nullopt}));
    if (!answer) FAIL(answer.error().text());
    CHECK(answer->size() == 8192);
    const auto document = parse_nsm_response(*answer);
    if (!document) FAIL(document.error().text());
    const NitroVerification result = verify_nitro(*document, {.named = {}, .nitro = {machine.signer.root_der()}}, now);
    for (const Check& check : result.checks) UNSCOPED_INFO(check.id << ": " << check.detail);
    CHECK(result.good());
    REQUIRE(result.document);
    CHECK(result.document->kind == NitroKind::nitrotpm);
    CHECK(result.document->nonce == nonce);
    const auto pcrs = sim::read_pcrs(machine.tpm->tcti(), HashAlgorithm::sha384);
    REQUIRE(pcrs);
    CHECK(result.document->pcrs == *pcrs);
    // The index is there for the time of the call only.
    hwio::TpmOptions options;
    options.tcti = machine.proxy->tcti();
    CHECK(hwio::Tpm::make(options)->nv_read(0x018a77e5).error().code == Errc::not_found);
  }

  // Everything else goes through to the TPM.
  hwio::TpmOptions options;
  options.tcti = machine.proxy->tcti();
  options.banks = {TPM2_ALG_SHA384};
  const auto quote = hwio::Tpm::make(options)->quote(Bytes(32, std::byte{7}));
  if (!quote) FAIL(quote.error().text());
  CHECK(quote->pcrs.at(TPM2_ALG_SHA384).size() == 18);
}

TEST_CASE("a TPM that is no NitroTPM is said to be none") {
  const test::TemporaryFolder folder;
  const auto tpm = *sim::SoftwareTpm::start(folder.path() + "/tpm");
  const auto answer = hwio::nitrotpm_message(tpm->tcti(), encode_nsm_request({}));
  REQUIRE_FALSE(answer);
  INFO(answer.error().text());
  CHECK(answer.error().code == Errc::unsupported);
}

TEST_CASE("a NitroTPM that refuses, or has nothing behind it, is an error of its kind") {
  Machine machine;
  const auto refused = hwio::nitrotpm_message(machine.proxy->tcti(), to_bytes("no CBOR"));
  if (!refused) FAIL(refused.error().text());
  const auto document = parse_nsm_response(*refused);
  REQUIRE_FALSE(document);
  CHECK(document.error().code == Errc::refused);
  CHECK(document.error().message.find("InvalidArgument") != std::string::npos);

  CHECK(hwio::nitrotpm_message(machine.proxy->tcti(), Bytes(1025)).error().code == Errc::usage);
  CHECK(hwio::nitrotpm_message(machine.proxy->tcti(), {}).error().code == Errc::usage);
  machine.tpm.reset();
  const auto gone = hwio::nitrotpm_message(machine.proxy->tcti(), encode_nsm_request({}));
  REQUIRE_FALSE(gone);
}

TEST_CASE("commands that are cut off or have no authorization never crash the simulated NitroTPM") {
  sim::NitroTpm nitro([](const NitroDocument&) -> Result<Bytes> { return Bytes(100); });
  const sim::NitroTpm::Forward forward = [](ByteView) -> Result<Bytes> { return to_bytes("forwarded"); };
  const auto code_of = [](const Bytes& response) { return *Reader(ByteView(response).subspan(6)).be32("code"); };
  Writer define;
  define.be16(TPM2_ST_SESSIONS).be32(0).be32(TPM2_CC_NV_DefineSpace).be32(TPM2_RH_OWNER);
  define.be32(9).be32(TPM2_RS_PW).be16(0).u8(0).be16(0);
  define.be16(0).be16(14).be32(0x01800000).be16(TPM2_ALG_SHA256).be32(TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE);
  const Bytes whole = define.be16(0).be16(8192).take();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // What is not understood is the TPM's to refuse.
    CHECK(as_text(*nitro.execute(ByteView(whole).first(size), forward)) == "forwarded");
  }
  CHECK(code_of(*nitro.execute(whole, forward)) == TPM2_RC_SUCCESS);
  CHECK(code_of(*nitro.execute(whole, forward)) == TPM2_RC_NV_DEFINED);
  const auto command = [](std::uint32_t code, std::uint32_t index, ByteView parameters) {
    Writer out;
    out.be16(TPM2_ST_SESSIONS).be32(0).be32(code).be32(index).be32(index);
    return out.be32(9).be32(TPM2_RS_PW).be16(0).u8(0).be16(0).raw(parameters).take();
  };
  const auto run = [&](std::uint32_t code, ByteView parameters) {
    return code_of(*nitro.execute(command(code, 0x01800000, parameters), forward));
  };
  CHECK(run(TPM2_CC_NV_Read, Writer().be16(1).be16(0).bytes()) == TPM2_RC_NV_UNINITIALIZED);
  CHECK(run(TPM2_CC_NV_Write, Writer().be16(2).u8(1).u8(2).be16(8191).bytes()) == TPM2_RC_NV_RANGE);
  CHECK(run(TPM2_CC_NV_Write, Writer().be16(2).u8(1).bytes()) == TPM2_RC_SIZE);
  CHECK(run(TPM2_CC_NV_Write, Writer().be16(1).u8(1).be16(8191).bytes()) == TPM2_RC_SUCCESS);
  CHECK(run(TPM2_CC_NV_Read, Writer().be16(2).be16(8191).bytes()) == TPM2_RC_NV_RANGE);
  CHECK(run(TPM2_CC_NV_Read, Writer().be16(1).be16(8191).bytes()) == TPM2_RC_SUCCESS);
  Bytes unauthorized = command(TPM2_CC_NV_Read, 0x01800000, Writer().be16(1).be16(0).bytes());
  unauthorized[1] = std::byte{TPM2_ST_NO_SESSIONS & 0xff};
  CHECK(code_of(*nitro.execute(unauthorized, forward)) == TPM2_RC_AUTH_MISSING);
  CHECK(code_of(*nitro.execute(command(sim::NitroTpm::nsm_request, 0x01800001, {}), forward)) ==
        TPM2_RC_HANDLE + TPM2_RC_2);
}
