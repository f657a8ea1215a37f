// Where attestctl was built without libcryptsetup.
#include "client/disk.h"

namespace attestd {
namespace {

std::unexpected<Error> missing() {
  return fail(Errc::unsupported, "this attestctl was built without libcryptsetup, which writes LUKS2 headers");
}

}  // namespace

Result<int> run_disk_enroll(const CommonOptions& /*common*/, const DiskEnrollOptions& /*options*/) { return missing(); }
Result<int> run_disk_rotate(const CommonOptions& /*common*/, const DiskRotateOptions& /*options*/) { return missing(); }
Result<int> run_disk_remove(const CommonOptions& /*common*/, const DiskRemoveOptions& /*options*/) { return missing(); }
Result<int> run_disk_serve(const CommonOptions& /*common*/, const DiskServeOptions& /*options*/) { return missing(); }

}  // namespace attestd
