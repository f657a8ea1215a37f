// A NitroTPM made of a TPM that is none: what AWS adds, in front of swtpm. It
// answers the command for the Nitro Security Module, keeps the large NV indices
// that carry its messages (swtpm's hold 2048 bytes), names AWS as the manufacturer,
// and passes everything else on.
// Sources: TPM 2.0 Library part 2 and 3; github.com/aws/NitroTPM-Tools.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "base/bytes.h"
#include "evidence/nitro_document.h"

namespace attestd::sim {

class NitroTpm {
 public:
  // Sends a command to the TPM behind and gives its response.
  using Forward = std::function<Result<Bytes>(ByteView command)>;
  // Signs a document: certificates and time are the signer's.
  using Sign = std::function<Result<Bytes>(const NitroDocument& document)>;

  explicit NitroTpm(Sign sign) : sign_(std::move(sign)) {}

  // One TPM command, its response. An error means that the TPM behind is gone.
  Result<Bytes> execute(ByteView command, const Forward& forward);

  static constexpr std::uint32_t nsm_request = 0x20000001;

 private:
  struct Index {
    std::uint16_t name_algorithm = 0;
    std::uint32_t attributes = 0;
    Bytes data;
  };
  struct Command;

  std::optional<Bytes> define(const Command& command);
  Bytes undefine(const Command& command);
  static Bytes read(const Command& command, const Index& index);
  static Bytes write(const Command& command, Index& index);
  static Bytes read_public(std::uint32_t handle, const Index& index);
  Result<Bytes> answer(Index& index, const Forward& forward);

  Sign sign_;
  std::map<std::uint32_t, Index> indices_;
};

}  // namespace attestd::sim
