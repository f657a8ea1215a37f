// Whom the agent asks on Azure beside the vTPM: [azure] of attestd.toml.
#pragma once

#include <chrono>
#include <string>

namespace attestd::agent {

struct AzureOptions {
  // Link-local and plain HTTP, so anything between is the host: its answers are
  // limited in bytes and time, redirects are refused, proxies are not asked.
  std::string metadata_service = "http://169.254.169.254";
  std::chrono::milliseconds timeout{4000};  // of each exchange, from connecting to the last byte
  // Base URL of AMD's key service, asked for a VCEK that the metadata service does
  // not give; empty: nobody is.
  std::string key_service;
  // Whether requests are written to the vTPM's user data index, so that the paravisor
  // asks the hardware for a report with them.
  bool user_data = true;
};

}  // namespace attestd::agent
