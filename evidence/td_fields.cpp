#include "evidence/td_fields.h"

namespace attestd {

Result<void> take_tee_tcb_fields(Reader& reader, TeeTcbFields& out) {
  ATTESTD_TRY(out.tee_tcb_svn, reader.fixed<16>("TEE TCB SVN"));
  ATTESTD_TRY(out.mrseam, reader.fixed<48>("MRSEAM"));
  ATTESTD_TRY(out.mrsignerseam, reader.fixed<48>("MRSIGNERSEAM"));
  ATTESTD_TRY(out.seam_attributes, reader.le64("SEAM attributes"));
  return {};
}

Result<void> take_td_info_fields(Reader& reader, TdInfoFields& out) {
  ATTESTD_TRY(out.td_attributes.raw, reader.le64("TD attributes"));
  ATTESTD_TRY(out.xfam, reader.le64("XFAM"));
  ATTESTD_TRY(out.mrtd, reader.fixed<48>("MRTD"));
  ATTESTD_TRY(out.mrconfigid, reader.fixed<48>("MRCONFIGID"));
  ATTESTD_TRY(out.mrowner, reader.fixed<48>("MROWNER"));
  ATTESTD_TRY(out.mrownerconfig, reader.fixed<48>("MROWNERCONFIG"));
  for (auto& rtmr : out.rtmrs) {
    ATTESTD_TRY(rtmr, reader.fixed<48>("RTMR"));
  }
  return {};
}

void put_tee_tcb_fields(Writer& writer, const TeeTcbFields& fields) {
  writer.raw(fields.tee_tcb_svn).raw(fields.mrseam).raw(fields.mrsignerseam).le64(fields.seam_attributes);
}

void put_td_info_fields(Writer& writer, const TdInfoFields& fields) {
  writer.le64(fields.td_attributes.raw).le64(fields.xfam);
  writer.raw(fields.mrtd).raw(fields.mrconfigid).raw(fields.mrowner).raw(fields.mrownerconfig);
  for (const auto& rtmr : fields.rtmrs) writer.raw(rtmr);
}

}  // namespace attestd
