/**
 * Environment variables for a process that computes steps, given to it at its start, when glibc reads them: the memory of
 * freed tensors stays with the process, so that those of the next step need no new pages from the kernel. See mallopt(3).
 * Other C libraries pay no attention.
 */
export const memoryEnvironment: Readonly<Record<string, string>> = {
  // Above any tensor: none has a mapping of its own, which would end with it, and none that is freed is worth giving back.
  MALLOC_MMAP_THRESHOLD_: `${2 ** 30}`,
  MALLOC_TRIM_THRESHOLD_: `${2 ** 30}`,
  // What glibc's heap of a thread comes to: with less to spare in the one before it, an emptied heap is unmapped.
  MALLOC_TOP_PAD_: `${2 ** 26}`,
  // Pages of 2 MiB: tensors are gone through from end to end, and the CPU has to look up fewer pages (glibc 2.35).
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
}
