import { type FileHandle, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises'
import { hasSystemCode, makeFolder, maxPieceBytes } from '@lockstep/protocol'

/** What to write: text in UTF-8, or bytes in one or several parts. */
export type FileContent = string | Uint8Array | readonly Uint8Array[]

/** An open file or folder. */
export type DiskFile = {
  readonly write: (content: FileContent) => Promise<void>
  /** Truncates the file to this many bytes. */
  readonly truncate: (length: number) => Promise<void>
  /** Resolves when everything written survives a loss of power. For a folder, these are the names in it. */
  readonly sync: () => Promise<void>
  readonly close: () => Promise<void>
}

/** What a run needs of the disk. Fails with the errors of Node's file system. */
export type Disk = {
  /** `write` truncates an existing file. A folder is opened with `read`. */
  readonly open: (path: string, mode: 'read' | 'write' | 'append') => Promise<DiskFile>
  readonly read: (path: string) => Promise<Uint8Array>
  readonly rename: (from: string, to: string) => Promise<void>
  /** Does nothing where the file does not exist. */
  readonly remove: (path: string) => Promise<void>
  /** Also creates missing parents; does nothing where the folder exists. */
  readonly makeFolder: (path: string) => Promise<void>
  readonly list: (path: string) => Promise<readonly string[]>
  /** Null where the path does not exist. */
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

/**
 * Writes as much per call as the system accepts: each call wakes two threads, which take time from computing threads.
 */
async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let rest = bytes
  while (rest.length > 0) {
    rest = rest.subarray((await file.write(rest.subarray(0, maxPieceBytes))).bytesWritten)
  }
}

/** Content as bytes, in parts to be written in order. */
export function partsOf(content: FileContent): readonly Uint8Array[] {
  if (typeof content === 'string') return [new TextEncoder().encode(content)]
  return content instanceof Uint8Array ? [content] : content
}
