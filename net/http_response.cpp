#include "net/http_response.h"

#include <algorithm>
#include <array>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>
#include <ctime>

namespace attestd::net {
namespace {

namespace http = boost::beast::http;
using Parser = http::response_parser<http::string_body>;
using Message = http::response<http::string_body>;

constexpr int interim_limit = 8;                               // responses with status 1xx before the one that counts
constexpr std::size_t read_size = std::size_t{16} << 10U;      // bytes
constexpr std::size_t pending_limit = fetch_header_limit * 2;  // bytes that are not parsed yet

std::unexpected<Error> too_much(std::size_t limit, const char* what) {
  return fail(Errc::out_of_range, "sent more than the " + std::to_string(limit) + " bytes that " + what + " may have");
}

std::unexpected<Error> parse_error(const boost::system::error_code& why, std::size_t limit) {
  if (why == http::error::header_limit || why == http::error::buffer_overflow) {
    return too_much(fetch_header_limit, "its headers");
  }
  if (why == http::error::body_limit) return too_much(limit, "an answer");
  return fail(Errc::unavailable, why.message());
}

// In seconds or as a date (RFC 9110 section 10.2.3); zero for what is neither.
std::chrono::seconds retry_after(std::string_view value) {
  constexpr std::int64_t longest = std::int64_t{100} * 366 * 24 * 3600;
  std::int64_t seconds = 0;
  const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (code != std::errc() || end != value.data() + value.size()) {
    std::tm date{};
    const char* const rest = ::strptime(std::string(value).c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
    if (rest == nullptr) return std::chrono::seconds(0);
    seconds = ::timegm(&date) - std::time(nullptr);
  }
  return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, longest));
}

FetchResponse converted(Message from) {
  FetchResponse out;
  out.status = static_cast<long>(from.result_int());
  for (const auto& field : from) {
    std::string name(field.name_string());
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    out.headers.emplace_back(std::move(name), field.value());
  }
  out.content_type = out.header("content-type").value_or("");
  out.retry_after = retry_after(out.header("retry-after").value_or(""));
  out.body = std::move(from.body());
  return out;
}

// One response that follows a request. What comes behind it is nobody's: the connection is not used again.
class Reader {
 public:
  Reader(Stream& stream, std::size_t limit, Deadline deadline) : stream_(stream), limit_(limit), deadline_(deadline) {}

  // Those of status 1xx come before the one that counts (RFC 9110 section 15.2).
  Result<HttpResponse> final_response() {
    for (int i = 0; i < interim_limit; ++i) {
      ATTESTD_TRY(auto response, next_response());
      if (http::to_status_class(response.result_int()) == http::status_class::informational) continue;
      const bool reusable = response.keep_alive() && !response.need_eof() && pending_.empty();
      return HttpResponse{converted(std::move(response)), reusable};
    }
    return fail(Errc::unavailable, "one interim response after the other");
  }

 private:
  Result<Message> next_response() {
    Parser parser;
    parser.eager(true);
    parser.header_limit(fetch_header_limit);
    parser.body_limit(limit_);
    for (;;) {
      ATTESTD_CHECK(parse_pending(parser));
      if (parser.is_done()) return parser.release();
      std::array<char, read_size> chunk{};
      ATTESTD_TRY(const std::size_t count, stream_.read(chunk, deadline_));
      pending_.append(chunk.data(), count);
      if (count > 0) continue;
      if (!parser.got_some()) return fail(Errc::unavailable, "it gave no answer");
      boost::system::error_code why;
      parser.put_eof(why);
      if (why) return parse_error(why, limit_);
      return parser.release();
    }
  }

  Result<void> parse_pending(Parser& parser) {
    while (!pending_.empty() && !parser.is_done()) {
      boost::system::error_code why;
      const std::size_t used = parser.put(boost::asio::buffer(pending_), why);
      pending_.erase(0, used);
      if (why == http::error::need_more) break;
      if (why) return parse_error(why, limit_);
      if (used == 0) break;
    }
    if (pending_.size() > pending_limit) return too_much(fetch_header_limit, "its headers");
    return {};
  }

  Stream& stream_;
  std::size_t limit_;
  Deadline deadline_;
  std::string pending_;
};

}  // namespace

Result<HttpResponse> read_response(Stream& stream, std::size_t limit, Deadline deadline) {
  return Reader(stream, limit, deadline).final_response();
}

}  // namespace attestd::net
