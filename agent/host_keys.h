// The host keys that sshd offers, and whether they changed.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config.h"
#include "evidence/ssh_key.h"

namespace attestd::agent {

struct HostKey {
  std::string path;  // of the private key
  SshPublicKey key;
  bool operator==(const HostKey&) const = default;
};

struct HostKeySet {
  std::vector<HostKey> keys;
  std::vector<std::string> problems;  // one sentence for each key, or for sshd, that cannot be used
  bool operator==(const HostKeySet&) const = default;
};

// The public key comes out of the private key file, which is what sshd signs
// with; the .pub file beside it only stands in where the private one has no
// readable public part (PEM) or is not there (a key in an agent). The two differ:
// an error, since it says that somebody changed one of them. Errors: not_found,
// permission, malformed, mismatch.
Result<SshPublicKey> read_host_key(const std::string& path);

// One thread at a time: it blocks on files and on sshd.
class HostKeys {
 public:
  HostKeys(Config::Ssh config, std::chrono::milliseconds timeout);

  // The keys of this moment. Cheap when no file changed since the last call: a
  // stat(2) of each. A key that cannot be read does not hide the others.
  const HostKeySet& current();

 private:
  void read_all();
  // Device, inode, size, mtime and ctime of every file that was looked at.
  [[nodiscard]] std::string fingerprint() const;

  Config::Ssh config_;
  std::chrono::milliseconds timeout_;
  std::vector<std::string> watched_;
  std::string fingerprint_;
  HostKeySet set_;
  bool known_ = false;
};

}  // namespace attestd::agent
