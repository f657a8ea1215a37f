#include "sim/nitro_tpm.h"

#include <tss2/tss2_tpm2_types.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "evidence/digest.h"
#include "evidence/nsm_message.h"

namespace attestd::sim {
namespace {

constexpr std::size_t header_size = 10;  // tag, size, command or response code
constexpr std::uint16_t largest_of_swtpm = 2048;
constexpr std::uint16_t largest_index = 16384;
constexpr unsigned pcr_count = 24;
constexpr unsigned pcrs_a_read = 8;  // TPML_DIGEST holds eight
constexpr std::uint32_t password_area_size = 9;

Bytes response(std::uint16_t tag, std::uint32_t code, ByteView body) {
  Writer out;
  return out.be16(tag).be32(static_cast<std::uint32_t>(header_size + body.size())).be32(code).raw(body).take();
}

Bytes failed(std::uint32_t code) { return response(TPM2_ST_NO_SESSIONS, code, {}); }

// Parameters, then the answer to one password session: no nonce, continued, no HMAC.
Bytes succeeded(ByteView parameters) {
  Writer body;
  body.be32(static_cast<std::uint32_t>(parameters.size())).raw(parameters).be16(0).u8(1).be16(0);
  return response(TPM2_ST_SESSIONS, TPM2_RC_SUCCESS, body.bytes());
}

Bytes pcr_read(unsigned first) {
  FixedBytes<3> selected{};
  selected.at(first / pcrs_a_read) = std::byte{0xff};
  Writer out;
  out.be16(TPM2_ST_NO_SESSIONS).be32(20).be32(TPM2_CC_PCR_Read);
  return out.be32(1).be16(TPM2_ALG_SHA384).u8(3).raw(selected).take();
}

// Part 3, section 22.4: update counter, selection, values.
Result<void> add_pcrs(ByteView bytes, unsigned first, std::map<unsigned, Bytes>& into) {
  Reader reader(bytes);
  ATTESTD_CHECK(reader.skip(6, "header"));
  ATTESTD_TRY(const std::uint32_t code, reader.be32("response code"));
  if (code != TPM2_RC_SUCCESS) return fail(Errc::tpm, "the TPM does not read its PCRs");
  ATTESTD_CHECK(reader.skip(4, "update counter"));
  ATTESTD_TRY(const std::uint32_t selections, reader.be32("selections"));
  for (std::uint32_t i = 0; i < selections; ++i) {
    ATTESTD_CHECK(reader.skip(2, "bank"));
    ATTESTD_TRY(const std::uint8_t size, reader.u8("selection size"));
    ATTESTD_CHECK(reader.skip(size, "selection"));
  }
  ATTESTD_TRY(const std::uint32_t count, reader.be32("values"));
  if (count != pcrs_a_read) return fail(Errc::tpm, "the TPM has no SHA-384 bank");
  for (unsigned i = 0; i < count; ++i) {
    ATTESTD_TRY(const std::uint16_t size, reader.be16("value size"));
    ATTESTD_TRY(const ByteView value, reader.take(size, "value"));
    into[first + i] = to_bytes(value);
  }
  return {};
}

// Part 3, section 30.2: the properties in a response, with AWS as the manufacturer.
Bytes by_amazon(Bytes answer) {
  constexpr std::size_t properties = header_size + 9;  // after moreData, capability, count
  constexpr std::size_t property_size = 8;
  constexpr std::array amazon{std::byte{'A'}, std::byte{'M'}, std::byte{'Z'}, std::byte{'N'}};
  if (answer.size() < properties ||
      Reader(ByteView(answer).subspan(header_size + 1)).be32("") != TPM2_CAP_TPM_PROPERTIES)
    return answer;
  for (std::size_t at = properties; at + property_size <= answer.size(); at += property_size) {
    if (Reader(ByteView(answer).subspan(at)).be32("") != TPM2_PT_MANUFACTURER) continue;
    std::ranges::copy(amazon, answer.begin() + static_cast<std::ptrdiff_t>(at) + 4);
  }
  return answer;
}

}  // namespace

struct NitroTpm::Command {
  std::uint16_t tag = 0;
  std::uint32_t code = 0;
  std::vector<std::uint32_t> handles;
  ByteView parameters;

  static std::size_t handle_count(std::uint32_t code) {
    switch (code) {
      case TPM2_CC_NV_DefineSpace:
      case TPM2_CC_NV_ReadPublic: return 1;
      case TPM2_CC_NV_UndefineSpace:
      case TPM2_CC_NV_Write:
      case TPM2_CC_NV_Read:
      case nsm_request: return 2;
      default: return 0;
    }
  }

  // Of the commands above; the code alone of others.
  static Result<Command> parse(ByteView bytes) {
    Command out;
    Reader reader(bytes);
    ATTESTD_TRY(out.tag, reader.be16("tag"));
    ATTESTD_CHECK(reader.skip(4, "size"));
    ATTESTD_TRY(out.code, reader.be32("command code"));
    for (std::size_t i = 0; i < handle_count(out.code); ++i) {
      ATTESTD_TRY(const std::uint32_t handle, reader.be32("handle"));
      out.handles.push_back(handle);
    }
    if (!out.handles.empty() && out.tag == TPM2_ST_SESSIONS) {
      ATTESTD_TRY(const std::uint32_t size, reader.be32("authorization size"));
      ATTESTD_CHECK(reader.skip(size, "authorization"));
      // One password session with an empty password is all that is understood here.
      if (size != password_area_size) out.tag = 0;
    }
    out.parameters = reader.rest();
    return out;
  }
  [[nodiscard]] bool authorized() const { return tag == TPM2_ST_SESSIONS; }
};

Result<Bytes> NitroTpm::execute(ByteView bytes, const Forward& forward) {
  const auto command = Command::parse(bytes);
  if (command && command->code == TPM2_CC_GetCapability) {
    ATTESTD_TRY(Bytes properties, forward(bytes));
    return by_amazon(std::move(properties));
  }
  if (!command || command->handles.empty()) return forward(bytes);
  if (command->code == TPM2_CC_NV_DefineSpace) {
    if (auto defined = define(*command)) return *std::move(defined);
    return forward(bytes);
  }
  const auto it = indices_.find(command->handles.back());
  if (command->code == nsm_request) {
    if (it == indices_.end()) return failed(TPM2_RC_HANDLE + TPM2_RC_2);
    if (!command->authorized()) return failed(TPM2_RC_AUTH_MISSING);
    return answer(it->second, forward);
  }
  if (it == indices_.end()) return forward(bytes);
  if (command->code == TPM2_CC_NV_ReadPublic) return read_public(it->first, it->second);
  if (!command->authorized()) return failed(TPM2_RC_AUTH_MISSING);
  if (command->code == TPM2_CC_NV_UndefineSpace) return undefine(*command);
  return command->code == TPM2_CC_NV_Read ? read(*command, it->second) : write(*command, it->second);
}

// Nothing: an index that swtpm can hold.
std::optional<Bytes> NitroTpm::define(const Command& command) {
  const auto parse = [&]() -> Result<std::pair<std::uint32_t, Index>> {
    Reader reader(command.parameters);
    ATTESTD_TRY(const std::uint16_t auth_size, reader.be16("authorization value size"));
    ATTESTD_CHECK(reader.skip(auth_size, "authorization value"));
    ATTESTD_CHECK(reader.skip(2, "public area size"));
    std::pair<std::uint32_t, Index> out;
    ATTESTD_TRY(out.first, reader.be32("index"));
    ATTESTD_TRY(out.second.name_algorithm, reader.be16("name algorithm"));
    ATTESTD_TRY(out.second.attributes, reader.be32("attributes"));
    ATTESTD_TRY(const std::uint16_t policy_size, reader.be16("policy size"));
    ATTESTD_CHECK(reader.skip(policy_size, "policy"));
    ATTESTD_TRY(const std::uint16_t size, reader.be16("data size"));
    out.second.data.assign(size, std::byte{0xff});  // as an index is before it is written
    return out;
  };
  auto parsed = parse();
  if (!parsed || parsed->second.data.size() <= largest_of_swtpm) return std::nullopt;
  if (!command.authorized()) return failed(TPM2_RC_AUTH_MISSING);
  if (parsed->second.data.size() > largest_index) return failed(TPM2_RC_SIZE + TPM2_RC_P + TPM2_RC_2);
  if (!indices_.emplace(parsed->first, std::move(parsed->second)).second) return failed(TPM2_RC_NV_DEFINED);
  return succeeded({});
}

Bytes NitroTpm::undefine(const Command& command) {
  indices_.erase(command.handles.back());
  return succeeded({});
}

Bytes NitroTpm::read(const Command& command, const Index& index) {
  Reader reader(command.parameters);
  const auto size = reader.be16("size");
  const auto offset = reader.be16("offset");
  if (!size || !offset) return failed(TPM2_RC_SIZE);
  if ((index.attributes & TPMA_NV_WRITTEN) == 0) return failed(TPM2_RC_NV_UNINITIALIZED);
  if (*size > TPM2_MAX_NV_BUFFER_SIZE || std::size_t{*size} + *offset > index.data.size()) {
    return failed(TPM2_RC_NV_RANGE);
  }
  Writer out;
  out.be16(*size).raw(ByteView(index.data).subspan(*offset, *size));
  return succeeded(out.bytes());
}

Bytes NitroTpm::write(const Command& command, Index& index) {
  Reader reader(command.parameters);
  const auto size = reader.be16("size");
  if (!size) return failed(TPM2_RC_SIZE);
  const auto data = reader.take(*size, "data");
  const auto offset = reader.be16("offset");
  if (!data || !offset) return failed(TPM2_RC_SIZE);
  if (data->size() + *offset > index.data.size()) return failed(TPM2_RC_NV_RANGE);
  std::ranges::copy(*data, index.data.begin() + *offset);
  index.attributes |= TPMA_NV_WRITTEN;
  return succeeded({});
}

// Part 1, section 16: a name is the algorithm and the hash of the public area.
Bytes NitroTpm::read_public(std::uint32_t handle, const Index& index) {
  Writer area;
  area.be32(handle).be16(index.name_algorithm).be32(index.attributes).be16(0);
  area.be16(static_cast<std::uint16_t>(index.data.size()));
  const auto algorithm = hash_from_id(index.name_algorithm);
  if (!algorithm) return failed(TPM2_RC_HASH);
  const Bytes name = digest(*algorithm, {area.bytes()});
  Writer body;
  body.be16(static_cast<std::uint16_t>(area.bytes().size())).raw(area.bytes());
  body.be16(static_cast<std::uint16_t>(2 + name.size())).be16(index.name_algorithm).raw(name);
  return response(TPM2_ST_NO_SESSIONS, TPM2_RC_SUCCESS, body.bytes());
}

Result<Bytes> NitroTpm::answer(Index& index, const Forward& forward) {
  const auto request = parse_nsm_request(index.data);
  Bytes message = encode_nsm_error("InvalidArgument");
  if (request) {
    NitroDocument document;
    for (unsigned first = 0; first < pcr_count; first += pcrs_a_read) {
      ATTESTD_TRY(const Bytes values, forward(pcr_read(first)));
      ATTESTD_CHECK(add_pcrs(values, first, document.pcrs));
    }
    document.user_data = request->user_data;
    document.nonce = request->nonce;
    document.public_key = request->public_key;
    const auto made = sign_(document);
    message = made ? encode_nsm_response(*made) : encode_nsm_error("InternalError");
  }
  if (message.size() > index.data.size()) message = encode_nsm_error("BufferTooSmall");
  std::ranges::fill(index.data, std::byte{0xff});
  std::ranges::copy(message, index.data.begin());
  return succeeded({});
}

}  // namespace attestd::sim
