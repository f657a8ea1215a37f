#include <algorithm>
#include <boost/json/value.hpp>
#include <string>

#include "base/encoding.h"
#include "base/hex_number.h"
#include "client/describe.h"
#include "client/render.h"
#include "evidence/ccel.h"
#include "evidence/cel.h"
#include "evidence/event_facts.h"
#include "evidence/event_json_internal.h"
#include "evidence/event_log_text_internal.h"
#include "evidence/json_internal.h"
#include "evidence/json_strict.h"
#include "evidence/td_json_internal.h"
#include "evidence/td_quote.h"
#include "evidence/td_report.h"

namespace attestd {
namespace {

namespace json = boost::json;

// JSON as it stands in the log; the parser has checked it.
json::value reparsed(const std::string& text) {
  auto value = parse_json(text);
  return value ? *std::move(value) : json::value(nullptr);
}

}  // namespace

Result<json::value> describe_td_quote(ByteView bytes) {
  ATTESTD_TRY(const TdQuote quote, parse_td_quote(bytes));
  json::object out{{"type", "td-quote"},
                   {"version", quote.version},
                   {"attestation_key_type", "ecdsa-p256"},
                   {"qe_vendor_id", to_hex(quote.qe_vendor_id)},
                   {"user_data", to_hex(quote.user_data)},
                   {"body_type", quote.body.type == TdBodyType::td_15 ? "TD 1.5" : "TD 1.0"},
                   {"body", td_body_to_json(quote.body)},
                   {"signature", to_hex(quote.signature)},
                   {"attestation_key", to_hex(quote.attestation_key)}};
  ATTESTD_TRY(const SgxReportBody report, parse_sgx_report_body(quote.qe_report));
  json::object enclave{{"cpusvn", to_hex(report.cpusvn)},
                       {"miscselect", report.miscselect},
                       {"attributes", to_hex(report.attributes)},
                       {"mrenclave", to_hex(report.mrenclave)},
                       {"mrsigner", to_hex(report.mrsigner)},
                       {"isvprodid", report.isvprodid},
                       {"isvsvn", report.isvsvn},
                       {"report_data", to_hex(report.report_data)},
                       {"signature", to_hex(quote.qe_report_signature)}};
  out["qe_report"] = std::move(enclave);
  out["qe_authentication_data"] = to_hex(quote.qe_authentication_data);
  // The chain is the host's text: what is no certificate is only counted.
  if (auto chain = describe_certificates(quote.pck_chain)) {
    out["pck_chain"] = chain->as_object()["certificates"];
  } else {
    out["pck_chain_bytes"] = quote.pck_chain.size();
  }
  out["trailing_bytes"] = quote.trailing.size();
  return out;
}

Result<json::value> describe_td_report(ByteView bytes) {
  ATTESTD_TRY(const TdReport report, parse_td_report(bytes));
  const bool with_service_td = report.version != 0;
  json::object out{{"type", "td-report"}, {"version", report.version}, {"cpusvn", to_hex(report.cpusvn)}};
  for (const auto& member :
       td_body_to_json(td_quote_body(report, with_service_td ? TdBodyType::td_15 : TdBodyType::td_10))) {
    out.insert(member);
  }
  out["valid"] = hex_number(report.valid);
  out["tee_tcb_info_digest"] = to_hex(report.tee_tcb_info_digest);
  out["tee_info_digest"] = to_hex(report.tee_info_digest);
  const auto checked = check_td_report_digests(bytes);
  out["digests_match"] = checked.has_value();
  out["mac"] = to_hex(report.mac);
  return out;
}

Result<json::value> describe_ccel_table(ByteView bytes) {
  ATTESTD_TRY(const CcelTable table, parse_ccel_table(bytes));
  return json::object{{"type", "ccel-table"},
                      {"revision", table.revision},
                      {"oem_id", to_valid_utf8(as_text(table.oem_id))},
                      {"oem_table_id", to_valid_utf8(as_text(table.oem_table_id))},
                      {"cc_type", table.cc_type == cc_type_tdx ? json::value("tdx") : json::value(table.cc_type)},
                      {"cc_subtype", table.cc_subtype},
                      {"log_area_minimum_length", table.log_area_minimum_length},
                      {"log_area_start_address", hex_number(table.log_area_start_address)}};
}

Result<json::value> describe_cc_event_log(ByteView bytes) {
  ATTESTD_TRY(const EventLog log, parse_cc_event_log(bytes));
  json::array events;
  for (const Event& event : log.events) {
    events.emplace_back(event_to_json(event, {"register", json::value(cc_register_name(event.register_index))}));
  }
  const auto secure_boot = cc_measured_secure_boot(log);
  return json::object{{"type", "cc-event-log"},
                      {"padding", log.padding},
                      {"events", std::move(events)},
                      {"secure_boot", secure_boot ? json::value(*secure_boot) : json::value(nullptr)},
                      {"rtmrs", rtmrs_to_json(replay_rtmrs(log))}};
}

Result<std::string> describe_cc_event_log_text(ByteView bytes) {
  ATTESTD_TRY(const EventLog log, parse_cc_event_log(bytes));
  std::string out = "CC event log, " + std::to_string(log.events.size()) + " events";
  if (log.padding != 0) out += ", " + std::to_string(log.padding) + " bytes of padding";
  out += "\n";
  for (const Event& event : log.events) out += event_to_text(event, cc_register_name(event.register_index));
  const auto secure_boot = cc_measured_secure_boot(log);
  out += std::string("Secure Boot: ") +
         (!secure_boot   ? "not to be told from RTMR0"
          : *secure_boot ? "on"
                         : "off") +
         "\n";
  out += "Replay:\n";
  unsigned index = 0;
  for (const auto& value : replay_rtmrs(log)) out += "  RTMR" + std::to_string(index++) + " " + to_hex(value) + "\n";
  return out;
}

Result<json::value> describe_cel(ByteView bytes) {
  ATTESTD_TRY(const std::vector<CelRecord> log, parse_cel(bytes));
  json::array records;
  for (const CelRecord& record : log) {
    json::object out;
    if (record.record_number) out["record_number"] = *record.record_number;
    out["register"] = cel_register_name(record.register_kind, record.register_index);
    out["digests"] = digests_to_json(record.digests);
    out["content_type"] = to_valid_utf8(record.content_name);
    if (!record.content_json.empty()) out["content"] = reparsed(record.content_json);
    if (!record.content.empty()) out["content"] = to_hex(record.content);
    if (const auto plain = event_text(record.content)) out["text"] = *plain;
    records.emplace_back(std::move(out));
  }
  return json::object{{"type", "cel"}, {"records", std::move(records)}};
}

}  // namespace attestd
