import { type DiskCall, systemError, type UnrulyDisk, unrulyDisk, writeHalf } from './unruly-disk.ts'

/** Calls that change nothing: to die at one is to die at the next that does. */
const harmless: readonly DiskCall['operation'][] = ['read', 'list', 'kindOf', 'sync', 'close']

/** A disk on which nothing changes any more from the n-th change on, as if the process had been killed: of a write, half. */
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
