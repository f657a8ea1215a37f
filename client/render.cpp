#include "client/render.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/terminal.h"
#include "base/text.h"

namespace attestd {
namespace {

namespace json = boost::json;

std::string scalar(const json::value& value) {
  if (value.is_string()) return value.get_string().empty() ? "\"\"" : printable(std::string_view(value.get_string()));
  if (value.is_null()) return "-";
  return json::serialize(value);
}

bool is_scalar(const json::value& value) { return !value.is_object() && !value.is_array(); }

class Renderer {
 public:
  explicit Renderer(bool colour) : colour_(colour) {}

  void object(const json::object& object, std::size_t depth, bool in_list = false) {
    std::size_t width = 0;
    for (const auto& member : object) {
      if (is_scalar(member.value())) width = std::max(width, member.key().size());
    }
    bool first = true;
    for (const auto& member : object) {
      // The first member of a list's object follows the dash.
      if (!(in_list && first)) out_.append(depth * 2, ' ');
      first = false;
      name(member.key());
      if (is_scalar(member.value())) {
        out_.append(width + 2 - std::min(width, member.key().size()), ' ');
        out_ += scalar(member.value()) + "\n";
      } else {
        nested(member.value(), depth + 1);
      }
    }
  }

  std::string take() && { return std::move(out_); }

  void nested(const json::value& value, std::size_t depth) {
    if (const auto* const members = value.if_object()) {
      out_ += members->empty() ? "  none\n" : "\n";
      object(*members, depth);
      return;
    }
    const json::array& items = value.get_array();
    out_ += items.empty() ? "  none\n" : "\n";
    for (const json::value& item : items) {
      out_.append(depth * 2, ' ');
      out_ += "- ";
      if (is_scalar(item)) {
        out_ += scalar(item) + "\n";
      } else if (const auto* const members = item.if_object(); members != nullptr && !members->empty()) {
        object(*members, depth + 1, true);
      } else {
        out_ += json::serialize(item) + "\n";
      }
    }
  }

 private:
  void name(std::string_view key) {
    constexpr std::string_view faint = "2";
    out_ += painted(printable(key), faint, colour_);
  }

  std::string out_;
  bool colour_;
};

}  // namespace

std::string render(const json::value& value, bool colour) {
  Renderer renderer(colour);
  if (const auto* const members = value.if_object()) {
    renderer.object(*members, 0);
  } else if (is_scalar(value)) {
    return scalar(value) + "\n";
  } else {
    renderer.nested(value, 0);
  }
  return std::move(renderer).take();
}

}  // namespace attestd
