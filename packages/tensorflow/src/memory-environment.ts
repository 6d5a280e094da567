/**
 * Environment variables for a process that computes steps. They must be set when it starts, because that is when glibc
 * reads them. They make the process keep the memory of freed tensors, so that the tensors of the next step need no new
 * pages from the kernel. See mallopt(3). Other C libraries ignore them.
 */
export const memoryEnvironment: Readonly<Record<string, string>> = {
  // Larger than any tensor, so that no tensor has its own mapping and freed memory is never returned to the kernel.
  MALLOC_MMAP_THRESHOLD_: `${2 ** 30}`,
  MALLOC_TRIM_THRESHOLD_: `${2 ** 30}`,
  // glibc unmaps an emptied thread heap only if the heap before it has this much room. That never happens, because a
  // thread heap is at most this large.
  MALLOC_TOP_PAD_: `${2 ** 26}`,
  // Pages of 2 MiB (since glibc 2.35): kernels traverse whole tensors, and the CPU then has to look up fewer pages.
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
}
