#include "vtpm/latch.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/file.h"
#include "evidence/cel.h"
#include "evidence/event_log_writer.h"
#include "hwio/tpm_pcrs.h"
#include "vtpm/guard_internal.h"

namespace attestd::vtpm {
namespace {

using hwio::tpm_check;

constexpr unsigned log_mode = 0600;  // as systemd has its own
constexpr unsigned cel_mode = 0444;

// Those of banks that the TPM has active and we can compute.
Result<std::vector<HashAlgorithm>> active_banks(ESYS_CONTEXT* esys) {
  ATTESTD_TRY(const auto banks, hwio::assigned_banks(esys));
  std::vector<HashAlgorithm> out;
  for (const TPMS_PCR_SELECTION& bank : banks) {
    const auto algorithm = hash_from_id(bank.hash);
    if (algorithm && hwio::selected(bank, latch_pcr) && hash_available(*algorithm)) out.push_back(*algorithm);
  }
  return out;
}

TPML_DIGEST_VALUES values_of(const std::vector<EventDigest>& digests) {
  TPML_DIGEST_VALUES out = {};
  for (const EventDigest& digest : digests) {
    TPMT_HA& one = out.digests[out.count++];
    one.hashAlg = static_cast<TPMI_ALG_HASH>(digest.algorithm);
    fill(one.digest.sha512, digest.value);
  }
  return out;
}

Result<void> append(const std::string& path, ByteView record) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, log_mode));
  if (!file) return fail_errno(errno, "the latch is closed, but cannot open the log " + path);
  if (::flock(file.get(), LOCK_EX) != 0)
    return fail_errno(errno, "the latch is closed, but cannot lock the log " + path);
  return write_all(file.get(), path, record);
}

}  // namespace

std::string latch_text(const std::string& uuid) { return "attestd-unlock: latched by volume " + uuid; }

Result<void> latch_tpm(const LatchRequest& request) {
  ATTESTD_TRY(const hwio::TpmContext context, hwio::TpmContext::open(request.tcti));
  const std::optional<ByteView> pinned =
      request.srk_name.empty() ? std::nullopt : std::optional<ByteView>(request.srk_name);
  ATTESTD_TRY(const StorageRoot root,
              pinned ? open_storage_root(context.get(), pinned) : need_storage_root(context.get()));
  ATTESTD_TRY(const std::vector<HashAlgorithm> banks, active_banks(context.get()));
  if (std::ranges::find(banks, HashAlgorithm::sha256) == banks.end()) {
    return fail(Errc::unsupported, "the TPM has no PCR 15 in its bank sha256");
  }
  const UserspaceRecord record = write_userspace_record(latch_pcr, banks, latch_event_type, latch_text(request.uuid));
  const TPML_DIGEST_VALUES digests = values_of(record.digests);
  // The session's HMAC over the answer says that the TPM did it, and not who is between.
  ATTESTD_TRY(const hwio::EsysHandle session, start_session(context.get(), root.handle.get(), TPM2_SE_HMAC));
  ATTESTD_CHECK(encrypt_next(context.get(), session, Encrypt::none));
  ATTESTD_CHECK(
      tpm_check(Esys_PCR_Extend(context.get(), ESYS_TR_PCR15, session.get(), ESYS_TR_NONE, ESYS_TR_NONE, &digests),
                "extend PCR 15"));
  return append(request.log, record.bytes);
}

Result<void> latch_td(hwio::Rtmrs& rtmrs, const std::string& uuid, const std::string& log) {
  const std::string text = latch_text(uuid);
  CelRecord record;
  record.record_number = 0;
  record.register_kind = CelRegister::cc_register;
  record.register_index = latch_rtmr;
  record.digests = {{HashAlgorithm::sha384, digest(HashAlgorithm::sha384, {as_bytes(text)})}};
  record.content_type = latch_cel_content;
  record.content = to_bytes(text);
  FixedBytes<48> value{};
  std::ranges::copy(record.digests.front().value, value.begin());
  ATTESTD_CHECK(rtmrs.extend(latch_rtmr, value));
  return replace_file(log, encode_cel_tlv({record}), cel_mode);
}

}  // namespace attestd::vtpm
