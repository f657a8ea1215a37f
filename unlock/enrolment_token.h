// The single-use token of a first boot, as `attest-broker enrolment token` printed it. It comes from where the host
// may write, and is not measured: it is no authority by itself. Who has it can have one key made that is not there yet,
// and only from a VM that the broker's policy trusts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace attestd::unlock {

struct TokenPlaces {
  // QEMU: -fw_cfg name=opt/attestd/enrolment-token,string=HEX
  std::string fw_cfg = "/sys/firmware/qemu_fw_cfg/by_name/opt/attestd/enrolment-token/raw";
  // SMBIOS, an OEM string "attestd.enrolment-token=HEX": -smbios type=11,value=…
  std::string smbios = "/sys/firmware/dmi/tables/DMI";
};

// 32 to 128 hexadecimal digits, an even number, with a line break behind at most. Errors: malformed, whose sentence
// does not have the text.
Result<std::string> parse_enrolment_token(std::string_view text);

// The first OEM string (type 11) that begins with `prefix`, without that. Nothing where there is none, also because
// the table breaks its format. Source: DMTF DSP0134 3.7.0, sections 6.1 (structures) and 7.12 (OEM strings).
std::optional<std::string> find_oem_string(ByteView table, std::string_view prefix);

// The one that is found first: on the command line (`given`, or empty), in fw_cfg, in SMBIOS. Nothing where there is
// none. Errors: malformed, those of read_file() but not_found.
Result<std::optional<std::string>> find_enrolment_token(std::string_view given, const TokenPlaces& places);

}  // namespace attestd::unlock
