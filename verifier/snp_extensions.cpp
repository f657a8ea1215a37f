#include <map>

#include "verifier/snp_extensions_internal.h"

namespace attestd {
namespace {

constexpr std::string_view amd_prefix = "1.3.6.1.4.1.3704.1.";
constexpr std::size_t longest_oid = 64;

// Extension values by the last arcs of their OID: "3.8".
using Values = std::map<std::string, ByteView, std::less<>>;

Result<Values> collect(const X509* certificate) {
  Values out;
  for (int i = 0; i < X509_get_ext_count(certificate); ++i) {
    X509_EXTENSION* const extension = X509_get_ext(certificate, i);
    std::array<char, longest_oid> oid{};
    const int size = OBJ_obj2txt(oid.data(), oid.size(), X509_EXTENSION_get_object(extension), 1);
    if (size <= 0 || static_cast<std::size_t>(size) >= oid.size()) continue;
    const std::string_view text(oid.data(), static_cast<std::size_t>(size));
    if (!text.starts_with(amd_prefix)) continue;
    const ASN1_OCTET_STRING* const value = X509_EXTENSION_get_data(extension);
    const ByteView bytes =
        openssl::view(ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value)));
    if (!out.emplace(text.substr(amd_prefix.size()), bytes).second) {
      return fail(Errc::malformed, "the certificate has AMD's extension " + std::string(text) + " twice");
    }
  }
  return out;
}

// One DER value with a one-byte length and nothing after it.
Result<ByteView> contents(ByteView der, int type, std::string_view name) {
  Reader reader(der);
  ATTESTD_TRY(const std::uint8_t tag, reader.u8("tag"));
  ATTESTD_TRY(const std::uint8_t size, reader.u8("length"));
  if (tag != type || size >= 0x80 || size != reader.remaining()) {
    return fail(Errc::malformed,
                "AMD's extension " + std::string(name) + " of the certificate has another form than DER demands");
  }
  return reader.rest();
}

Result<ByteView> find(const Values& values, std::string_view arc, std::string_view name) {
  const auto found = values.find(arc);
  if (found == values.end()) {
    return fail(Errc::malformed, "the certificate lacks AMD's extension " + std::string(name));
  }
  return found->second;
}

// INTEGER, 0 to 255: one byte, or two of which the first is zero.
Result<std::uint8_t> version_number(const Values& values, std::string_view arc, std::string_view name) {
  ATTESTD_TRY(const ByteView der, find(values, arc, name));
  ATTESTD_TRY(ByteView digits, contents(der, V_ASN1_INTEGER, name));
  const bool padded = digits.size() == 2 && digits[0] == std::byte{0} && digits[1] >= std::byte{0x80};
  if (padded) digits = digits.subspan(1);
  if (digits.size() != 1 || (!padded && digits[0] >= std::byte{0x80})) {
    return fail(Errc::malformed, "AMD's extension " + std::string(name) + " is not a number from 0 to 255");
  }
  return std::to_integer<std::uint8_t>(digits[0]);
}

Result<std::string> text(const Values& values, std::string_view arc, std::string_view name) {
  ATTESTD_TRY(const ByteView der, find(values, arc, name));
  ATTESTD_TRY(const ByteView characters, contents(der, V_ASN1_IA5STRING, name));
  return std::string(as_text(characters));
}

// The hardware ID stands bare in its extension; a reading with an OCTET STRING
// around it, as X.509 would have it, is accepted too.
Result<Bytes> hardware_id(ByteView value) {
  constexpr std::size_t turin_size = 8;
  constexpr std::size_t full_size = 64;
  if (value.size() == turin_size || value.size() == full_size) return to_bytes(value);
  ATTESTD_TRY(const ByteView inner, contents(value, V_ASN1_OCTET_STRING, "hwID"));
  if (inner.size() == turin_size || inner.size() == full_size) return to_bytes(inner);
  return fail(Errc::malformed, "the hardware ID in the certificate has neither 8 nor 64 bytes");
}

}  // namespace

Result<SnpLeafExtensions> parse_snp_extensions(const X509* certificate) {
  ATTESTD_TRY(const Values values, collect(certificate));
  SnpLeafExtensions out;
  ATTESTD_TRY(out.product_name, text(values, "2", "productName"));
  // "Milan-B0" names the stepping as well.
  out.product = snp_product_from_name(std::string_view(out.product_name).substr(0, out.product_name.find('-')));
  ATTESTD_TRY(out.bootloader, version_number(values, "3.1", "blSPL"));
  ATTESTD_TRY(out.tee, version_number(values, "3.2", "teeSPL"));
  ATTESTD_TRY(out.snp, version_number(values, "3.3", "snpSPL"));
  ATTESTD_TRY(out.microcode, version_number(values, "3.8", "ucodeSPL"));
  constexpr std::array<std::string_view, 4> reserved_arcs{"3.4", "3.5", "3.6", "3.7"};
  for (std::size_t i = 0; i < reserved_arcs.size(); ++i) {
    if (!values.contains(reserved_arcs[i])) continue;
    ATTESTD_TRY(out.reserved_spl[i], version_number(values, reserved_arcs[i], "spl4 to spl7"));
  }
  if (values.contains("3.9")) {
    ATTESTD_TRY(out.fmc, version_number(values, "3.9", "fmcSPL"));
  }
  if (const auto found = values.find("4"); found != values.end()) {
    ATTESTD_TRY(out.hardware_id, hardware_id(found->second));
  }
  if (values.contains("5")) {
    ATTESTD_TRY(out.csp_id, text(values, "5", "cspID"));
  }
  return out;
}

std::uint64_t snp_tcb_of(const SnpLeafExtensions& extensions, SnpProduct product) {
  const SnpTcb tcb{extensions.fmc, extensions.bootloader, extensions.tee, extensions.snp, extensions.microcode};
  std::uint64_t out = encode_snp_tcb(tcb, product);
  // Milan and Genoa: spl4 to spl7 fill bytes 2 to 5. Turin: spl4 to spl6 fill bytes 4 to 6.
  const unsigned first = product == SnpProduct::turin ? 4 : 2;
  const std::size_t count = product == SnpProduct::turin ? 3 : 4;
  for (std::size_t i = 0; i < count; ++i) {
    out |= std::uint64_t{extensions.reserved_spl[i]} << (8 * (first + i));
  }
  return out;
}

}  // namespace attestd
