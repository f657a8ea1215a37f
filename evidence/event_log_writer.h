// Writes the logs that event_log.h reads: for the software CVM and for tests.
// Sources as in event_log.h.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "evidence/digest.h"
#include "evidence/event_log.h"

namespace attestd {

// A crypto-agile log: TCG_EfiSpecIDEvent, then TCG_PCR_EVENT2 records whose
// digests, one for each of `algorithms`, are made here.
class EventLogWriter {
 public:
  explicit EventLogWriter(std::vector<HashAlgorithm> algorithms);

  // An event whose digest is that of its data. EV_NO_ACTION gets zeroed digests.
  // Returns the digests, in the order of `algorithms`, for whoever extends a TPM.
  std::vector<EventDigest> measure(unsigned pcr, std::uint32_t type, ByteView data);
  // An event whose digest is that of `measured` and whose data says something else
  // (a boot loader's path beside its image's hash).
  std::vector<EventDigest> measure(unsigned pcr, std::uint32_t type, ByteView measured, ByteView data);
  // EV_NO_ACTION in PCR 0: the TPM was started from this locality (3 or 4).
  void startup_locality(std::uint8_t locality);

  [[nodiscard]] const Bytes& bytes() const { return out_; }

 private:
  void append(unsigned pcr, std::uint32_t type, const std::vector<EventDigest>& digests, ByteView data);

  std::vector<HashAlgorithm> algorithms_;
  Bytes out_;
};

// UEFI_VARIABLE_DATA (UEFI 2.10, TCG PC Client Platform Firmware Profile 1.06
// section 10.4.1): `guid` is the 16 bytes as in memory, `name` ASCII.
Bytes encode_uefi_variable_data(const FixedBytes<16>& guid, std::string_view name, ByteView value);

// One record of systemd's userspace log: RS, JSON, LF (RFC 7464), with its digests made
// from `string`.
struct UserspaceRecord {
  Bytes bytes;
  std::vector<EventDigest> digests;  // for whoever extends a TPM
};
UserspaceRecord write_userspace_record(unsigned pcr, const std::vector<HashAlgorithm>& algorithms,
                                       std::string_view event_type, std::string_view string);

}  // namespace attestd
