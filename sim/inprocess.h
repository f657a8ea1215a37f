// The software CVM without a kernel interface: for tests, and for machines that
// have no FUSE.
#pragma once

#include <memory>

#include "hwio/configfs_tsm.h"
#include "hwio/ioctl_device.h"
#include "sim/psp.h"
#include "sim/tsm_model.h"

namespace attestd::sim {

// Both keep a reference: the model and the PSP must outlive them.
std::unique_ptr<hwio::TsmFiles> make_tsm_files(TsmModel& model);
// The ioctls of /dev/sev-guest, with the driver's refusals: EINVAL for a message
// version of 0, null addresses or a certificate buffer that is no whole number of
// pages; EIO with VMM error 1 and the needed length for one that is too short;
// ENOTTY for others than the report requests, and once the key is wiped.
std::unique_ptr<hwio::IoctlDevice> make_sev_guest_ioctl(Psp& psp);

}  // namespace attestd::sim
