#include "daemon/server_program.h"

#include <CLI/CLI.hpp>
#include <exception>

#include <config.h>

namespace attestd::daemon {

int tell(const Error& error, const Event& event, int status) {
  journal(Priority::error, event, error.text());
  return status;
}

int run_program(const Program& program, int argc, char** argv) {
  try {
    CLI::App app(program.description, program.name);
    std::string config_path = program.config_path;
    bool check_only = false;
    app.add_option("--config", config_path, "Configuration file; defaults apply when it is not there")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_flag("--check-config", check_only,
                 "Read the configuration and the certificate that it names, say what is wrong, and exit");
    app.set_version_flag("--version", program.name + " " ATTESTD_VERSION);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app.exit(error) == 0 ? 0 : exit_usage;
    }
    return program.run(config_path, check_only);
  } catch (const std::exception& exception) {
    std::fputs((program.name + ": " + exception.what() + "\n").c_str(), stderr);
    return exit_failed;
  }
}

}  // namespace attestd::daemon
