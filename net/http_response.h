// The response of one HTTP/1.1 exchange, from a peer that is not believed.
#pragma once

#include "net/fetch.h"
#include "net/stream.h"

namespace attestd::net {

struct HttpResponse {
  FetchResponse response;
  bool reusable = false;  // another request may follow on the connection
};

// `limit`: bytes of the body. Headers have fetch_header_limit together. Interim responses (1xx) are left out.
// Errors, whose sentences go on from the peer's name: out_of_range ("sent more than …"); and for others
// to put a name before: timed_out, unavailable (also what is no HTTP, or ends early).
Result<HttpResponse> read_response(Stream& stream, std::size_t limit, Deadline deadline);

}  // namespace attestd::net
