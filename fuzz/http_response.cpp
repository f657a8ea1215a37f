// A response of HTTP/1.1, in pieces as a network has them: the first byte of the input says how large these are.
#include "net/http_response.h"

#include <algorithm>
#include <cstdlib>

namespace {

using namespace attestd;

class Pieces : public net::Stream {
 public:
  Pieces(std::string_view bytes, std::size_t piece) : left_(bytes), piece_(piece) {}
  Result<void> write(std::string_view, net::Deadline) override { return {}; }
  Result<std::size_t> read(std::span<char> into, net::Deadline) override {
    const std::size_t count = std::min({into.size(), piece_, left_.size()});
    std::ranges::copy(left_.substr(0, count), into.begin());
    left_.remove_prefix(count);
    return count;
  }
  [[nodiscard]] bool quiet() const override { return left_.empty(); }

 private:
  std::string_view left_;
  std::size_t piece_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t limit = 4096;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto response_in = [&](std::size_t piece) {
    Pieces stream(bytes, piece);
    return net::read_response(stream, limit, {});
  };
  const auto whole = response_in(bytes.size() + 1);
  const auto pieces = response_in(data[0] + std::size_t{1});
  // What is understood does not depend on how it came; what is refused, and as what, may where it is too long.
  if (whole && pieces &&
      (whole->response.status != pieces->response.status || whole->response.body != pieces->response.body ||
       whole->response.headers != pieces->response.headers))
    std::abort();
  if (whole && (whole->response.body.size() > limit || (whole->response.status >= 100 && whole->response.status < 200)))
    std::abort();
  return 0;
}
