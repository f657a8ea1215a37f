// Vendors' certificates and collateral on disk: fetched or primed by
// `attestctl keys fetch`, read by verify. A help, never a trust anchor: what
// is read from it is verified like what a host sends.
//
//   CACHE/amd/   Milan-vcek-chain.pem   ASK and ARK; -vlek-chain.pem: ASVK and ARK
//                Milan-vcek.crl         the ARK's revocation list; -vlek.crl
//                Milan-vcek-HWID-TCB.der, Milan-vlek-TCB-DIGEST.der
//   CACHE/intel/FMSPC-CA/               tcbinfo.json, qeidentity.json, pckcrl.der, rootcrl.der and
//                                       signers' chains: one folder for --collateral
//   CACHE/VENDOR.retry                  Unix time before which the service asked not to be asked
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/file.h"

namespace attestd {

// XDG_CACHE_HOME/attestd; without it /var/cache/attestd for root, else
// ~/.cache/attestd. Empty when there is no such place (no HOME).
std::string default_cache_folder();

class KeyCache {
 public:
  // Creates the folder (0755), waits for another writer, and removes what a crash left half written.
  static Result<KeyCache> open_for_writing(const std::string& folder);

  [[nodiscard]] const std::string& folder() const { return folder_; }
  // Nothing when it is not there or cannot be read. `name`: "amd/Milan-vcek.crl".
  [[nodiscard]] std::optional<Bytes> read(const std::string& name) const;
  // Whole or not at all, whatever happens meanwhile (write, fsync, rename).
  [[nodiscard]] Result<void> write(const std::string& name, ByteView bytes) const;

  // Unix seconds before which `vendor` ("amd") is not to be asked again; 0: none.
  [[nodiscard]] std::int64_t not_before(const std::string& vendor) const;
  [[nodiscard]] Result<void> set_not_before(const std::string& vendor, std::int64_t time) const;

 private:
  KeyCache(std::string folder, UniqueFd lock) : folder_(std::move(folder)), lock_(std::move(lock)) {}
  std::string folder_;
  UniqueFd lock_;
};

}  // namespace attestd
