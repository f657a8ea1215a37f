// attest-broker(1): what an administrator does to the store, one function a command. Each leaves
// a record in the audit log. An error stands for exit status 2.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "broker/config.h"
#include "broker/store_values.h"

namespace attestd::broker {

struct AdminOptions {
  std::string config = std::string(default_config_path);
  bool json = false;
};

// Opened as the broker itself would.
class Admin {
 public:
  static Result<Admin> open(const AdminOptions& options);

  struct Put {
    std::string path, policy, volume;
    std::string file = "-";  // of the secret; "-": standard input
    unsigned generate = 0;   // bytes of a random secret instead
  };
  Result<int> put(const Put& options);
  // The same policy and volume, another secret.
  Result<int> rotate(const Put& options);
  Result<int> list();
  Result<int> show(const std::string& path);
  Result<int> revoke(const std::string& path, std::int64_t version);  // 0: all
  Result<int> remove(const std::string& path);

  Result<int> policy_put(const std::string& name, const std::string& file);
  Result<int> policy_list();
  Result<int> policy_show(const std::string& name);
  Result<int> policy_remove(const std::string& name);

  Result<int> host_cert_allow(const std::string& policy, const std::vector<std::string>& principals,
                              std::int64_t validity_s);
  Result<int> host_cert_list();
  Result<int> host_cert_remove(const std::string& policy);
  // A known_hosts line: "@cert-authority PATTERN ssh-ed25519 AAAA…".
  Result<int> host_cert_authority(const std::string& pattern);

  // Prints a token that lets one VM, trusted by `policy`, have a secret made for `path`; or, to rotate, replace the one
  // that is there. Then `policy` may be empty: the resource's own.
  Result<int> enrolment_token(const std::string& path, const std::string& policy, std::int64_t lifetime_s, bool rotate);

  // Recovery: forgets which LUKS2 header a volume has, and what its TPM's counter said. `header`: hex of the one that
  // it has now; empty: the next one that comes is believed.
  Result<int> volume_forget(const std::string& path, const std::string& header);

  Result<int> audit_show(std::int64_t from, std::int64_t count);
  Result<int> audit_verify(std::int64_t from, const std::string& before);
  Result<int> audit_head();

  // Everything under the master key in `file` from now on.
  Result<int> reseal(const std::string& file);

 private:
  Admin(const AdminOptions& options, std::unique_ptr<Store> store) : options_(options), store_(std::move(store)) {}
  Result<void> audited(const std::string& action, const std::string& object,
                       const std::function<Result<void>(StoreTransaction&)>& job);

  AdminOptions options_;
  std::unique_ptr<Store> store_;
};

// A new master key in `file`, mode 0600; an existing file stays. Errors: busy (it is there), those of replace_file().
Result<int> make_master_key(const std::string& file);

}  // namespace attestd::broker
