// A probe as a page of OpenMetrics. The families are listed in docs/monitoring.md.
#pragma once

#include <string>

#include "client/probe.h"

namespace attestd {

std::string render_probe(const ProbeResult& result);

}  // namespace attestd
