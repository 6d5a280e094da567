import { type DiskCall, systemError, type UnrulyDisk, unrulyDisk, writeHalf } from './unruly-disk.ts'

/** Calls that change nothing: a death at one is the same as a death at the next one that does. */
const harmless: readonly DiskCall['operation'][] = ['read', 'list', 'kindOf', 'sync', 'close']

/** A disk that fails from its n-th change on, as if the process had been killed. A write then writes half. */
export function mortalDisk(changes: number): { readonly disk: UnrulyDisk; readonly made: () => number } {
  let made = 0
  const disk = unrulyDisk(
    (call: DiskCall) => {
      if (harmless.includes(call.operation)) return
      made++
      if (made < changes) return
      if (made === changes && call.operation === 'write') return writeHalf(call)
      throw systemError('EIO')
    },
    { syncs: false },
  )
  return { disk, made: () => made }
}
