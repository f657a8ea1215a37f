#include <algorithm>
#include <cstdlib>

#include "broker/seal.h"

// What is parsed is all of the input, in its order; what opens was sealed with our key for
// our context, so that its plaintext, sealed again, has the same size.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attestd;
  static const broker::Sealer sealer = [] {
    auto master = SecretBytes::make(broker::master_key_size).value();
    std::ranges::fill(master.writable(), std::byte{1});
    return broker::Sealer::from(std::move(master)).value();
  }();
  const ByteView blob = std::as_bytes(std::span(data, size));
  const auto parts = broker::parse_sealed_blob(blob);
  const broker::SealContext context{"resource", "default/key/1", 3};
  const auto opened = sealer.open(context, blob);
  if (!parts && opened) std::abort();
  if (!parts) return 0;
  const Bytes again = Writer().u8(1).raw(parts->key_id).raw(parts->nonce).raw(parts->ciphertext).raw(parts->tag).take();
  if (!std::ranges::equal(again, blob)) std::abort();
  if (opened && sealer.seal(context, opened->view()).value().size() != size) std::abort();
  return 0;
}
