// libtensorflow logs from its static constructors, before it reads TF_CPP_MIN_LOG_LEVEL. This addon is loaded first,
// with RTLD_GLOBAL, and replaces the function that returns abseil's minimum log severity, in every thread and
// regardless of the environment. ABSL_NAMESPACE is the release of abseil, which is part of its symbols; the build reads
// it from the library.
#include <node_api.h>

namespace absl {
namespace ABSL_NAMESPACE {
enum class LogSeverityAtLeast : int { kError = 2 };

__attribute__((visibility("default"))) LogSeverityAtLeast MinLogLevel() { return LogSeverityAtLeast::kError; }
}  // namespace ABSL_NAMESPACE
}  // namespace absl

NAPI_MODULE_INIT() { return exports; }
