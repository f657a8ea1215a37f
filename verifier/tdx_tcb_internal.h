// Which TCB a platform has, by Intel's collateral. Pure functions: signatures and
// times are judged elsewhere. For .cpp files only.
#pragma once

#include "evidence/dcap_collateral.h"
#include "evidence/pck_extensions.h"
#include "evidence/td_quote.h"

namespace attestd {

// The worse of both, as Intel converges a platform's status with that of its TDX
// module and of its QE: what either needs, both need.
TcbStatus converge(TcbStatus a, TcbStatus b);

// PCS API version 4, "Get TDX TCB Info", steps 1 to 4 of determining the status.
// Error: not_found, no level is for this platform.
Result<TcbVerdict> find_platform_level(const TdxTcbInfo& info, const PckExtensions& pck, const TdQuoteBody& body);

// Is the TDX module Intel's? Modules of version 0 are described by the TCB info
// itself, others (byte 1 of the TEE TCB SVN) by an identity of their own. Errors:
// mismatch, not_found.
Result<void> check_tdx_module(const TdxTcbInfo& info, const TdQuoteBody& body);
// The module's own level, when modules of its version have levels. Error: not_found.
Result<std::optional<TcbVerdict>> find_module_level(const TdxTcbInfo& info, const TdQuoteBody& body);

// Is the QE Intel's, and what is its status? Errors: mismatch, not_found.
Result<TcbVerdict> judge_qe(const TdxQeIdentity& identity, const SgxReportBody& report);

}  // namespace attestd
