// attestctl disk: encrypted volumes of the VM that it runs in. Exit statuses as in client/commands.h; an error that is
// "refused" stands for status 1.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/commands.h"

namespace attestd {

// Who keeps the volume's key. Empty: as the token of the volume, /etc/attestd/unlock.toml and the kernel's command line
// say, which attestd-unlock reads.
struct DiskBrokerOptions {
  std::string settings = "/etc/attestd/unlock.toml";
  std::string command_line = "/proc/cmdline";
  std::string broker;    // "https://HOST[:PORT]"
  std::string ca_file;   // roots of its certificate, PEM
  std::string resource;  // "REPOSITORY/TYPE/TAG"
  std::string policy;    // that is to judge
  std::string from;      // the agent's socket
};

struct DiskStatusOptions {
  std::string device;  // empty: every volume that is active
  std::string origins = "/run/attestd/origins";
  std::string sysfs = "/sys/block";
};
Result<int> run_disk_status(const CommonOptions& common, const DiskStatusOptions& options);

// Of --method vtpm: for attestd-unlock, which has the TPM.
struct DiskVtpmOptions {
  std::string counter;   // "0x01800100"
  std::string pcrs;      // "4,7,11,12"
  std::string pin_file;  // with a PIN that the volume is to ask for
  std::string program;   // empty: attestd-unlock
};

// Of what gives a volume a key.
struct DiskKeyOptions {
  std::string device;
  DiskBrokerOptions broker;
  std::string method = "broker";  // or "vtpm"
  std::string token_file;         // with an enrolment token, or one for a rotation
  std::string key_file;           // with a passphrase of the volume; "-": standard input
  DiskVtpmOptions vtpm;
  bool dry_run = false;
};

struct DiskEnrollOptions : DiskKeyOptions {
  bool recovery_key = false;
  std::string recovery_key_file;
};
Result<int> run_disk_enroll(const CommonOptions& common, const DiskEnrollOptions& options);

// `key_file` goes with vtpm alone. What `vtpm` leaves out is as the volume's token says, but for the PIN, which no
// token has.
struct DiskRotateOptions : DiskKeyOptions {};
Result<int> run_disk_rotate(const CommonOptions& common, const DiskRotateOptions& options);

struct DiskRemoveOptions {
  std::string device;
  DiskBrokerOptions broker;
  std::string method;  // "broker", "vtpm"; or
  std::optional<unsigned> token;
  bool force = false;
  bool offline = false;
  bool dry_run = false;
};
Result<int> run_disk_remove(const CommonOptions& common, const DiskRemoveOptions& options);

struct DiskServeOptions {
  DiskBrokerOptions broker;
  std::string by_uuid = "/dev/disk/by-uuid";
};
// Standard input is the connection of one who asks: luks/unlock_socket.h.
Result<int> run_disk_serve(const CommonOptions& common, const DiskServeOptions& options);

}  // namespace attestd
