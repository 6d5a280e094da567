import { basename, dirname } from 'node:path'
import { type Disk, type DiskFile, partsOf } from '@lockstep/coordinator'
import type { SimulatedTime } from '@lockstep/protocol/testing'
import type { Chance } from './chance.ts'
import type { SimulatedProcess } from './process.ts'

/**
 * A disk behind a cache that gives POSIX's guarantees and no more: a loss of power may lose what has not been synced,
 * in part or completely, and the bytes of a file independently of its name in its folder. Machines that share the disk,
 * as from a file server, each lose only their own cache.
 */
export type SimulatedDisk = {
  /** The disk as one process sees it. */
  readonly of: (process: SimulatedProcess) => Disk
  /** A machine loses power. Chance decides which of its changes since the last sync survive. */
  readonly losePower: (host: string) => void
  /** Whether writes fail for lack of space. */
  readonly setFull: (full: boolean) => void
  /** How much longer each operation takes. */
  readonly setSlow: (byMs: number) => void
  /** The content of a file in the cache, without any time passing; null where there is no file. */
  readonly peek: (path: string) => Uint8Array | null
  /** The names in a folder in the cache; empty where there is no folder. */
  readonly list: (path: string) => readonly string[]
  /** Removes a folder with all its content, as a user would. */
  readonly removeFolder: (path: string) => void
}

/** `writer` is the machine that wrote last. */
type FileNode = { readonly kind: 'file'; live: Uint8Array; synced: Uint8Array; writer: string }
type FolderNode = {
  readonly kind: 'folder'
  live: Map<string, Node>
  synced: Map<string, Node>
  /** The changes to the live names since the last sync, oldest first. */
  changes: Change[]
}
type Change = { readonly host: string; readonly apply: (names: Map<string, Node>) => void }
type Node = FileNode | FolderNode

const empty = new Uint8Array(0)

export function createSimulatedDisk(time: SimulatedTime, chance: Chance): SimulatedDisk {
  const root = newFolder()
  let [full, slowMs] = [false, 0]

  /**
   * Performs an operation after some time. If the process dies meanwhile, the operation may or may not still happen.
   */
  function operate<T>(process: SimulatedProcess, mostMs: number, effect: () => T): Promise<T> {
    if (!process.act()) return new Promise(() => undefined)
    return new Promise((resolve, reject) => {
      time.after(chance.between(0.02, mostMs) + slowMs, () => {
        if (!process.isAlive() && chance.happens(0.5)) return
        const outcome = attempt(effect)
        process.reach(() => ('value' in outcome ? resolve(outcome.value) : reject(outcome.error)))
      })
    })
  }

  function find(path: string): Node | null {
    let node: Node = root
    for (const name of path.split('/').filter(part => part !== '')) {
      const next: Node | undefined = node.kind === 'folder' ? node.live.get(name) : undefined
      if (next === undefined) return null
      node = next
    }
    return node
  }

  function existing(path: string): Node {
    const node = find(path)
    if (node === null) throw systemError('ENOENT', path)
    return node
  }

  function folderAt(path: string): FolderNode {
    const node = existing(path)
    if (node.kind !== 'folder') throw systemError('ENOTDIR', path)
    return node
  }

  function change(host: string, path: string, apply: Change['apply']): void {
    const folder = folderAt(path)
    apply(folder.live)
    folder.changes.push({ host, apply })
  }

  function openFile(host: string, path: string, mode: 'read' | 'write' | 'append'): Node {
    const known = find(path)
    if (mode === 'read' || (known !== null && mode === 'append')) return existing(path)
    if (known?.kind === 'file') {
      rewrite(known, empty, host)
      return known
    }
    if (full) throw systemError('ENOSPC', path)
    const file: FileNode = { kind: 'file', live: empty, synced: empty, writer: host }
    change(host, dirname(path), names => names.set(basename(path), file))
    return file
  }

  function rewrite(file: FileNode, bytes: Uint8Array, host: string): void {
    file.live = bytes
    file.writer = host
  }

  function append(host: string, file: FileNode, bytes: Uint8Array, path: string): void {
    if (full) throw systemError('ENOSPC', path)
    const joined = new Uint8Array(file.live.length + bytes.length)
    joined.set(file.live)
    joined.set(bytes, file.live.length)
    rewrite(file, joined, host)
  }

  function handleOf(process: SimulatedProcess, path: string, node: Node): DiskFile {
    const { host } = process
    return {
      write: async content => {
        const bytes = Buffer.concat(partsOf(content))
        const half = chance.whole(0, bytes.length)
        await operate(process, 0.3, () => append(host, node as FileNode, bytes.subarray(0, half), path))
        await operate(process, 0.3, () => append(host, node as FileNode, bytes.subarray(half), path))
      },
      truncate: length =>
        operate(process, 0.1, () => {
          const file = node as FileNode
          rewrite(file, file.live.slice(0, length), host)
        }),
      sync: () => operate(process, 3, () => sync(node)),
      close: () => operate(process, 0.05, () => undefined),
    }
  }

  function rename(host: string, from: string, to: string): void {
    const node = existing(from)
    change(host, dirname(from), names => names.delete(basename(from)))
    change(host, dirname(to), names => names.set(basename(to), node))
  }

  function makeFolder(host: string, path: string): void {
    if (path === '/' || path === '.' || find(path) !== null) return
    makeFolder(host, dirname(path))
    const folder = newFolder()
    change(host, dirname(path), names => names.set(basename(path), folder))
  }

  /** Changes made by other machines are not lost. */
  function losePower(node: Node, host: string): void {
    if (node.kind === 'file') {
      if (node.writer !== host) return
      node.live = survivingBytes(node)
      node.synced = node.live
      return
    }
    const own = node.changes.filter(change => change.host === host)
    const survivors = chance.happens(0.4) ? 0 : chance.whole(0, own.length)
    for (const { apply } of own.slice(0, survivors)) apply(node.synced)
    node.changes = node.changes.filter(change => change.host !== host)
    node.live = new Map(node.synced)
    for (const { apply } of node.changes) apply(node.live)
    for (const child of node.live.values()) losePower(child, host)
  }

  /**
   * The content that survives a loss of power: that of the last sync, all that was written, a beginning of it, or zeros
   * of that length.
   */
  function survivingBytes({ live, synced }: FileNode): Uint8Array {
    if (live === synced) return live
    const kind = chance.whole(0, 3)
    if (kind === 0) return synced
    if (kind === 1) return live
    if (kind === 2) return live.subarray(0, chance.whole(0, live.length))
    return new Uint8Array(live.length)
  }

  return {
    of: process => ({
      open: async (path, mode) =>
        handleOf(process, path, await operate(process, 0.1, () => openFile(process.host, path, mode))),
      read: path =>
        operate(process, 0.3, () => {
          const node = existing(path)
          if (node.kind === 'folder') throw systemError('EISDIR', path)
          return node.live.slice()
        }),
      rename: (from, to) => operate(process, 0.1, () => rename(process.host, from, to)),
      remove: path =>
        operate(process, 0.1, () => {
          if (find(path) !== null) change(process.host, dirname(path), names => names.delete(basename(path)))
        }),
      makeFolder: path => operate(process, 0.1, () => makeFolder(process.host, path)),
      list: path => operate(process, 0.1, () => [...folderAt(path).live.keys()].sort()),
      kindOf: path => operate(process, 0.05, () => find(path)?.kind ?? null),
    }),
    losePower: host => losePower(root, host),
    setFull: value => {
      full = value
    },
    setSlow: byMs => {
      slowMs = byMs
    },
    peek: path => {
      const node = find(path)
      return node?.kind === 'file' ? node.live : null
    },
    list: path => {
      const node = find(path)
      return node?.kind === 'folder' ? [...node.live.keys()] : []
    },
    removeFolder: path => {
      const above = folderAt(dirname(path))
      above.live.delete(basename(path))
      sync(above)
    },
  }
}

function newFolder(): FolderNode {
  return { kind: 'folder', live: new Map(), synced: new Map(), changes: [] }
}

function sync(node: Node): void {
  if (node.kind === 'file') {
    node.synced = node.live
    return
  }
  node.synced = new Map(node.live)
  node.changes = []
}

function attempt<T>(effect: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: effect() }
  } catch (error) {
    return { error }
  }
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
