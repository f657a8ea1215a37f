// Words that the JSON and the text form of TPM evidence share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "evidence/event_log.h"
#include "evidence/tpm_attest.h"

namespace attestd {

// The data as printable ASCII, from plain or UTF-16LE text; nothing when it is not text.
std::optional<std::string> event_text(ByteView data);
// Only what a terminal cannot take for a command.
std::string escaped_text(std::string_view text);
// Its lines in the text of a log; `place` says which register was extended.
std::string event_to_text(const Event& event, const std::string& place);
std::string tpm_key_kind(const TpmPublic& key);        // "rsa2048", "ecc-p256"
std::string tpm_scheme_name(std::uint16_t algorithm);  // "rsassa", or "0x001a"

}  // namespace attestd
