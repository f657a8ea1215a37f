// A cloud's metadata service on loopback: plain HTTP, one request a connection, and
// as hostile as it is told to be.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace attestd::sim {

enum class MetadataFault { none, absent, garbage, huge, silent, redirect, busy };
// "none", "absent" (404), "garbage", "huge" (100 MB), "silent" (no answer), "redirect", "busy" (429).
std::optional<MetadataFault> metadata_fault_from_name(std::string_view name);

struct MetadataRequest {
  std::string method;  // "GET"
  std::string path;
  std::string body;
};
// The body of a 200, or nothing for a 404. Called on the server's thread.
using MetadataHandler = std::function<std::optional<std::string>(const MetadataRequest&)>;

class MetadataServer {
 public:
  // Listens on a free port of 127.0.0.1. Errors: io.
  static Result<std::unique_ptr<MetadataServer>> start(MetadataHandler handler);
  virtual ~MetadataServer() = default;                // ends it
  [[nodiscard]] virtual std::string url() const = 0;  // "http://127.0.0.1:PORT"
  virtual void set_fault(MetadataFault fault) = 0;
  [[nodiscard]] virtual std::uint64_t answered() const = 0;
};

}  // namespace attestd::sim
