#include "evidence/ssh_certificate.h"

#include <cstdlib>

// A certificate that is accepted names a host, and no pattern.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attestd;
  SshPublicKey blob{{}, to_bytes(std::as_bytes(std::span(data, size)))};
  Reader reader(blob.blob);
  const auto length = reader.be32("type");
  const auto type = length ? reader.take(*length, "type") : std::unexpected(length.error());
  if (!type) return 0;
  blob.type = as_text(*type);
  const auto subject = ssh_subject_key(blob);
  const auto read = parse_ssh_host_certificate(blob);
  if (!read) return 0;
  if (!subject || *subject != read->key) std::abort();
  if (read->principals.empty()) std::abort();
  for (const std::string& name : read->principals) {
    if (!is_ssh_principal(name)) std::abort();
  }
  return 0;
}
