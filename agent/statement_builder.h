// Fills the statement of each asker.
#pragma once

#include <string>

#include "agent/config.h"
#include "agent/evidence_request.h"
#include "agent/host_keys.h"
#include "evidence/statement.h"
#include "hwio/volumes.h"

namespace attestd::agent {

// What is the same for all askers of a batch.
struct Surroundings {
  HostKeySet host_keys;
  std::optional<std::vector<StorageClaim>> storage;  // nothing when the kernel's tables cannot be read
  std::string storage_problem;
  std::string mapping_problem;  // why the tables of device-mapper are not known; empty: they are, or there are none
  ProvisioningClaim provisioning;
};

// What attestd-unlock noted when it unlocked volumes; see unlock/volume.h.
inline constexpr std::string_view origins_folder = "/run/attestd/origins";

// Where a volume's key came from, by the note in `origins` on the one LUKS2 volume that it is on, by UUID and name:
// "broker", "vtpm"; else "unknown" for an encrypted volume, and "none" for one that has no key. With it
// what the broker calls the key.
// Notes that others than root could have written do not count.
StorageClaim storage_claim(const hwio::MountedVolume& volume, const std::string& origins);
// Blocks on files and on sshd.
Surroundings read_surroundings(HostKeys& host_keys);

// /proc/sys/kernel/random/boot_id, without its line end; empty when unreadable.
std::string read_boot_id();

// Reads the clocks: the time is information (the host controls it), the nonce
// is the freshness.
Statement build_statement(const EvidenceRequest& request, const Surroundings& surroundings,
                          const PlatformClaim& platform, const std::string& boot_id, const Bytes& ak_name);

}  // namespace attestd::agent
