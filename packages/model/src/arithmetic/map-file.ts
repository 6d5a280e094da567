import type { MapFile, SystemMemory } from '@lockstep/protocol'
import type { Arithmetic } from './arithmetic.ts'

/** The most slots, and bytes, of shared memory for which an arithmetic has room. Further ones are mapped elsewhere. */
const mostSlots = 64
const mostBytes = 1 << 30

/** The `mappedBytes` of an arithmetic for slots of this size. */
export function mappedBytesFor(slotBytes: number): number {
  return Math.min(mostSlots * slotBytes, mostBytes)
}

/** Maps files into the memory of an arithmetic, so that it works on them without a copy; elsewhere without room. */
export function mapIntoArithmetic(memory: SystemMemory, arithmetic: Arithmetic): MapFile {
  return (descriptor, position, byteLength) => {
    const pages = arithmetic.takePages(byteLength)
    if (pages === null)
      return { bytes: new Uint8Array(memory.mapFile(descriptor, position, byteLength)), unmap: () => undefined }
    try {
      memory.mapFileOver(descriptor, position, pages)
    } catch (error) {
      arithmetic.giveBackPages(pages)
      throw error
    }
    return {
      bytes: pages,
      unmap: () => {
        memory.unmapFile(pages)
        arithmetic.giveBackPages(pages)
      },
    }
  }
}
