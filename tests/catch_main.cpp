// Catch2's main, compiled once for all suites. Version 3 brings its own.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_session.hpp>
int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ATTESTD_LEAKS_ARE_LOOKED_FOR
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ATTESTD_LEAKS_ARE_LOOKED_FOR
#endif

#ifdef ATTESTD_LEAKS_ARE_LOOKED_FOR
#include <dlfcn.h>

// The swtpm TCTI of tpm2-tss 3.2 loses its copy of the configuration when nobody
// listens. It stays loaded, so that the leak can be told from ours by its module.
extern "C" const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier): LeakSanitizer's name
extern "C" const char* __lsan_default_suppressions() { return "leak:libtss2-tcti-swtpm\n"; }

namespace {
[[maybe_unused]] const void* const swtpm_tcti = ::dlopen("libtss2-tcti-swtpm.so.0", RTLD_NOW | RTLD_NODELETE);
}
#endif
