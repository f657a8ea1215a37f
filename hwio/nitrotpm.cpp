#include "hwio/nitrotpm.h"

#include <tss2/tss2_tcti.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/encoding.h"
#include "hwio/tpm_context.h"

namespace attestd::hwio {
namespace {

// TPM 2.0 part 2, 6.5.1: bit 29 marks a vendor's command.
constexpr std::uint32_t nsm_request = 0x20000001;
// In the owner's range of the TCG's "Registry of Reserved TPM 2.0 Handles and Localities".
constexpr std::uint32_t buffer_index = 0x018a77e5;
// A document without what the asker chose has nearly 5 KiB.
constexpr std::uint16_t buffer_size = 8192;
constexpr std::size_t message_limit = 1024;
constexpr std::size_t write_size = 512;  // every TPM takes as much at once
constexpr TPMA_NV buffer_attributes = TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE;
constexpr std::size_t header_size = 10;      // of commands and responses: tag, size, code
constexpr std::uint32_t code_mask = 0xffff;  // without the layer that a resource manager adds

TPM2B_NV_PUBLIC buffer_public() {
  TPM2B_NV_PUBLIC out = {};
  out.nvPublic.nvIndex = buffer_index;
  out.nvPublic.nameAlg = TPM2_ALG_SHA256;
  out.nvPublic.attributes = buffer_attributes;
  out.nvPublic.dataSize = buffer_size;
  return out;
}

// The index, as long as this lives.
class Buffer {
 public:
  static Result<Buffer> define(ESYS_CONTEXT* esys) {
    auto handle = define_once(esys);
    if (!handle && remove_leftover(esys)) handle = define_once(esys);
    if (!handle) return std::unexpected(std::move(handle).error());
    return Buffer(esys, *handle);
  }
  Buffer(Buffer&& other) noexcept : esys_(other.esys_), handle_(std::exchange(other.handle_, ESYS_TR_NONE)) {}
  Buffer& operator=(Buffer&&) = delete;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    if (handle_ == ESYS_TR_NONE) return;
    // ESAPI has one handle for an index: whoever read it in between has closed ours.
    ESYS_TR handle = ESYS_TR_NONE;
    if (Esys_TR_FromTPMPublic(esys_, buffer_index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle) ==
        TSS2_RC_SUCCESS) {
      undefine(esys_, handle);
    }
  }

  [[nodiscard]] Result<void> write(ByteView bytes) const {
    for (std::size_t offset = 0; offset < bytes.size(); offset += write_size) {
      const ByteView part = bytes.subspan(offset, std::min(write_size, bytes.size() - offset));
      TPM2B_MAX_NV_BUFFER data = {};
      data.size = static_cast<std::uint16_t>(part.size());
      std::memcpy(data.buffer, part.data(), part.size());
      ATTESTD_CHECK(tpm_check(Esys_NV_Write(esys_, handle_, handle_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                            &data, static_cast<std::uint16_t>(offset)),
                              "write the request to the NitroTPM"));
    }
    return {};
  }

 private:
  Buffer(ESYS_CONTEXT* esys, ESYS_TR handle) : esys_(esys), handle_(handle) {}

  static Result<ESYS_TR> define_once(ESYS_CONTEXT* esys) {
    const TPM2B_AUTH authorization = {};
    const TPM2B_NV_PUBLIC area = buffer_public();
    ESYS_TR handle = ESYS_TR_NONE;
    const TSS2_RC code = Esys_NV_DefineSpace(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                             &authorization, &area, &handle);
    // What a TPM says whose indices are smaller: part 3, section 31.3.1.
    if (tpm_response_is(code, TPM2_RC_SIZE)) {
      return fail(Errc::unsupported, "the TPM has no NV indices of 8192 bytes, so it is no NitroTPM");
    }
    ATTESTD_CHECK(tpm_check(code, "define an NV index for the NitroTPM's answer"));
    return handle;
  }

  // True when there was one that we made: nobody else defines it so.
  static bool remove_leftover(ESYS_CONTEXT* esys) {
    ESYS_TR handle = ESYS_TR_NONE;
    if (Esys_TR_FromTPMPublic(esys, buffer_index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle) !=
        TSS2_RC_SUCCESS) {
      return false;
    }
    TPM2B_NV_PUBLIC* raw_public = nullptr;
    TPM2B_NAME* raw_name = nullptr;
    if (Esys_NV_ReadPublic(esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw_public, &raw_name) !=
        TSS2_RC_SUCCESS) {
      return false;
    }
    const EsysPointer<TPM2B_NV_PUBLIC> area(raw_public);
    const EsysPointer<TPM2B_NAME> name(raw_name);
    const TPMS_NV_PUBLIC& there = area->nvPublic;
    return (there.attributes & ~static_cast<TPMA_NV>(TPMA_NV_WRITTEN)) == buffer_attributes &&
           there.dataSize == buffer_size && undefine(esys, handle);
  }

  static bool undefine(ESYS_CONTEXT* esys, ESYS_TR handle) {
    return Esys_NV_UndefineSpace(esys, ESYS_TR_RH_OWNER, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE) ==
           TSS2_RC_SUCCESS;
  }

  ESYS_CONTEXT* esys_;
  ESYS_TR handle_;
};

// The index twice, as authorization and as what is meant; a password session with
// the empty password (TPM 2.0 part 1, section 19.4).
Bytes command() {
  constexpr std::uint32_t authorization_size = 9;
  Writer body;
  body.be32(nsm_request).be32(buffer_index).be32(buffer_index).be32(authorization_size);
  body.be32(TPM2_RS_PW).be16(0).u8(0).be16(0);
  Writer out;
  out.be16(TPM2_ST_SESSIONS).be32(static_cast<std::uint32_t>(body.bytes().size() + header_size - 4));
  return out.raw(body.bytes()).take();
}

Result<void> send(ESYS_CONTEXT* esys) {
  TSS2_TCTI_CONTEXT* tcti = nullptr;  // the context's own
  ATTESTD_CHECK(tpm_check(Esys_GetTcti(esys, &tcti), "reach the TPM's transmission interface"));
  const Bytes bytes = command();
  ATTESTD_CHECK(tpm_check(Tss2_Tcti_Transmit(tcti, bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data())),
                          "send the NitroTPM's command"));
  std::array<std::uint8_t, 4096> response{};
  std::size_t size = response.size();
  ATTESTD_CHECK(tpm_check(Tss2_Tcti_Receive(tcti, &size, response.data(), TSS2_TCTI_TIMEOUT_BLOCK),
                          "receive the NitroTPM's response"));
  Reader reader(std::as_bytes(std::span(response)).first(std::min(size, response.size())));
  ATTESTD_CHECK(reader.skip(header_size - 4, "TPM response header"));
  ATTESTD_TRY(const std::uint32_t code, reader.be32("TPM response code"));
  if ((code & code_mask) == TPM2_RC_COMMAND_CODE) {
    return fail(Errc::unsupported,
                "the TPM does not know the NitroTPM's command; behind a resource manager, name /dev/tpm0");
  }
  return tpm_check(code, "have the NitroTPM answer");
}

}  // namespace

Result<Bytes> nitrotpm_message(const std::string& tcti, ByteView message) {
  if (message.empty() || message.size() > message_limit) {
    return fail(Errc::usage, "a message to the NitroTPM has 1 to 1024 bytes, not " + std::to_string(message.size()));
  }
  ATTESTD_TRY(const TpmContext context, TpmContext::open(tcti));
  ATTESTD_TRY(const Buffer buffer, Buffer::define(context.get()));
  ATTESTD_CHECK(buffer.write(message));
  ATTESTD_CHECK(send(context.get()));
  return read_nv_index(context.get(), buffer_index);
}

}  // namespace attestd::hwio
