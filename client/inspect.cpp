#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/text.h"
#include "client/commands.h"
#include "client/describe.h"
#include "client/input.h"
#include "evidence/bundle.h"

namespace attestd {

Result<int> run_inspect(const CommonOptions& common, const InspectOptions& options) {
  std::optional<EvidenceType> type;
  if (!options.type.empty()) {
    type = evidence_type_from_name(options.type);
    if (!type) return fail(Errc::usage, "--type " + options.type + " is none of " + joined(evidence_type_names()));
  }
  ATTESTD_TRY(const Bytes bytes, read_input(options.file, bundle_max_size));
  if (!type) type = detect_evidence_type(bytes);
  if (!type) {
    return fail(Errc::unsupported, options.file + " has no format that is known here: name one with --type (" +
                                       joined(evidence_type_names()) + ") to see what is wrong with it");
  }
  const auto describe_as_asked = [&]() -> Result<std::string> {
    if (!common.json) return describe_text(*type, bytes, use_colour(common.colour));
    ATTESTD_TRY(const boost::json::value value, describe(*type, bytes));
    return printable_json(boost::json::serialize(value)) + "\n";
  };
  const auto text = describe_as_asked();
  if (!text) {
    return std::unexpected(Error(text.error()).in(options.file + " as " + std::string(evidence_type_name(*type))));
  }
  ATTESTD_CHECK(print(*text));
  return 0;
}

}  // namespace attestd
