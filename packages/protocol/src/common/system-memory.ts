/** What Node lacks of the system's memory. A native addon has it, where one could be built. */
export type SystemMemory = {
  /**
   * Makes a part of an open file, from the beginning of a page on, memory of this process, with the rights of the descriptor,
   * for as long as the buffer lives (mmap(2), MAP_SHARED). Throws where the system refuses, or the file is shorter.
   */
  readonly mapFile: (descriptor: number, position: number, byteLength: number) => ArrayBuffer
  /**
   * Moves a buffer to pages of 2 MiB, as far as it fills such (madvise(2)). Returns whether that is done: what the kernel
   * could not do at once, it may do later.
   */
  readonly useHugePages: (buffer: ArrayBufferLike) => boolean
}

export type MapFile = SystemMemory['mapFile']
