// Parts of luks/validate.h. For its .cpp files only.
#pragma once

#include "luks/validate.h"

namespace attestd::luks {

using Objections = std::vector<Objection>;

inline void object(Objections& out, std::string_view code, std::string text) {
  out.push_back({std::string(code), std::move(text)});
}

// Names no key, or one that shows patterns of the plain text, whatever is around it:
// "cipher_null-ecb", "null", "capi:ecb(cipher_null)-plain".
bool hopeless_cipher(std::string_view encryption);

void check_keyslot(const Keyslot& slot, const KdfRule& rule, Objections& out);
// `data` must be bound to one digest, all keyslots to the same.
void check_digests(const Header& header, const Segment& data, Objections& out);

}  // namespace attestd::luks
