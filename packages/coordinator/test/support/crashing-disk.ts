import { type DiskCall, type FaultyDisk, faultyDisk, systemError, writeHalf } from './faulty-disk.ts'

/** Calls that change nothing: a death at one is the same as a death at the next one that does. */
const harmless: readonly DiskCall['operation'][] = ['read', 'list', 'kindOf', 'sync', 'close']

/** Fails from the n-th change on, as if the process had been killed then; if that is a write, half of it is done. */
export function crashingDisk(changes: number): { readonly disk: FaultyDisk; readonly made: () => number } {
  let made = 0
  const disk = faultyDisk(
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
