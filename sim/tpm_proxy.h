// A socket that looks like swtpm's, in front of swtpm's: sees each command and
// may answer it itself.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace attestd::sim {

class TpmProxy {
 public:
  using Forward = std::function<Result<Bytes>(ByteView command)>;
  // Called on the proxy's thread, one command after the other. An error closes the
  // client's connection.
  using Execute = std::function<Result<Bytes>(ByteView command, const Forward& forward)>;

  // Listens at FOLDER/sock and serves one connection at a time, as swtpm does, each
  // on a new connection to the TPM of `swtpm_folder`, whose control socket it shares.
  // The folder is created.
  static Result<std::unique_ptr<TpmProxy>> start(const std::string& folder, const std::string& swtpm_folder,
                                                 Execute execute);
  virtual ~TpmProxy() = default;  // stops it
  // For Tss2_TctiLdr_Initialize: "swtpm:path=FOLDER/sock".
  [[nodiscard]] virtual const std::string& tcti() const = 0;
};

}  // namespace attestd::sim
