// Somebody on the TPM's bus: between tpm2-tss and a swtpm, who hears and changes all.
#pragma once

#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/file.h"
#include "tests/hwio/swtpm.h"

namespace attestd::test {

class Relay {
 public:
  // Called for each exchange: may change the answer. Or answers itself: `intercept`, with bytes, keeps the
  // command from the TPM.
  using Change = std::function<void(const Bytes& command, Bytes& answer)>;
  using Intercept = std::function<Bytes(const Bytes& command)>;

  explicit Relay(const Swtpm& swtpm);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay();

  [[nodiscard]] std::string tcti() const { return "swtpm:path=" + path_; }
  void change(Change change);
  void intercept(Intercept intercept);
  // Everything that went by since then.
  [[nodiscard]] Bytes heard() const;
  // The last answer to this command (TPM_CC), or nothing.
  [[nodiscard]] Bytes answer_to(std::uint32_t code) const;
  // All of these.
  [[nodiscard]] std::vector<Bytes> commands(std::uint32_t code) const;

 private:
  void serve(const std::stop_token& stop);
  void talk(const std::stop_token& stop, int client, int tpm);

  std::string path_;
  std::string target_;
  UniqueFd listener_;
  mutable std::mutex mutex_;
  Change change_;
  Intercept intercept_;
  std::vector<std::pair<Bytes, Bytes>> exchanges_;
  std::jthread thread_;
};

std::uint32_t command_code(const Bytes& command);
inline constexpr std::uint32_t cc_nv_read = 0x14e;
inline constexpr std::uint32_t cc_unseal = 0x15e;
inline constexpr std::uint32_t cc_read_public = 0x173;
inline constexpr std::uint32_t cc_start_auth_session = 0x176;
inline constexpr std::uint32_t cc_pcr_extend = 0x182;

}  // namespace attestd::test
