#include "sim/signer/tdx_signer.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/file.h"
#include "evidence/digest.h"
#include "sim/signer/certificate_builder_internal.h"
#include "sim/signer/pem_files_internal.h"
#include "sim/signer/snp_certificate_builder_internal.h"

namespace attestd::sim {

using openssl::failure;

struct TdxSigner::Keys {
  openssl::Key root, intermediate, leaf, tcb_signing, attestation, stranger;
};

struct TdxSigner::Chain {
  openssl::Certificate root, intermediate, leaf, tcb_signing;
};

namespace {

constexpr std::uint64_t root_serial = 0x020000;
constexpr std::size_t qe_authentication_size = 32;
constexpr unsigned public_mode = 0644;

CertificateSpec::Name name(const std::string& common_name) {
  return {{"CN", common_name}, {"O", "attestd simulator"}, {"L", "Santa Clara"}, {"ST", "CA"}, {"C", "US"}};
}

// X || Y.
Result<FixedBytes<64>> coordinates(const EVP_PKEY* key) {
  FixedBytes<65> point{};  // 0x04 || X || Y
  std::size_t size = 0;
  if (EVP_PKEY_get_octet_string_param(key, "pub", openssl::writable(point), point.size(), &size) != 1 ||
      size != point.size()) {
    return failure("cannot encode a public key");
  }
  FixedBytes<64> out{};
  std::copy(point.begin() + 1, point.end(), out.begin());
  return out;
}

// R || S, big-endian.
Result<FixedBytes<64>> sign(ByteView message, EVP_PKEY* key) {
  FixedBytes<64> out{};
  ATTESTD_TRY(const Bytes signature, sign_ecdsa(key, EVP_sha256(), message, out.size() / 2));
  std::ranges::copy(signature, out.begin());
  return out;
}

Result<Bytes> pem_of(std::initializer_list<X509*> certificates) {
  Bytes out;
  for (X509* const certificate : certificates) {
    ATTESTD_TRY(const Bytes one, certificate_pem(certificate));
    out.insert(out.end(), one.begin(), one.end());
  }
  return out;
}

}  // namespace

TdxSignerOptions::TdxSignerOptions() {
  constexpr std::int64_t from = 1704067200;  // as the certificates
  constexpr std::int64_t to = 2335219200;
  std::ranges::fill(pck.ppid, std::byte{0x5d});
  pck.sgx_components = {7, 7, 2, 2, 3, 1, 0, 3};
  pck.pcesvn = 13;
  for (std::size_t i = 0; i < pck.cpusvn.size(); ++i) pck.cpusvn[i] = std::byte{pck.sgx_components[i]};
  pck.fmspc = {std::byte{0x50}, std::byte{0x80}, std::byte{0x6f}};
  pck.sgx_type = 1;
  pck.platform_instance_id.emplace();
  pck.dynamic_platform = true;
  pck.cached_keys = true;
  pck.smt_enabled = true;

  TdxModule module;
  module.attributes_mask.fill(std::byte{0xff});
  tcb_info.issue_date = from;
  tcb_info.next_update = to;
  tcb_info.fmspc = pck.fmspc;
  tcb_info.pce_id = pck.pce_id;
  tcb_info.evaluation_data_number = 17;
  tcb_info.module = module;
  tcb_info.module_identities = {{"TDX_01", module, {{4, {TcbStatus::up_to_date, from, {}}}}}};
  tcb_info.levels = {{pck.sgx_components, pck.pcesvn, {5, 0, 7}, {TcbStatus::up_to_date, from, {}}}};

  qe_report.cpusvn = pck.cpusvn;
  qe_report.attributes[0] = std::byte{0x11};  // INIT, PROVISION_KEY
  qe_report.attributes[8] = std::byte{0xe7};
  std::ranges::fill(qe_report.mrenclave, std::byte{0xe5});
  std::ranges::fill(qe_report.mrsigner, std::byte{0x51});
  qe_report.isvprodid = 2;
  qe_report.isvsvn = 4;

  qe_identity.issue_date = from;
  qe_identity.next_update = to;
  qe_identity.evaluation_data_number = tcb_info.evaluation_data_number;
  qe_identity.miscselect_mask.fill(std::byte{0xff});
  qe_identity.attributes[0] = std::byte{0x11};
  std::fill_n(qe_identity.attributes_mask.begin(), 8, std::byte{0xff});
  qe_identity.mrsigner = qe_report.mrsigner;
  qe_identity.isvprodid = qe_report.isvprodid;
  qe_identity.levels = {{4, {TcbStatus::up_to_date, from, {}}}};
}

TdxSigner::TdxSigner(TdxSignerOptions options, std::shared_ptr<const Keys> keys, std::unique_ptr<Chain> chain)
    : options_(std::move(options)), keys_(std::move(keys)), chain_(std::move(chain)) {}
TdxSigner::TdxSigner(TdxSigner&&) noexcept = default;
TdxSigner& TdxSigner::operator=(TdxSigner&&) noexcept = default;
TdxSigner::~TdxSigner() = default;

Result<TdxSigner> TdxSigner::mint(const TdxSignerOptions& options) {
  auto keys = std::make_shared<Keys>();
  for (openssl::Key* const key :
       {&keys->root, &keys->intermediate, &keys->leaf, &keys->tcb_signing, &keys->attestation, &keys->stranger}) {
    ATTESTD_TRY(*key, make_ec_key("P-256"));
  }
  return issue(options, std::move(keys), nullptr);
}

Result<TdxSigner> TdxSigner::reissue(const TdxSignerOptions& options) const {
  return issue(options, keys_, chain_.get());
}

Result<TdxSigner> TdxSigner::issue(const TdxSignerOptions& options, std::shared_ptr<const Keys> keys,
                                   const Chain* previous) {
  const TdxSignerOptions::Defects& defects = options.defects;
  auto chain = std::make_unique<Chain>();
  CertificateSpec spec;
  spec.not_before = options.not_before;
  spec.not_after = options.not_after;
  spec.hash = defects.sha384 ? EVP_sha384() : EVP_sha256();
  const CertificateSpec::Name root_name = name("SIMULATED Intel SGX Root CA");

  spec.issuer = root_name;
  spec.issuer_key = keys->root.get();
  if (previous != nullptr) {
    X509* const root = previous->root.get();
    if (X509_up_ref(root) != 1) return failure("cannot keep the root certificate");
    chain->root.reset(root);
  } else {
    spec.serial = root_serial;
    spec.subject = root_name;
    spec.key = keys->root.get();
    spec.extensions = {{NID_subject_key_identifier, "hash"},
                       {NID_key_usage, "critical,keyCertSign,cRLSign"},
                       {NID_basic_constraints, "critical,CA:TRUE,pathlen:1"}};
    ATTESTD_TRY(chain->root, build_certificate(spec));
  }

  spec.serial = intermediate_serial;
  spec.subject = name(defects.issuer_name.empty() ? "SIMULATED Intel SGX PCK Platform CA" : defects.issuer_name);
  spec.key = keys->intermediate.get();
  spec.extensions = {
      {NID_subject_key_identifier, "hash"},
      {NID_key_usage, "critical,keyCertSign,cRLSign"},
      {NID_basic_constraints, defects.intermediate_is_no_ca ? "critical,CA:FALSE" : "critical,CA:TRUE,pathlen:0"}};
  ATTESTD_TRY(chain->intermediate, build_certificate(spec));

  spec.serial = tcb_signing_serial;
  spec.subject = name(defects.tcb_signing_name.empty() ? "SIMULATED Intel SGX TCB Signing" : defects.tcb_signing_name);
  spec.key = keys->tcb_signing.get();
  const std::vector<std::pair<int, std::string>> end_entity{{NID_subject_key_identifier, "hash"},
                                                            {NID_key_usage, "critical,digitalSignature,nonRepudiation"},
                                                            {NID_basic_constraints, "critical,CA:FALSE"}};
  spec.extensions = end_entity;
  ATTESTD_TRY(chain->tcb_signing, build_certificate(spec));

  spec.serial = leaf_serial;
  spec.issuer = defects.issuer_name.empty() ? name("SIMULATED Intel SGX PCK Platform CA") : name(defects.issuer_name);
  spec.issuer_key = defects.leaf_signed_by_root ? keys->root.get() : keys->intermediate.get();
  spec.subject = name("SIMULATED Intel SGX PCK Certificate");
  spec.key = keys->leaf.get();
  spec.extensions = end_entity;
  if (defects.leaf_is_ca) spec.extensions.back().second = "critical,CA:TRUE";
  if (!defects.no_extension) {
    spec.other_extensions = {{std::string(pck_extension_oid), encode_pck_extensions(options.pck)}};
  }
  ATTESTD_TRY(chain->leaf, build_certificate(spec));
  return TdxSigner(options, std::move(keys), std::move(chain));
}

Result<TdxSigner> TdxSigner::load(const std::string& folder, const TdxSignerOptions& options) {
  auto keys = std::make_shared<Keys>();
  ATTESTD_TRY(keys->root, load_key(folder + "/tdx-root.key"));
  ATTESTD_TRY(keys->intermediate, load_key(folder + "/tdx-pck-ca.key"));
  ATTESTD_TRY(keys->leaf, load_key(folder + "/tdx-pck.key"));
  ATTESTD_TRY(keys->tcb_signing, load_key(folder + "/tdx-tcb-signing.key"));
  ATTESTD_TRY(keys->attestation, load_key(folder + "/tdx-attestation.key"));
  ATTESTD_TRY(keys->stranger, make_ec_key("P-256"));
  Chain previous;
  ATTESTD_TRY(previous.root, load_certificate(folder + "/tdx-root.pem"));
  return issue(options, std::move(keys), &previous);
}

Result<void> TdxSigner::save(const std::string& folder) const {
  ATTESTD_CHECK(make_key_folder(folder));
  ATTESTD_CHECK(save_key(folder + "/tdx-root.key", keys_->root.get()));
  ATTESTD_CHECK(save_key(folder + "/tdx-pck-ca.key", keys_->intermediate.get()));
  ATTESTD_CHECK(save_key(folder + "/tdx-pck.key", keys_->leaf.get()));
  ATTESTD_CHECK(save_key(folder + "/tdx-tcb-signing.key", keys_->tcb_signing.get()));
  ATTESTD_CHECK(save_key(folder + "/tdx-attestation.key", keys_->attestation.get()));
  // Last: a folder that was left half-written shows by its absence.
  return save_certificate(folder + "/tdx-root.pem", chain_->root.get());
}

TdQuoteBody TdxSigner::body(TdBodyType type) const {
  TdQuoteBody out;
  out.type = type;
  const std::array<std::uint8_t, 3> svn{5, 1, 7};
  std::ranges::copy(std::as_bytes(std::span(svn)), out.tee_tcb_svn.begin());
  if (type == TdBodyType::td_15) out.tee_tcb_svn_2 = out.tee_tcb_svn;
  out.mrsignerseam = options_.tcb_info.module.mrsigner;
  out.td_attributes.raw = std::uint64_t{1} << 28U;  // SEPT_VE_DISABLE
  out.xfam = 0x61ae7;
  return out;
}

Result<Bytes> TdxSigner::sign_quote(TdQuote quote) const {
  const TdxSignerOptions::Defects& defects = options_.defects;
  if (quote.version == 0) quote.version = quote.body.type == TdBodyType::td_10 ? 4 : 5;
  quote.attestation_key_type = td_key_type_ecdsa_p256;
  quote.tee_type = td_tee_type_tdx;
  std::ranges::copy(std::as_bytes(std::span(intel_qe_vendor_id)), quote.qe_vendor_id.begin());
  ATTESTD_TRY(quote.attestation_key, coordinates(keys_->attestation.get()));
  quote.qe_authentication_data.resize(qe_authentication_size);
  for (std::size_t i = 0; i < qe_authentication_size; ++i) quote.qe_authentication_data[i] = static_cast<std::byte>(i);
  SgxReportBody report = options_.qe_report;
  const Bytes bound = digest(HashAlgorithm::sha256, {quote.attestation_key, quote.qe_authentication_data});
  std::ranges::copy(bound, report.report_data.begin());
  if (defects.unbound_key) report.report_data[0] ^= std::byte{1};
  quote.qe_report = encode_sgx_report_body(report);
  EVP_PKEY* const pck = defects.other_key_signs_qe ? keys_->stranger.get() : keys_->leaf.get();
  ATTESTD_TRY(quote.qe_report_signature, sign(quote.qe_report, pck));
  ATTESTD_TRY(quote.pck_chain, pem_of({chain_->leaf.get(), chain_->intermediate.get(), chain_->root.get()}));
  EVP_PKEY* const key = defects.other_key_signs_quote ? keys_->stranger.get() : keys_->attestation.get();
  ATTESTD_TRY(quote.signature, sign(encode_td_quote_signed_part(quote), key));
  return encode_td_quote(quote);
}

Result<Bytes> TdxSigner::sign_json(DcapKind kind, std::string_view body) const {
  EVP_PKEY* const key = options_.defects.pck_signs_collateral ? keys_->leaf.get() : keys_->tcb_signing.get();
  ATTESTD_TRY(const FixedBytes<64> signature, sign(as_bytes(body), key));
  return to_bytes("{\"" + std::string(kind == DcapKind::tcb_info ? "tcbInfo" : "enclaveIdentity") +
                  "\":" + std::string(body) + ",\"signature\":\"" + to_hex(signature) + "\"}");
}

Result<TdxSigner::Collateral> TdxSigner::collateral() const {
  Collateral out;
  ATTESTD_TRY(out.tcb_info, sign_json(DcapKind::tcb_info, encode_tdx_tcb_info(options_.tcb_info)));
  ATTESTD_TRY(out.qe_identity, sign_json(DcapKind::enclave_identity, encode_tdx_qe_identity(options_.qe_identity)));
  ATTESTD_TRY(const openssl::Crl by_ca, build_crl(chain_->intermediate.get(), keys_->intermediate.get(),
                                                  options_.revoked_by_ca, options_.not_before, options_.not_after));
  ATTESTD_TRY(const openssl::Crl by_root, build_crl(chain_->root.get(), keys_->root.get(), options_.revoked_by_root,
                                                    options_.not_before, options_.not_after));
  out.pck_crl = openssl::to_der(i2d_X509_CRL, by_ca.get());
  out.root_crl = openssl::to_der(i2d_X509_CRL, by_root.get());
  ATTESTD_TRY(out.tcb_signing_chain, pem_of({chain_->tcb_signing.get(), chain_->root.get()}));
  ATTESTD_TRY(out.pck_crl_chain, pem_of({chain_->intermediate.get(), chain_->root.get()}));
  return out;
}

Result<void> TdxSigner::write_collateral(const std::string& folder) const {
  ATTESTD_TRY(const Collateral all, collateral());
  const std::pair<const char*, const Bytes*> files[] = {{"/tcbinfo.json", &all.tcb_info},
                                                        {"/qeidentity.json", &all.qe_identity},
                                                        {"/pckcrl.der", &all.pck_crl},
                                                        {"/rootcrl.der", &all.root_crl},
                                                        {"/tcb-signing-chain.pem", &all.tcb_signing_chain},
                                                        {"/pck-crl-chain.pem", &all.pck_crl_chain}};
  for (const auto& [file, bytes] : files) ATTESTD_CHECK(replace_file(folder + file, *bytes, public_mode));
  return {};
}

Bytes TdxSigner::root_der() const { return openssl::to_der(i2d_X509, chain_->root.get()); }

std::string TdxSigner::root_pem() const {
  const auto pem = certificate_pem(chain_->root.get());
  return pem ? std::string(as_text(*pem)) : std::string();
}

}  // namespace attestd::sim
