// A TsmModel as a mounted directory, through FUSE.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "sim/tsm_model.h"

namespace attestd::sim {

class TsmMount {
 public:
  // Serves `model`, which must outlive the mount, at `directory`, which must
  // exist, be empty and not be a mount point. Root-owned entries for all users
  // when run by root, else for the user alone. Errors: unavailable (no
  // /dev/fuse), refused (something is mounted or lies there), io.
  // Threads that this process starts later are not asked to handle signals:
  // block the ones you wait for before.
  static Result<std::unique_ptr<TsmMount>> mount(TsmModel& model, std::string directory);
  virtual ~TsmMount() = default;  // unmounts
  [[nodiscard]] virtual const std::string& directory() const = 0;
};

}  // namespace attestd::sim
