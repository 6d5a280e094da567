import { type FileHandle, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises'
import { hasSystemCode, makeFolder, maxPieceBytes } from '@lockstep/protocol'

/** What is written: a text in UTF-8, or bytes, also in parts one after the other. */
export type FileContent = string | Uint8Array | readonly Uint8Array[]

/** An open file or folder. */
export type DiskFile = {
  readonly write: (content: FileContent) => Promise<void>
  /** Cuts it off after so many bytes. */
  readonly truncate: (length: number) => Promise<void>
  /** Resolves when all that has been written, in a folder its names, outlasts a loss of power. */
  readonly sync: () => Promise<void>
  readonly close: () => Promise<void>
}

/** What a run needs of the disk. Fails with the errors of Node's file system. */
export type Disk = {
  /** `write` begins the file anew. A folder is opened to `read`. */
  readonly open: (path: string, mode: 'read' | 'write' | 'append') => Promise<DiskFile>
  readonly read: (path: string) => Promise<Uint8Array>
  readonly rename: (from: string, to: string) => Promise<void>
  /** Does nothing where there is no such file. */
  readonly remove: (path: string) => Promise<void>
  /** With the folders above it; does nothing where it is there. */
  readonly makeFolder: (path: string) => Promise<void>
  readonly list: (path: string) => Promise<readonly string[]>
  /** Null where there is nothing. */
  readonly kindOf: (path: string) => Promise<'file' | 'folder' | null>
}

export const openFlags = { read: 'r', write: 'w', append: 'a' } as const

/** The disk of this machine. */
export const systemDisk: Disk = {
  open: async (path, mode) => {
    const file = await open(path, openFlags[mode])
    return {
      write: async content => {
        for (const part of partsOf(content)) await writeWhole(file, part)
      },
      truncate: length => file.truncate(length),
      sync: () => file.sync(),
      close: () => file.close(),
    }
  },
  read: path => readFile(path),
  rename,
  remove: path =>
    unlink(path).catch(error => {
      if (!hasSystemCode(error, 'ENOENT')) throw error
    }),
  makeFolder: async path => makeFolder(path),
  list: path => readdir(path),
  kindOf: async path => {
    try {
      return (await stat(path)).isDirectory() ? 'folder' : 'file'
    } catch (error) {
      if (hasSystemCode(error, 'ENOENT')) return null
      throw error
    }
  },
}

/** At once where the system takes it: each call of it wakes two threads, for which computing threads have to make room. */
async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let rest = bytes
  while (rest.length > 0) {
    rest = rest.subarray((await file.write(rest.subarray(0, maxPieceBytes))).bytesWritten)
  }
}

/** Content as bytes, to be written one part after the other. */
export function partsOf(content: FileContent): readonly Uint8Array[] {
  if (typeof content === 'string') return [new TextEncoder().encode(content)]
  return content instanceof Uint8Array ? [content] : content
}
