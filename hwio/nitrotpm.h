// The one command that AWS's NitroTPM has beyond the TPM 2.0 Library: it hands a
// message to the Nitro Security Module and leaves the answer where the message was.
// Source: github.com/aws/NitroTPM-Tools, nitro-tpm-attest.
#pragma once

#include <string>

#include "base/bytes.h"

namespace attestd::hwio {

// Defines an NV index for the time of the call, writes `message` (1 to 1024 bytes)
// to its start, sends the command, and gives the whole index, 8192 bytes: the
// answer and what lies behind it. An index that a process of ours left behind is
// taken over. Opens and closes `tcti` itself, so on a TPM that serves one client
// at a time no other connection may be open. The kernel's resource manager may
// not know the command: /dev/tpm0 does.
// Errors: unsupported (the TPM is no NitroTPM, or lacks the space), unavailable,
// permission, tpm, usage.
Result<Bytes> nitrotpm_message(const std::string& tcti, ByteView message);

}  // namespace attestd::hwio
