#include "evidence/td_quote.h"

#include <algorithm>
#include <string>

namespace attestd {
namespace {

constexpr std::size_t signature_data_fixed_size = 64 + 64;  // quote signature, attestation key

std::size_t body_size(TdBodyType type) { return type == TdBodyType::td_15 ? td_body_15_size : td_body_10_size; }

Result<void> take_header(Reader& reader, TdQuote& out) {
  ATTESTD_TRY(out.version, reader.le16("quote version"));
  if (out.version != 4 && out.version != 5) {
    return fail_at(Errc::unsupported, 0, "TD quote version " + std::to_string(out.version) + " is not 4 or 5");
  }
  ATTESTD_TRY(out.attestation_key_type, reader.le16("attestation key type"));
  if (out.attestation_key_type != td_key_type_ecdsa_p256) {
    return fail_at(
        Errc::unsupported, 2,
        "attestation key type " + std::to_string(out.attestation_key_type) + " of the TD quote is not 2 (ECDSA P-256)");
  }
  ATTESTD_TRY(out.tee_type, reader.le32("TEE type"));
  if (out.tee_type != td_tee_type_tdx) {
    return fail_at(Errc::unsupported, 4,
                   "TEE type " + std::to_string(out.tee_type) + " of the quote is not 129 (TDX)" +
                       (out.tee_type == 0 ? ": this is the quote of an SGX enclave" : ""));
  }
  ATTESTD_TRY(out.reserved, reader.fixed<4>("reserved header field"));
  ATTESTD_TRY(out.qe_vendor_id, reader.fixed<16>("QE vendor ID"));
  ATTESTD_TRY(out.user_data, reader.fixed<20>("user data"));
  return {};
}

// Version 5 says what body follows and how long it is; version 4 has only one.
Result<void> take_body_type(Reader& reader, TdQuote& out) {
  out.body.type = TdBodyType::td_10;
  if (out.version == 4) return {};
  const std::size_t offset = reader.offset();
  ATTESTD_TRY(const std::uint16_t type, reader.le16("body type"));
  if (type != static_cast<std::uint16_t>(TdBodyType::td_10) && type != static_cast<std::uint16_t>(TdBodyType::td_15)) {
    return fail_at(Errc::unsupported, offset, "body type " + std::to_string(type) + " of the TD quote is not 2 or 3");
  }
  out.body.type = static_cast<TdBodyType>(type);
  ATTESTD_TRY(const std::uint32_t size, reader.le32("body size"));
  if (size != body_size(out.body.type)) {
    return fail_at(Errc::malformed, offset + 2,
                   "body of the TD quote claims " + std::to_string(size) + " bytes, its type has " +
                       std::to_string(body_size(out.body.type)));
  }
  return {};
}

Result<void> take_body(Reader& reader, TdQuoteBody& out) {
  ATTESTD_CHECK(take_tee_tcb_fields(reader, out));
  ATTESTD_CHECK(take_td_info_fields(reader, out));
  ATTESTD_TRY(out.report_data, reader.fixed<64>("report data"));
  if (out.type == TdBodyType::td_15) {
    ATTESTD_TRY(out.tee_tcb_svn_2, reader.fixed<16>("TEE TCB SVN 2"));
    ATTESTD_TRY(out.mrservicetd, reader.fixed<48>("MRSERVICETD"));
  }
  return {};
}

// A certification data header: its type, which must be `wanted`, and as many
// bytes as it claims. They must fill `reader`: bytes after them would be
// covered by no signature and understood by nobody.
Result<ByteView> take_certification(Reader& reader, std::uint16_t wanted, std::string_view what) {
  const std::size_t offset = reader.offset();
  ATTESTD_TRY(const std::uint16_t type, reader.le16("certification data type"));
  if (type != wanted) {
    return fail_at(
        Errc::unsupported, offset,
        std::string(what) + " has type " + std::to_string(type) + ", only " + std::to_string(wanted) + " is handled");
  }
  ATTESTD_TRY(const std::uint32_t size, reader.le32("certification data size"));
  ATTESTD_TRY(const ByteView data, reader.take(size, what));
  if (!reader.empty()) {
    return fail_at(Errc::malformed, reader.offset(),
                   std::to_string(reader.remaining()) + " bytes follow the " + std::string(what));
  }
  return data;
}

Result<void> take_signature_data(Reader& reader, TdQuote& out) {
  ATTESTD_TRY(out.signature, reader.fixed<64>("quote signature"));
  ATTESTD_TRY(out.attestation_key, reader.fixed<64>("attestation key"));
  const std::size_t certification_offset = reader.offset() + 6;
  ATTESTD_TRY(const ByteView certification,
              take_certification(reader, td_certification_qe_report, "certification data of the TD quote"));

  Reader inner(certification, certification_offset);
  ATTESTD_TRY(out.qe_report, inner.fixed<sgx_report_body_size>("QE report"));
  ATTESTD_TRY(out.qe_report_signature, inner.fixed<64>("QE report signature"));
  ATTESTD_TRY(const std::uint16_t authentication_size, inner.le16("size of the QE authentication data"));
  ATTESTD_TRY(const ByteView authentication, inner.take(authentication_size, "QE authentication data"));
  out.qe_authentication_data = to_bytes(authentication);
  ATTESTD_TRY(const ByteView chain,
              take_certification(inner, td_certification_pck_chain, "certification data of the quoting enclave"));
  out.pck_chain = to_bytes(chain);
  return {};
}

void put_body(Writer& writer, const TdQuoteBody& body) {
  put_tee_tcb_fields(writer, body);
  put_td_info_fields(writer, body);
  writer.raw(body.report_data);
  if (body.type == TdBodyType::td_15) writer.raw(body.tee_tcb_svn_2).raw(body.mrservicetd);
}

Writer signed_part(const TdQuote& quote) {
  Writer writer;
  writer.le16(quote.version).le16(quote.attestation_key_type).le32(quote.tee_type).raw(quote.reserved);
  writer.raw(quote.qe_vendor_id).raw(quote.user_data);
  if (quote.version == 5) {
    writer.le16(static_cast<std::uint16_t>(quote.body.type));
    writer.le32(static_cast<std::uint32_t>(body_size(quote.body.type)));
    put_body(writer, quote.body);
  } else {
    TdQuoteBody body = quote.body;
    body.type = TdBodyType::td_10;
    put_body(writer, body);
  }
  return writer;
}

}  // namespace

std::size_t td_quote_signed_size(const TdQuote& quote) {
  if (quote.version == 5) return td_quote_header_size + 2 + 4 + body_size(quote.body.type);
  return td_quote_header_size + td_body_10_size;
}

Result<TdQuote> parse_td_quote(ByteView bytes) {
  if (bytes.size() > td_quote_max_size) {
    return fail_at(
        Errc::out_of_range, td_quote_max_size,
        "TD quote has " + std::to_string(bytes.size()) + " bytes, more than " + std::to_string(td_quote_max_size));
  }
  Reader reader(bytes);
  TdQuote out;
  ATTESTD_CHECK(take_header(reader, out));
  ATTESTD_CHECK(take_body_type(reader, out));
  ATTESTD_CHECK(take_body(reader, out.body));
  ATTESTD_TRY(const std::uint32_t signature_size, reader.le32("size of the signature data"));
  const std::size_t signature_offset = reader.offset();
  ATTESTD_TRY(const ByteView signature_data, reader.take(signature_size, "signature data"));
  Reader signature_reader(signature_data, signature_offset);
  ATTESTD_CHECK(take_signature_data(signature_reader, out));

  out.trailing = to_bytes(reader.rest());
  return out;
}

Bytes encode_td_quote_signed_part(const TdQuote& quote) { return signed_part(quote).take(); }

Bytes encode_td_quote(const TdQuote& quote) {
  Writer inner;
  inner.raw(quote.qe_report).raw(quote.qe_report_signature);
  inner.le16(static_cast<std::uint16_t>(quote.qe_authentication_data.size())).raw(quote.qe_authentication_data);
  inner.le16(td_certification_pck_chain);
  inner.le32(static_cast<std::uint32_t>(quote.pck_chain.size())).raw(quote.pck_chain);

  Writer writer = signed_part(quote);
  writer.le32(static_cast<std::uint32_t>(signature_data_fixed_size + 2 + 4 + inner.bytes().size()));
  writer.raw(quote.signature).raw(quote.attestation_key);
  writer.le16(td_certification_qe_report);
  writer.le32(static_cast<std::uint32_t>(inner.bytes().size())).raw(inner.bytes());
  writer.raw(quote.trailing);
  return writer.take();
}

Result<SgxReportBody> parse_sgx_report_body(ByteView bytes) {
  if (bytes.size() > sgx_report_body_size) {
    return fail_at(Errc::out_of_range, sgx_report_body_size,
                   "SGX report body has " + std::to_string(bytes.size()) + " bytes, must have 384");
  }
  Reader reader(bytes);
  SgxReportBody out;
  ATTESTD_TRY(out.cpusvn, reader.fixed<16>("CPUSVN"));
  ATTESTD_TRY(out.miscselect, reader.le32("MISCSELECT"));
  ATTESTD_CHECK(reader.skip(28, "reserved field"));
  ATTESTD_TRY(out.attributes, reader.fixed<16>("attributes"));
  ATTESTD_TRY(out.mrenclave, reader.fixed<32>("MRENCLAVE"));
  ATTESTD_CHECK(reader.skip(32, "reserved field"));
  ATTESTD_TRY(out.mrsigner, reader.fixed<32>("MRSIGNER"));
  ATTESTD_CHECK(reader.skip(96, "reserved field"));
  ATTESTD_TRY(out.isvprodid, reader.le16("ISVPRODID"));
  ATTESTD_TRY(out.isvsvn, reader.le16("ISVSVN"));
  ATTESTD_CHECK(reader.skip(60, "reserved field"));
  ATTESTD_TRY(out.report_data, reader.fixed<64>("report data"));
  return out;
}

FixedBytes<sgx_report_body_size> encode_sgx_report_body(const SgxReportBody& body) {
  Writer writer;
  writer.raw(body.cpusvn).le32(body.miscselect).zeros(28).raw(body.attributes);
  writer.raw(body.mrenclave).zeros(32).raw(body.mrsigner).zeros(96);
  writer.le16(body.isvprodid).le16(body.isvsvn).zeros(60).raw(body.report_data);
  FixedBytes<sgx_report_body_size> out{};
  std::ranges::copy(writer.bytes(), out.begin());
  return out;
}

}  // namespace attestd
