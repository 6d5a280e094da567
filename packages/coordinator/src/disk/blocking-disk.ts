import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { makeFolder, writeWhole } from '@lockstep/protocol'
import { type Disk, openFlags, partsOf } from './disk.ts'

/** The disk of this machine, for a thread that does nothing else: its blocking calls wake no other thread. */
export const blockingDisk: Disk = {
  open: async (path, mode) => {
    const file = openSync(path, openFlags[mode])
    return {
      write: async content => {
        for (const part of partsOf(content)) writeWhole(file, part)
      },
      truncate: async length => ftruncateSync(file, length),
      sync: async () => fsyncSync(file),
      close: async () => closeSync(file),
    }
  },
  read: async path => readFileSync(path),
  rename: async (from, to) => renameSync(from, to),
  remove: async path => rmSync(path, { force: true }),
  makeFolder: async path => makeFolder(path),
  list: async path => readdirSync(path),
  kindOf: async path => {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found === undefined) return null
    return found.isDirectory() ? 'folder' : 'file'
  },
}
