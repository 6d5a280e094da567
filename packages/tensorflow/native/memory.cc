// Memory functions of the system that Node lacks: mmap(2) of a part of a file, and madvise(2) for huge pages.
#include <node_api.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

struct FilePart {
  int32_t descriptor = -1;
  int64_t position = 0;
  int64_t size = 0;
};

// Maps a part of a file with the access rights of its descriptor, over `place` if there is one. Returns the reason if
// that fails.
const char* Map(const FilePart& part, void* place, void** memory) {
  struct stat file;
  if (fstat(part.descriptor, &file) != 0) return strerror(errno);
  // Accessing mapped memory beyond the end of the file would kill the process (SIGBUS).
  if (file.st_size < part.position + part.size) return "the file is shorter";
  const int rights =
      (fcntl(part.descriptor, F_GETFL) & O_ACCMODE) == O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ;
  const int flags = MAP_SHARED | MAP_POPULATE | (place == nullptr ? 0 : MAP_FIXED);
  *memory = mmap(place, part.size, rights, flags, part.descriptor, part.position);
  return *memory == MAP_FAILED ? strerror(errno) : nullptr;
}

// mapFile(descriptor, position, byteLength)
napi_value MapFile(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  size_t count = 3;
  FilePart part;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok || count != 3 ||
      napi_get_value_int32(env, arguments[0], &part.descriptor) != napi_ok ||
      napi_get_value_int64(env, arguments[1], &part.position) != napi_ok ||
      napi_get_value_int64(env, arguments[2], &part.size) != napi_ok || part.position < 0 || part.size <= 0) {
    return Fail(env, "expected a descriptor, a position and a length");
  }
  void* memory;
  if (const char* reason = Map(part, nullptr, &memory)) return Fail(env, reason);
  napi_value buffer;
  void* hint = reinterpret_cast<void*>(part.size);
  if (napi_create_external_arraybuffer(env, memory, part.size, Unmap, hint, &buffer) != napi_ok) {
    munmap(memory, part.size);
    return Fail(env, "no ArrayBuffer could be laid over the memory");
  }
  return buffer;
}

// Whole pages of a Uint8Array's memory; false for anything else.
bool GetPages(napi_env env, napi_value value, void** memory, size_t* size) {
  napi_typedarray_type type;
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return napi_get_typedarray_info(env, value, &type, size, memory, nullptr, nullptr) == napi_ok &&
         type == napi_uint8_array && *size > 0 && *size % page == 0 && reinterpret_cast<uintptr_t>(*memory) % page == 0;
}

// mapFileOver(descriptor, position, pages)
napi_value MapFileOver(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  size_t count = 3;
  FilePart part;
  void* place = nullptr;
  size_t size = 0;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok || count != 3 ||
      napi_get_value_int32(env, arguments[0], &part.descriptor) != napi_ok ||
      napi_get_value_int64(env, arguments[1], &part.position) != napi_ok || part.position < 0 ||
      !GetPages(env, arguments[2], &place, &size)) {
    return Fail(env, "expected a descriptor, a position and a Uint8Array of whole pages");
  }
  part.size = static_cast<int64_t>(size);
  void* memory;
  if (const char* reason = Map(part, place, &memory)) return Fail(env, reason);
  return nullptr;
}

// unmapFile(pages)
napi_value UnmapFile(napi_env env, napi_callback_info info) {
  napi_value pages;
  size_t count = 1;
  void* place = nullptr;
  size_t size = 0;
  if (napi_get_cb_info(env, info, &count, &pages, nullptr, nullptr) != napi_ok || count != 1 ||
      !GetPages(env, pages, &place, &size)) {
    return Fail(env, "expected a Uint8Array of whole pages");
  }
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  if (mmap(place, size, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED) return Fail(env, strerror(errno));
  return nullptr;
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
  if (!Export(env, exports, "mapFile", MapFile) || !Export(env, exports, "mapFileOver", MapFileOver) ||
      !Export(env, exports, "unmapFile", UnmapFile) || !Export(env, exports, "useHugePages", UseHugePages)) {
    return nullptr;
  }
  return exports;
}
