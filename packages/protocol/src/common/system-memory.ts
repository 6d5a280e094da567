/** Memory functions of the system that Node lacks. A native addon provides them, where one could be built. */
export type SystemMemory = {
  /**
   * Maps a part of an open file, from a page boundary on, into this process for as long as the buffer lives, with the
   * access rights of the descriptor (mmap(2), MAP_SHARED). Throws where the system refuses, or the file is shorter.
   */
  readonly mapFile: (descriptor: number, position: number, byteLength: number) => ArrayBuffer
  /** `mapFile` in place of whole pages of existing memory (MAP_FIXED). */
  readonly mapFileOver: (descriptor: number, position: number, pages: Uint8Array) => void
  /** Gives such pages ordinary memory again, filled with zeros. */
  readonly unmapFile: (pages: Uint8Array) => void
  /**
   * Moves a buffer to pages of 2 MiB, as far as it fills whole ones (madvise(2)). Returns whether that is done: the
   * kernel may do later what it cannot do at once.
   */
  readonly useHugePages: (buffer: ArrayBufferLike) => boolean
}

/** A part of a file in this process's memory. */
export type FileMapping = {
  readonly bytes: Uint8Array
  /** After this the bytes must not be used. */
  readonly unmap: () => void
}

export type MapFile = (descriptor: number, position: number, byteLength: number) => FileMapping
