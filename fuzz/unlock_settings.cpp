#include "unlock/settings.h"
#include "unlock/socket.h"

#include <cstdlib>
#include <span>

// The command line and the image's files, in any state; up to the first zero byte the one, then the other.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attestd;
  using namespace attestd::unlock;
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  const std::string_view first = text.substr(0, text.find('\0'));
  const std::string_view second = text.substr(std::min(first.size() + 1, text.size()));
  const auto settings = parse_settings(second, "fuzz", first);
  if (settings && settings->budget.count() <= 0) std::abort();
  const auto uuid = volume_uuid("root", first, second);
  if (uuid && uuid->find('/') != std::string::npos) std::abort();
  const auto volume = volume_of_address(text);
  if (volume && volume->find('/') != std::string::npos) std::abort();
  return 0;
}
