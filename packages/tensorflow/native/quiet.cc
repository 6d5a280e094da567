// libtensorflow logs from its static constructors, before it looks at TF_CPP_MIN_LOG_LEVEL. Loaded before it with
// RTLD_GLOBAL, this addon takes the place of the function that abseil asks for the least severity to write, in every
// thread and whatever the environment. ABSL_NAMESPACE names abseil's release, which is part of its symbols; the build
// reads it from the library.
#include <node_api.h>

namespace absl {
namespace ABSL_NAMESPACE {
enum class LogSeverityAtLeast : int { kError = 2 };

__attribute__((visibility("default"))) LogSeverityAtLeast MinLogLevel() { return LogSeverityAtLeast::kError; }
}  // namespace ABSL_NAMESPACE
}  // namespace absl

NAPI_MODULE_INIT() { return exports; }
