// What the two halves of configfs-tsm share.
#pragma once

#include <cstddef>
#include <string_view>

namespace attestd::hwio {

inline constexpr std::string_view tsm_entry_prefix = "attestd-";  // then the process id, "-", a counter

// Bytes. Linux 6.7 limits both blobs to 32 KiB, later kernels auxblob to more.
inline constexpr std::size_t tsm_outblob_limit = std::size_t{64} << 10U;
inline constexpr std::size_t tsm_auxblob_limit = std::size_t{256} << 10U;
inline constexpr std::size_t tsm_text_limit = 4096;

constexpr std::size_t tsm_attribute_limit(std::string_view attribute) {
  if (attribute == "outblob") return tsm_outblob_limit;
  if (attribute == "manifestblob") return tsm_outblob_limit;
  if (attribute == "auxblob") return tsm_auxblob_limit;
  return tsm_text_limit;
}

}  // namespace attestd::hwio
