#include "tests/vtpm/owner.h"

#include <signal.h>

#include <stdexcept>

#include "base/openssl_internal.h"

namespace attestd::test {
namespace {

const bool no_sigpipe = ::signal(SIGPIPE, SIG_IGN) != SIG_ERR;

openssl::Key make(KeyKind kind) {
  switch (kind) {
    case KeyKind::p256: return openssl::Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    case KeyKind::rsa2048: return openssl::Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048}));
    case KeyKind::rsa3072: return openssl::Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{3072}));
  }
  return {};
}

}  // namespace

Owner::Owner(KeyKind kind) {
  if (!no_sigpipe) throw std::runtime_error("SIGPIPE");
  const openssl::Key key = make(kind);
  const openssl::Stream stream(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PrivateKey(stream.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    throw std::runtime_error("no key");
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(stream.get(), &data);
  private_pem_.assign(data, static_cast<std::size_t>(size));
  public_pem_ = vtpm::public_half(private_pem()).value();
}

SecretBytes Owner::private_pem() const { return secret_of(private_pem_); }

std::string Owner::signatures(const std::vector<PcrBank>& boots) const {
  std::vector<vtpm::SignedPolicy> out;
  for (const PcrBank& boot : boots) out.push_back(vtpm::sign_pcr_policy(private_pem(), sealed_pcrs, boot).value());
  return vtpm::encode_signed_policies(out);
}

PcrBank fresh_pcrs() {
  PcrBank out;
  for (const unsigned pcr : sealed_pcrs) out[pcr] = Bytes(32);
  return out;
}

void extend(const Swtpm& swtpm, unsigned pcr, PcrBank& bank) {
  if (!swtpm.tool("tpm2_pcrextend " + std::to_string(pcr) + ":sha256=" + std::string(64, 'a'))) {
    throw std::runtime_error("tpm2_pcrextend");
  }
  pcr_extend(HashAlgorithm::sha256, bank[pcr], Bytes(32, std::byte{0xaa}));
}

SecretBytes secret_of(std::string_view text) { return SecretBytes::copy_of(as_bytes(text)).value(); }

vtpm::EnrolRequest enrolment(const std::string& tcti, const Owner& owner, std::string_view pin) {
  vtpm::EnrolRequest out;
  out.tcti = tcti;
  out.policy_key = owner.public_pem();
  out.pin = secret_of(pin);
  return out;
}

vtpm::VtpmRequest request(const std::string& tcti, const luks::VtpmBinding& binding, const Owner& owner,
                          const std::string& signatures, std::string_view pin) {
  vtpm::VtpmRequest out;
  out.tcti = tcti;
  out.binding = binding;
  out.policy_key = owner.public_pem();
  out.signatures = signatures;
  out.pin = secret_of(pin);
  return out;
}

}  // namespace attestd::test
