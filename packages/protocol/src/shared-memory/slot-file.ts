import { randomUUID } from 'node:crypto'
import { closeSync, openSync, readSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { LockstepError } from '../common/error.ts'
import type { MapFile } from '../common/system-memory.ts'
import { maxPieceBytes, writeWhole } from '../common/write-whole.ts'
import type { SharedMemoryOffer } from '../messages.ts'
import { alignTo, bytesOf, type TensorData, tensorAlignment } from '../tensor.ts'

/**
 * A file in memory, parted into slots of one size, through which processes of one machine hand each other tensors. Where the
 * file can be mapped they are copied from memory to memory, elsewhere by system calls: with the same bytes, and in one process
 * as in another.
 */
export type SlotFile = {
  /** Lays tensors into a slot, one after the other, each at a multiple of 8 bytes. */
  readonly write: (slot: number, tensors: readonly TensorData[]) => void
  /** Fills tensors, in the order in which they were written, from a slot. */
  readonly read: (slot: number, into: readonly TensorData[]) => void
  readonly close: () => void
}

/** The slot file of the process that makes it; the others open what it offers. */
export type OwnSlotFile = SlotFile & {
  readonly offer: SharedMemoryOffer['desk']
  /** Gives a slot its memory, so that nothing can be short of it later. Throws ENOSPC. */
  readonly reserve: (slot: number) => void
}

type Mode = 'r' | 'r+'

/** Slots begin at a page, after the nonce. */
const pageBytes = 4096
/** What is written at once where a slot gets its memory. */
const zerosBytes = 1 << 20

/** The size of a slot for tensors of these sizes in bytes: whole pages. */
export function slotBytesFor(tensorBytes: readonly number[]): number {
  return alignTo(
    tensorBytes.reduce((end, bytes) => alignTo(end, tensorAlignment) + bytes, 0),
    pageBytes,
  )
}

/**
 * Makes a file in a folder, which must be on a file system in memory, that has no name from the first moment on:
 * others reach it through this process's descriptor, and it is gone when the last of them has closed it, however they end.
 * Throws what the file system throws.
 */
export function createSlotFile(
  folder: string,
  slotBytes: number,
  nonce: string,
  mapFile: MapFile | null = null,
): OwnSlotFile {
  // Anybody may see the name while it is there, and nobody but the worker the nonce.
  const path = join(folder, `lockstep-${randomUUID()}`)
  const descriptor = openSync(path, 'wx+', 0o600)
  try {
    unlinkSync(path)
    writeWhole(descriptor, Buffer.from(nonce), 0)
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
  const zeros = new Uint8Array(Math.min(slotBytes, zerosBytes))

  function reserve(slot: number): void {
    for (let offset = 0; offset < slotBytes; offset += zeros.length) {
      writeWhole(descriptor, zeros.subarray(0, slotBytes - offset), positionOf(slot, slotBytes) + offset)
    }
  }

  return {
    ...slotFileOver(descriptor, slotBytes, 'r+', mapFile),
    offer: { path: `/proc/${process.pid}/fd/${descriptor}`, slotBytes },
    reserve,
  }
}

/** Opens what another process offers. Null where it cannot be reached from here, or is something else by now. */
export function openSlotFile(
  { path, slotBytes }: SharedMemoryOffer['desk'],
  nonce: string,
  mode: Mode,
  mapFile: MapFile | null = null,
): SlotFile | null {
  let descriptor: number | null = null
  try {
    descriptor = openSync(path, mode)
    const start = Buffer.alloc(nonce.length)
    if (readSync(descriptor, start, 0, start.length, 0) === start.length && start.toString('latin1') === nonce) {
      return slotFileOver(descriptor, slotBytes, mode, mapFile)
    }
  } catch {
    // Another machine, container or user, where this may also be a pipe or a socket: whatever the reason, the tensors then
    // travel in the messages.
  }
  if (descriptor !== null) closeSync(descriptor)
  return null
}

function slotFileOver(descriptor: number, slotBytes: number, mode: Mode, mapFile: MapFile | null): SlotFile {
  const mapped = createMappedSlots(descriptor, slotBytes, mapFile)

  function write(slot: number, tensors: readonly TensorData[]): void {
    const memory = mode === 'r' ? null : mapped(slot)
    eachPlace(slotBytes, tensors, (bytes, offset) => {
      if (memory === null) writeWhole(descriptor, bytes, positionOf(slot, slotBytes) + offset)
      else memory.set(bytes, offset)
    })
  }

  function read(slot: number, into: readonly TensorData[]): void {
    const memory = mapped(slot)
    eachPlace(slotBytes, into, (bytes, offset) => {
      if (memory === null) readWhole(descriptor, bytes, positionOf(slot, slotBytes) + offset)
      else bytes.set(memory.subarray(offset, offset + bytes.byteLength))
    })
  }

  return { write, read, close: () => closeSync(descriptor) }
}

/** The slots as memory of this process, each mapped when it is first used; null for one that could not be. */
function createMappedSlots(
  descriptor: number,
  slotBytes: number,
  mapFile: MapFile | null,
): (slot: number) => Uint8Array | null {
  const slots = new Map<number, Uint8Array | null>()

  function map(slot: number): Uint8Array | null {
    if (mapFile === null) return null
    try {
      return new Uint8Array(mapFile(descriptor, positionOf(slot, slotBytes), slotBytes))
    } catch {
      // Nobody has written it yet, or this process may map no more: system calls do as well, or say what is wrong.
      return null
    }
  }

  return slot => {
    if (!slots.has(slot)) slots.set(slot, map(slot))
    return slots.get(slot)!
  }
}

function positionOf(slot: number, slotBytes: number): number {
  return pageBytes + slot * slotBytes
}

function eachPlace(
  slotBytes: number,
  tensors: readonly TensorData[],
  visit: (bytes: Uint8Array, offset: number) => void,
): void {
  let offset = 0
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor)
    offset = alignTo(offset, tensorAlignment)
    if (offset + bytes.byteLength > slotBytes) {
      throw new RangeError(`tensors of ${offset + bytes.byteLength} bytes in a slot of ${slotBytes}`)
    }
    visit(bytes, offset)
    offset += bytes.byteLength
  }
}

function readWhole(descriptor: number, bytes: Uint8Array, position: number): void {
  let done = 0
  while (done < bytes.byteLength) {
    const pieceBytes = Math.min(bytes.byteLength - done, maxPieceBytes)
    const count = readSync(descriptor, bytes, done, pieceBytes, position + done)
    if (count === 0) throw new LockstepError('shared-memory-short', 'a slot of shared memory has not been written')
    done += count
  }
}
