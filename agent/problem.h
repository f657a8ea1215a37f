// What goes wrong for an asker. The list is in docs/api.md.
#pragma once

#include <string>

#include "base/result.h"
#include "net/problem.h"

namespace attestd::agent {

namespace problems {
using namespace attestd::problems;
inline constexpr ProblemKind malformed_json{"malformed-json", "The request body is not JSON", 400};
inline constexpr ProblemKind malformed_request{"malformed-request", "The request is not one we know", 400};
inline constexpr ProblemKind nonce_missing{"nonce-missing", "The request has no nonce", 400};
inline constexpr ProblemKind nonce_malformed{"nonce-malformed", "The nonce is not base64url", 400};
inline constexpr ProblemKind nonce_too_short{"nonce-too-short", "The nonce is too short", 400};
inline constexpr ProblemKind nonce_too_long{"nonce-too-long", "The nonce is too long", 400};
inline constexpr ProblemKind unknown_purpose{"unknown-purpose", "There is no such purpose", 400};
inline constexpr ProblemKind workload_malformed{"workload-malformed", "The workload's data cannot be used", 400};
inline constexpr ProblemKind activation_malformed{"activation-malformed", "The credential cannot be used", 400};
inline constexpr ProblemKind unlock_malformed{"unlock-malformed", "What is to be unlocked cannot be used", 400};
inline constexpr ProblemKind channel_malformed{"channel-malformed", "The channel cannot be used", 400};
inline constexpr ProblemKind not_permitted{"not-permitted", "The caller may not ask for this", 403};
inline constexpr ProblemKind no_hardware{"no-hardware", "There is no device that makes hardware reports", 503};
inline constexpr ProblemKind hardware_busy{"hardware-busy", "The report device is busy or throttled", 503, 1};
inline constexpr ProblemKind hardware_key_wiped{"hardware-key-wiped", "The report device lost its key", 503};
inline constexpr ProblemKind hardware_timed_out{"hardware-timed-out", "The report device does not answer", 503, 5};
inline constexpr ProblemKind hardware_failed{"hardware-failed", "The report device failed", 503, 5};
inline constexpr ProblemKind tpm_unavailable{"tpm-unavailable", "The TPM does not answer", 503, 5};
inline constexpr ProblemKind platform_failed{"platform-failed", "The platform's evidence cannot be had", 503, 5};
inline constexpr ProblemKind collection_failed{"collection-failed", "The machine's state cannot be read", 503, 5};
}  // namespace problems

// `where` is the device's path.
Problem hardware_problem(const Error& error, const std::string& where);
Problem tpm_problem(const Error& error, const std::string& where);
// Of what a cloud gives beside the quote: its report, quote, document.
Problem platform_problem(const Error& error);

}  // namespace attestd::agent
