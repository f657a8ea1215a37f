#include <string>

#include "evidence/tpm_wire_internal.h"

namespace attestd::tpm_wire {

Result<Bytes> sized(Reader& reader, std::size_t limit, std::string_view what) {
  const std::size_t at = reader.offset();
  ATTESTD_TRY(const std::uint16_t size, reader.be16(what));
  if (size > limit) {
    return fail_at(Errc::out_of_range, at, std::string(what) + " has " + std::to_string(size) + " bytes");
  }
  ATTESTD_TRY(const ByteView view, reader.take(size, what));
  return to_bytes(view);
}

}  // namespace attestd::tpm_wire
