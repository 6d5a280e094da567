import { type Disk, type DiskFile, type FileContent, partsOf, systemDisk } from '../../src/disk/disk.ts'

export type DiskCall = {
  readonly operation: keyof Disk | keyof DiskFile
  readonly path: string
  /** What is to be written, and the file, so that `interfere` can write a part of it. */
  readonly content?: FileContent
  readonly file?: DiskFile
}

/** The disk of this machine, on which each call first goes to a function that can delay it or throw. */
export type FaultyDisk = Disk & {
  /** Resolves when no call is in progress. */
  readonly idle: () => Promise<void>
}

/** Without `syncs`, nothing survives a power failure; a test that only ends a process need not wait for that. */
export function faultyDisk(
  interfere: (call: DiskCall) => void | Promise<void>,
  { syncs = true }: { readonly syncs?: boolean } = {},
): FaultyDisk {
  let pending = 0

  async function perform<Result>(call: DiskCall, act: () => Promise<Result>): Promise<Result> {
    pending++
    try {
      await interfere(call)
      return await act()
    } finally {
      pending--
    }
  }

  function watchedFile(file: DiskFile, path: string): DiskFile {
    return {
      write: content => perform({ operation: 'write', path, content, file }, () => file.write(content)),
      truncate: length => perform({ operation: 'truncate', path }, () => file.truncate(length)),
      sync: () => perform({ operation: 'sync', path }, async () => (syncs ? file.sync() : undefined)),
      close: () => perform({ operation: 'close', path }, file.close),
    }
  }

  async function idle(): Promise<void> {
    // A call that follows another one has started by the turn after the next.
    for (let quiet = 0; quiet < 3; quiet = pending === 0 ? quiet + 1 : 0) {
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  return {
    open: (path, mode) =>
      perform({ operation: 'open', path }, async () => watchedFile(await systemDisk.open(path, mode), path)),
    read: path => perform({ operation: 'read', path }, () => systemDisk.read(path)),
    rename: (from, to) => perform({ operation: 'rename', path: to }, () => systemDisk.rename(from, to)),
    remove: path => perform({ operation: 'remove', path }, () => systemDisk.remove(path)),
    makeFolder: path => perform({ operation: 'makeFolder', path }, () => systemDisk.makeFolder(path)),
    list: path => perform({ operation: 'list', path }, () => systemDisk.list(path)),
    kindOf: path => perform({ operation: 'kindOf', path }, () => systemDisk.kindOf(path)),
    idle,
  }
}

/** An error as Node's file system throws it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: the disk of this test`), { code })
}

/** Writes half of the content and then finds the disk full. */
export async function writeHalf({ content, file }: DiskCall): Promise<never> {
  const bytes = Buffer.concat(partsOf(content ?? ''))
  await file!.write(bytes.subarray(0, Math.floor(bytes.length / 2)))
  throw systemError('ENOSPC')
}
