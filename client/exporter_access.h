// What a scrape may ask the exporter for: it must be neither an open proxy nor a way to
// run commands or read files.
#pragma once

#include <regex.h>

#include <memory>
#include <string>
#include <string_view>

#include "client/source.h"

namespace attestd {

class ExporterAccess {
 public:
  // `policy_folder`: policies are its files NAME.toml. `targets_file`: one target a line,
  // "#" begins a comment; read anew each time; empty: none. `allow`: extended regular
  // expression (POSIX) that the whole of an https target must match; empty: any.
  // Errors: usage (no such folder, not an expression), and those of the targets' file.
  static Result<ExporterAccess> make(std::string policy_folder, std::string targets_file, const std::string& allow);

  // https targets that match, and whatever the operator's file lists, character by
  // character. Errors: refused, and those of parse_source().
  [[nodiscard]] Result<Source> target(std::string_view text) const;
  // The file of that name. Errors: usage (what cannot be a name), not_found.
  [[nodiscard]] Result<std::string> policy(std::string_view name) const;

 private:
  struct FreeExpression {
    void operator()(regex_t* expression) const;
  };
  ExporterAccess(std::string policy_folder, std::string targets_file)
      : policy_folder_(std::move(policy_folder)), targets_file_(std::move(targets_file)) {}
  [[nodiscard]] Result<bool> lists(std::string_view text) const;

  std::string policy_folder_;
  std::string targets_file_;
  std::unique_ptr<regex_t, FreeExpression> allow_;  // null: any
};

}  // namespace attestd
