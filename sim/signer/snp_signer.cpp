#include "sim/signer/snp_signer.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/encoding.h"
#include "base/file.h"
#include "sim/signer/certificate_builder_internal.h"
#include "sim/signer/pem_files_internal.h"
#include "sim/signer/snp_certificate_builder_internal.h"

namespace attestd::sim {

using openssl::failure;

struct SnpSigner::Keys {
  openssl::Key root, intermediate, leaf;
};

struct SnpSigner::Chain {
  openssl::Certificate root, intermediate, leaf;
};

namespace {

constexpr unsigned private_mode = 0600;
constexpr std::size_t file_limit = 65536;
constexpr std::size_t half_signature = 48;  // P-384
constexpr std::uint64_t root_serial = 0x010000;

std::string name_of_root(SnpProduct product) { return "SIMULATED ARK-" + std::string(snp_product_name(product)); }

std::string name_of_intermediate(const SnpSignerOptions& options) {
  const bool vlek = (options.signing_key == SnpSigningKey::vlek) != options.defects.other_intermediate;
  return (vlek ? "SIMULATED SEV-VLEK-" : "SIMULATED SEV-") + std::string(snp_product_name(options.product));
}

// signer.conf: what load() needs to fill reports again, a name and a value a line.
std::string encode_options(const SnpSignerOptions& options) {
  std::string out;
  out += "product=" + std::string(snp_product_name(options.product)) + "\n";
  out += "tcb=" + std::to_string(encode_snp_tcb(options.tcb, options.product)) + "\n";
  out += "chip_id=" + to_hex(options.chip_id) + "\n";
  out += std::string("signing_key=") + (options.signing_key == SnpSigningKey::vlek ? "VLEK" : "VCEK") + "\n";
  out += "report_version=" + std::to_string(options.report_version) + "\n";
  return out;
}

Result<SnpSignerOptions> decode_options(std::string_view text) {
  std::map<std::string, std::string, std::less<>> values;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return fail(Errc::malformed, "signer.conf has a line without '='");
    values.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  const auto number = [&](const char* name) -> Result<std::uint64_t> {
    const std::string& digits = values[name];
    std::uint64_t out = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
      return fail(Errc::malformed, std::string("signer.conf has no number ") + name);
    }
    return out;
  };
  SnpSignerOptions out;
  const auto product = snp_product_from_name(values["product"]);
  if (!product) return fail(Errc::malformed, "signer.conf names no known product");
  out.product = *product;
  ATTESTD_TRY(const std::uint64_t tcb, number("tcb"));
  out.tcb = decode_snp_tcb(tcb, out.product);
  ATTESTD_TRY(const Bytes chip_id, from_hex(values["chip_id"]));
  if (chip_id.size() != out.chip_id.size()) return fail(Errc::malformed, "signer.conf: chip_id must have 64 bytes");
  std::ranges::copy(chip_id, out.chip_id.begin());
  out.signing_key = values["signing_key"] == "VLEK" ? SnpSigningKey::vlek : SnpSigningKey::vcek;
  ATTESTD_TRY(const std::uint64_t version, number("report_version"));
  out.report_version = static_cast<std::uint32_t>(version);
  return out;
}

// A big-endian number as the report has it.
FixedBytes<72> little_endian(ByteView number) {
  FixedBytes<72> out{};
  std::reverse_copy(number.begin(), number.end(), out.begin());
  return out;
}

}  // namespace

SnpSigner::SnpSigner(SnpSignerOptions options, std::shared_ptr<const Keys> keys, std::unique_ptr<Chain> chain)
    : options_(std::move(options)), keys_(std::move(keys)), chain_(std::move(chain)) {}
SnpSigner::SnpSigner(SnpSigner&&) noexcept = default;
SnpSigner& SnpSigner::operator=(SnpSigner&&) noexcept = default;
SnpSigner::~SnpSigner() = default;

Result<SnpSigner> SnpSigner::mint(const SnpSignerOptions& options) {
  constexpr std::size_t rsa_bits = 4096;
  auto keys = std::make_shared<Keys>();
  keys->root.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", rsa_bits));
  keys->intermediate.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", rsa_bits));
  keys->leaf.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384"));
  if (keys->root == nullptr || keys->intermediate == nullptr || keys->leaf == nullptr) {
    return failure("cannot generate the keys of a simulated chain");
  }
  return issue(options, std::move(keys));
}

Result<SnpSigner> SnpSigner::reissue(const SnpSignerOptions& options) const { return issue(options, keys_); }

Result<SnpSigner> SnpSigner::issue(const SnpSignerOptions& options, std::shared_ptr<const Keys> keys) {
  auto chain = std::make_unique<Chain>();
  CertificateRequest request;
  request.not_before = options.not_before;
  request.not_after = options.not_after;
  request.sha256 = options.defects.sha256;

  request.serial = root_serial;
  request.issuer = request.subject = name_of_root(options.product);
  request.key = request.issuer_key = keys->root.get();
  ATTESTD_TRY(chain->root, build_ca(request, CaKind::root));

  request.serial = intermediate_serial;
  request.subject = name_of_intermediate(options);
  request.key = keys->intermediate.get();
  const CaKind kind = options.defects.intermediate_is_no_ca ? CaKind::none : CaKind::intermediate;
  ATTESTD_TRY(chain->intermediate, build_ca(request, kind));

  request.serial = options.leaf_serial;
  if (!options.defects.leaf_signed_by_root) request.issuer_key = keys->intermediate.get();
  request.issuer = request.subject;
  request.subject = options.signing_key == SnpSigningKey::vlek ? "SIMULATED SEV-VLEK" : "SIMULATED SEV-VCEK";
  request.key = keys->leaf.get();
  ATTESTD_TRY(chain->leaf, build_leaf(request, options));
  return SnpSigner(options, std::move(keys), std::move(chain));
}

Result<SnpSigner> SnpSigner::load(const std::string& folder) {
  ATTESTD_TRY(const Bytes text, read_file(folder + "/signer.conf", file_limit));
  ATTESTD_TRY(const SnpSignerOptions options, decode_options(as_text(text)));
  auto keys = std::make_shared<Keys>();
  auto chain = std::make_unique<Chain>();
  ATTESTD_TRY(keys->root, load_key(folder + "/ark.key"));
  ATTESTD_TRY(keys->intermediate, load_key(folder + "/intermediate.key"));
  ATTESTD_TRY(keys->leaf, load_key(folder + "/leaf.key"));
  ATTESTD_TRY(chain->root, load_certificate(folder + "/ark.pem"));
  ATTESTD_TRY(chain->intermediate, load_certificate(folder + "/intermediate.pem"));
  ATTESTD_TRY(chain->leaf, load_certificate(folder + "/leaf.pem"));
  return SnpSigner(options, std::move(keys), std::move(chain));
}

Result<void> SnpSigner::save(const std::string& folder) const {
  ATTESTD_CHECK(make_key_folder(folder));
  const struct {
    const char* name;
    EVP_PKEY* key;
    X509* certificate;
  } parts[] = {{"/ark", keys_->root.get(), chain_->root.get()},
               {"/intermediate", keys_->intermediate.get(), chain_->intermediate.get()},
               {"/leaf", keys_->leaf.get(), chain_->leaf.get()}};
  for (const auto& part : parts) {
    ATTESTD_CHECK(save_key(folder + part.name + ".key", part.key));
    ATTESTD_CHECK(save_certificate(folder + part.name + ".pem", part.certificate));
  }
  // Last: load() of a folder that was left half-written fails by its absence.
  return replace_file(folder + "/signer.conf", as_bytes(encode_options(options_)), private_mode);
}

Result<void> SnpSigner::sign(SnpReport& report) const {
  const std::uint64_t tcb = encode_snp_tcb(options_.tcb, options_.product);
  report.version = options_.report_version;
  report.signature_algorithm = 1;
  report.key_flags = (report.key_flags & 1U) | (static_cast<std::uint32_t>(options_.signing_key) << 2U);
  report.reported_tcb = tcb;
  for (std::uint64_t* field : {&report.current_tcb, &report.committed_tcb, &report.launch_tcb}) {
    if (*field == 0) *field = tcb;
  }
  if (report.version >= 3) {
    report.cpuid_family = options_.product == SnpProduct::turin ? 0x1a : 0x19;
    report.cpuid_model = options_.product == SnpProduct::genoa   ? 0x11
                         : options_.product == SnpProduct::turin ? 0x02
                                                                 : 0x01;
    report.cpuid_stepping = 1;
  }
  report.chip_id = options_.chip_id;
  return sign_unchanged(report);
}

Result<void> SnpSigner::sign_unchanged(SnpReport& report) const {
  const Bytes encoded = encode_snp_report(report);
  const ByteView covered = ByteView(encoded).first(snp_report_signed_size);
  ATTESTD_TRY(const Bytes signature, sign_ecdsa(keys_->leaf.get(), EVP_sha384(), covered, half_signature));
  report.signature_r = little_endian(ByteView(signature).first(half_signature));
  report.signature_s = little_endian(ByteView(signature).last(half_signature));
  return {};
}

std::vector<SnpCertificate> SnpSigner::certificates() const {
  const bool vlek = options_.signing_key == SnpSigningKey::vlek;
  return {{Guid(vlek ? snp_guid_vlek : snp_guid_vcek), openssl::to_der(i2d_X509, chain_->leaf.get())},
          {Guid(snp_guid_ask), openssl::to_der(i2d_X509, chain_->intermediate.get())},
          {Guid(snp_guid_ark), root_der()}};
}

Bytes SnpSigner::root_der() const { return openssl::to_der(i2d_X509, chain_->root.get()); }

std::string SnpSigner::root_pem() const {
  const auto pem = certificate_pem(chain_->root.get());
  return pem ? std::string(as_text(*pem)) : std::string();
}

Result<Bytes> SnpSigner::crl(const std::vector<std::uint64_t>& revoked_serials, std::int64_t this_update,
                             std::int64_t next_update) const {
  ATTESTD_TRY(const openssl::Crl list,
              build_crl(chain_->root.get(), keys_->root.get(), revoked_serials, this_update, next_update));
  return openssl::to_der(i2d_X509_CRL, list.get());
}

}  // namespace attestd::sim
