// AttestationReport of the sev crate, as serde writes it: field by field what AMD 56860
// table 23 has, in two shapes.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "evidence/snp_report.h"
#include "kbs/evidence_internal.h"

namespace attestd::kbs {
namespace json = boost::json;
namespace {

constexpr std::uint64_t u8_max = 0xff;
constexpr std::uint64_t u32_max = 0xffffffff;
constexpr std::uint64_t u64_max = ~std::uint64_t{0};
constexpr std::size_t signature_reserved = 368;  // bytes of 512, behind R and S

// Takes members in the order of the report and appends their bytes; after the first
// error it does nothing more.
class ReportReader {
 public:
  explicit ReportReader(const JsonMembers& members) : members_(&members) {}

  ReportReader& u8(std::string_view name) {
    const std::uint64_t value = number(name, u8_max);
    out_.u8(static_cast<std::uint8_t>(value));
    return *this;
  }
  ReportReader& le32(std::string_view name) {
    out_.le32(static_cast<std::uint32_t>(number(name, u32_max)));
    return *this;
  }
  ReportReader& le64(std::string_view name) {
    out_.le64(number(name, u64_max));
    return *this;
  }
  ReportReader& array(std::string_view name, std::size_t size) {
    if (!error_) keep(array_member(*members_, name, size, size), [&](const Bytes& bytes) { out_.raw(bytes); });
    return *this;
  }
  ReportReader& zeros(std::size_t count) {
    out_.zeros(count);
    return *this;
  }
  // Members of a struct inside: TCB versions, firmware versions, the signature.
  template <class Read>
  ReportReader& inside(std::string_view name, Read read) {
    if (error_) return *this;
    keep(members_->member(name), [&](const json::value* value) {
      keep(JsonMembers::of(*value, members_->place(name)), [&](const JsonMembers& inner) {
        ReportReader reader(inner);
        read(reader);
        if (reader.error_) error_ = std::move(reader.error_);
        out_.raw(reader.out_.bytes());
      });
    });
    return *this;
  }
  // What an older version of the report does not have is null or absent.
  ReportReader& optional(std::string_view name, bool may_be, std::size_t size) {
    if (error_) return *this;
    if (!has_value(*members_, name)) return zeros(size);
    if (!may_be) {
      error_ = fail(Errc::malformed, members_->place(name) + " is in a report whose version has none").error();
      return *this;
    }
    return size == 1 ? u8(name) : le64(name);
  }

  [[nodiscard]] bool has(std::string_view name) const { return has_value(*members_, name); }
  Result<Bytes> take() {
    if (error_) return std::unexpected(*std::move(error_));
    return out_.take();
  }

 private:
  template <class T, class Use>
  void keep(Result<T> result, Use use) {
    if (result) {
      use(*result);
    } else {
      error_ = std::move(result).error();
    }
  }
  std::uint64_t number(std::string_view name, std::uint64_t high) {
    std::uint64_t out = 0;
    if (!error_) keep(members_->unsigned_integer(name, high), [&](std::uint64_t value) { out = value; });
    return out;
  }

  const JsonMembers* members_;
  Writer out_;
  std::optional<Error> error_;
};

// TCB_VERSION as it lies in memory: four bytes that only Turin uses are "_reserved".
void take_tcb_in_memory(ReportReader& tcb) {
  tcb.u8("bootloader").u8("tee").array("_reserved", 4).u8("snp").u8("microcode");
}

// Decoded: "fmc" says that it is Turin's (56860 section 2.2, table 4).
void take_tcb(ReportReader& tcb) {
  if (tcb.has("fmc")) {
    tcb.u8("fmc").u8("bootloader").u8("tee").u8("snp").zeros(3).u8("microcode");
  } else {
    tcb.u8("bootloader").u8("tee").zeros(4).u8("snp").u8("microcode");
  }
}

void take_identity(ReportReader& report) {
  report.le32("version").le32("guest_svn").le64("policy").array("family_id", 16).array("image_id", 16);
  report.le32("vmpl").le32("sig_algo");
}

void take_measurements(ReportReader& report) {
  report.array("report_data", 64).array("measurement", 48).array("host_data", 32);
  report.array("id_key_digest", 48).array("author_key_digest", 48).array("report_id", 32).array("report_id_ma", 32);
}

Result<Bytes> from_memory(const JsonMembers& members) {
  ReportReader report(members);
  take_identity(report);
  report.inside("current_tcb", take_tcb_in_memory).le64("plat_info").le32("_author_key_en").le32("_reserved_0");
  take_measurements(report);
  report.inside("reported_tcb", take_tcb_in_memory).array("_reserved_1", 24).array("chip_id", 64);
  report.inside("committed_tcb", take_tcb_in_memory);
  report.u8("current_build").u8("current_minor").u8("current_major").u8("_reserved_2");
  report.u8("committed_build").u8("committed_minor").u8("committed_major").u8("_reserved_3");
  report.inside("launch_tcb", take_tcb_in_memory).array("_reserved_4", 168);
  report.inside("signature", [](ReportReader& signature) {
    signature.array("r", 72).array("s", 72).array("_reserved", signature_reserved);
  });
  return report.take();
}

Result<Bytes> from_decoded(const JsonMembers& members) {
  ATTESTD_TRY(const std::uint64_t version, members.unsigned_integer("version", u32_max));
  const auto take_firmware = [](ReportReader& firmware) { firmware.u8("build").u8("minor").u8("major").zeros(1); };
  ReportReader report(members);
  take_identity(report);
  report.inside("current_tcb", take_tcb).le64("plat_info").le32("key_info").zeros(4);
  take_measurements(report);
  report.inside("reported_tcb", take_tcb);
  for (const char* const name : {"cpuid_fam_id", "cpuid_mod_id", "cpuid_step"}) report.optional(name, version >= 3, 1);
  report.zeros(21).array("chip_id", 64).inside("committed_tcb", take_tcb);
  report.inside("current", take_firmware).inside("committed", take_firmware).inside("launch_tcb", take_tcb);
  for (const char* const name : {"launch_mit_vector", "current_mit_vector"}) report.optional(name, version >= 5, 8);
  report.zeros(152);
  report.inside("signature",
                [](ReportReader& signature) { signature.array("r", 72).array("s", 72).zeros(signature_reserved); });
  return report.take();
}

json::object tcb_to_memory(ByteView tcb) {
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(tcb[i]); };
  return {{"bootloader", at(0)},
          {"tee", at(1)},
          {"_reserved", array_of_bytes(tcb.subspan(2, 4))},
          {"snp", at(6)},
          {"microcode", at(7)}};
}

json::object tcb_to_json(std::uint64_t raw, SnpProduct product) {
  const SnpTcb tcb = decode_snp_tcb(raw, product);
  return {{"fmc", tcb.fmc ? json::value(*tcb.fmc) : json::value()},
          {"bootloader", tcb.bootloader},
          {"tee", tcb.tee},
          {"snp", tcb.snp},
          {"microcode", tcb.microcode}};
}

void put_identity(json::object& out, const SnpReport& report) {
  out["version"] = report.version;
  out["guest_svn"] = report.guest_svn;
  out["policy"] = report.policy.raw;
  out["family_id"] = array_of_bytes(report.family_id);
  out["image_id"] = array_of_bytes(report.image_id);
  out["vmpl"] = report.vmpl;
  out["sig_algo"] = report.signature_algorithm;
}

void put_measurements(json::object& out, const SnpReport& report) {
  out["report_data"] = array_of_bytes(report.report_data);
  out["measurement"] = array_of_bytes(report.measurement);
  out["host_data"] = array_of_bytes(report.host_data);
  out["id_key_digest"] = array_of_bytes(report.id_key_digest);
  out["author_key_digest"] = array_of_bytes(report.author_key_digest);
  out["report_id"] = array_of_bytes(report.report_id);
  out["report_id_ma"] = array_of_bytes(report.report_id_ma);
}

// Where sev cuts the report; what its struct has no field for it reads as reserved.
json::object to_memory(const SnpReport& report, ByteView raw) {
  const auto byte = [&](std::size_t at) { return std::to_integer<unsigned>(raw[at]); };
  const auto bytes = [&](std::size_t at, std::size_t size) { return array_of_bytes(raw.subspan(at, size)); };
  const auto tcb = [&](std::size_t at) { return tcb_to_memory(raw.subspan(at, 8)); };
  json::object out;
  put_identity(out, report);
  out["current_tcb"] = tcb(0x38);
  out["plat_info"] = report.platform_info;
  out["_author_key_en"] = report.key_flags;
  out["_reserved_0"] = 0;
  put_measurements(out, report);
  out["reported_tcb"] = tcb(0x180);
  out["_reserved_1"] = bytes(0x188, 24);
  out["chip_id"] = array_of_bytes(report.chip_id);
  out["committed_tcb"] = tcb(0x1e0);
  out["current_build"] = byte(0x1e8);
  out["current_minor"] = byte(0x1e9);
  out["current_major"] = byte(0x1ea);
  out["_reserved_2"] = byte(0x1eb);
  out["committed_build"] = byte(0x1ec);
  out["committed_minor"] = byte(0x1ed);
  out["committed_major"] = byte(0x1ee);
  out["_reserved_3"] = byte(0x1ef);
  out["launch_tcb"] = tcb(0x1f0);
  out["_reserved_4"] = bytes(0x1f8, 168);
  out["signature"] = json::object{{"r", array_of_bytes(report.signature_r)},
                                  {"s", array_of_bytes(report.signature_s)},
                                  {"_reserved", bytes(0x330, signature_reserved)}};
  return out;
}

json::object to_decoded(const SnpReport& report, SnpProduct product) {
  const auto firmware = [](const SnpFirmwareVersion& version) {
    return json::object{{"major", version.major}, {"minor", version.minor}, {"build", version.build}};
  };
  const auto since = [&](std::uint32_t version, std::uint64_t value) {
    return report.version >= version ? json::value(value) : json::value();
  };
  json::object out;
  put_identity(out, report);
  out["current_tcb"] = tcb_to_json(report.current_tcb, product);
  out["plat_info"] = report.platform_info;
  out["key_info"] = report.key_flags;
  put_measurements(out, report);
  out["reported_tcb"] = tcb_to_json(report.reported_tcb, product);
  out["cpuid_fam_id"] = since(3, report.cpuid_family);
  out["cpuid_mod_id"] = since(3, report.cpuid_model);
  out["cpuid_step"] = since(3, report.cpuid_stepping);
  out["chip_id"] = array_of_bytes(report.chip_id);
  out["committed_tcb"] = tcb_to_json(report.committed_tcb, product);
  out["current"] = firmware(report.current_firmware);
  out["committed"] = firmware(report.committed_firmware);
  out["launch_tcb"] = tcb_to_json(report.launch_tcb, product);
  out["launch_mit_vector"] = since(5, report.launch_mitigations);
  out["current_mit_vector"] = since(5, report.current_mitigations);
  out["signature"] = json::object{{"r", array_of_bytes(report.signature_r)}, {"s", array_of_bytes(report.signature_s)}};
  return out;
}

// As sev guesses it where a report has no CPUID: Turin's chip IDs are of 8 bytes.
Result<SnpProduct> product_of(const SnpReport& report) {
  if (report.version >= 3) {
    if (const auto product = report.product()) return *product;
    return fail(Errc::unsupported, "the report is of a processor line that is not known");
  }
  if (all_zero(report.chip_id)) return fail(Errc::unsupported, "the report does not show its chip's ID");
  return all_zero(ByteView(report.chip_id).subspan(8)) ? SnpProduct::turin : SnpProduct::genoa;
}

}  // namespace

Result<Bytes> report_from_json(const JsonMembers& members) {
  ATTESTD_TRY(const json::value* const value, members.member("attestation_report"));
  ATTESTD_TRY(const JsonMembers report, JsonMembers::of(*value, members.place("attestation_report")));
  const bool in_memory = report.find("_author_key_en") != nullptr;
  if (in_memory && report.find("key_info") != nullptr) {
    return fail(Errc::unsupported, members.place("attestation_report") + " is of two serializations at once");
  }
  return in_memory ? from_memory(report) : from_decoded(report);
}

Result<json::object> report_to_json(ByteView raw, SnpSerialization serialization) {
  ATTESTD_TRY(const SnpReport report, parse_snp_report(raw));
  if (serialization == SnpSerialization::in_memory) return to_memory(report, raw);
  ATTESTD_TRY(const SnpProduct product, product_of(report));
  return to_decoded(report, product);
}

}  // namespace attestd::kbs
