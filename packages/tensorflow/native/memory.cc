// Memory functions of the system that Node lacks: mmap(2) of a part of a file, and madvise(2) for huge pages.
#include <node_api.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

// Added in Linux 6.1; the headers may be older.
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

namespace {

constexpr uintptr_t kHugePage = 2 << 20;

napi_value Fail(napi_env env, const char* reason) {
  napi_throw_error(env, nullptr, reason);
  return nullptr;
}

void Unmap(napi_env, void* memory, void* size) { munmap(memory, reinterpret_cast<size_t>(size)); }

// mapFile(descriptor, position, byteLength)
napi_value MapFile(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  size_t count = 3;
  int32_t descriptor = -1;
  int64_t position = 0;
  int64_t size = 0;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok || count != 3 ||
      napi_get_value_int32(env, arguments[0], &descriptor) != napi_ok ||
      napi_get_value_int64(env, arguments[1], &position) != napi_ok ||
      napi_get_value_int64(env, arguments[2], &size) != napi_ok || position < 0 || size <= 0) {
    return Fail(env, "expected a descriptor, a position and a length");
  }
  struct stat file;
  if (fstat(descriptor, &file) != 0) return Fail(env, strerror(errno));
  // Accessing mapped memory beyond the end of the file would kill the process (SIGBUS).
  if (file.st_size < position + size) return Fail(env, "the file is shorter");
  const int rights = (fcntl(descriptor, F_GETFL) & O_ACCMODE) == O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ;
  void* memory = mmap(nullptr, size, rights, MAP_SHARED | MAP_POPULATE, descriptor, position);
  if (memory == MAP_FAILED) return Fail(env, strerror(errno));
  napi_value buffer;
  if (napi_create_external_arraybuffer(env, memory, size, Unmap, reinterpret_cast<void*>(size), &buffer) != napi_ok) {
    munmap(memory, size);
    return Fail(env, "no ArrayBuffer could be laid over the memory");
  }
  return buffer;
}

// useHugePages(buffer)
napi_value UseHugePages(napi_env env, napi_callback_info info) {
  napi_value buffer;
  size_t count = 1;
  void* memory = nullptr;
  size_t size = 0;
  if (napi_get_cb_info(env, info, &count, &buffer, nullptr, nullptr) != napi_ok || count != 1 ||
      napi_get_arraybuffer_info(env, buffer, &memory, &size) != napi_ok) {
    return Fail(env, "expected an ArrayBuffer");
  }
  const uintptr_t start = (reinterpret_cast<uintptr_t>(memory) + kHugePage - 1) & ~(kHugePage - 1);
  const uintptr_t end = (reinterpret_cast<uintptr_t>(memory) + size) & ~(kHugePage - 1);
  bool is_done = false;
  if (start < end) {
    void* inside = reinterpret_cast<void*>(start);
    // If MADV_COLLAPSE fails (an older kernel, or not enough memory), the kernel may still form huge pages over time.
    madvise(inside, end - start, MADV_HUGEPAGE);
    is_done = madvise(inside, end - start, MADV_COLLAPSE) == 0;
  }
  napi_value result;
  return napi_get_boolean(env, is_done, &result) == napi_ok ? result : nullptr;
}

bool Export(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

}  // namespace

NAPI_MODULE_INIT() {
  if (!Export(env, exports, "mapFile", MapFile) || !Export(env, exports, "useHugePages", UseHugePages)) return nullptr;
  return exports;
}
