#include <cstdlib>

#include "evidence/channel_json_internal.h"
#include "gateway/api_internal.h"

// What is passed on to attestd has our channel, and no purpose that is not the network's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attestd::net::TlsChannel channel{attestd::Bytes(32, std::byte{1}), attestd::Bytes(32, std::byte{2})};
  const auto body = attestd::gateway::with_channel(attestd::as_text(std::as_bytes(std::span(data, size))), channel);
  if (!body) return 0;
  const auto value = attestd::parse_json(*body);
  if (!value) std::abort();
  const auto members = attestd::JsonMembers::of(*value, "request");
  if (!members || members->find("channel") == nullptr) std::abort();
  const auto of_channel = attestd::JsonMembers::of(*members->find("channel"), "channel");
  if (!of_channel) std::abort();
  const auto stated = attestd::decode_channel(*of_channel);
  if (!stated || stated->tls_spki_sha256 != channel.spki_sha256 || stated->tls_exporter != channel.exporter)
    std::abort();
  const auto* const purpose = members->find("purpose");
  if (purpose != nullptr && purpose->is_string() && purpose->get_string() == "unlock") std::abort();
  return 0;
}
