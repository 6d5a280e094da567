import { randomUUID } from 'node:crypto'
import { closeSync, openSync, readSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { LockstepError } from '../common/error.ts'
import type { FileMapping, MapFile } from '../common/system-memory.ts'
import { maxPieceBytes, writeWhole } from '../common/write-whole.ts'
import type { SharedMemoryOffer } from '../messages.ts'
import { alignTo, bytesOf, type TensorData, tensorAlignment } from '../tensor.ts'

/**
 * A file in memory, divided into slots of one size, through which processes on one machine pass tensors. Where the file
 * can be mapped, tensors are copied from memory to memory, elsewhere by system calls. Both store the same bytes, so
 * processes that use one and the other can be mixed.
 */
export type SlotFile = {
  /** Writes tensors into a slot, one after the other, each at a multiple of 8 bytes, unless they are there already. */
  readonly write: (slot: number, tensors: readonly TensorData[]) => void
  /** Fills tensors from a slot, in the order in which they were written. */
  readonly read: (slot: number, into: readonly TensorData[]) => void
  /** The memory of a slot, valid until the file is closed; null where it is not mapped. */
  readonly memoryOf: (slot: number) => Uint8Array | null
  readonly close: () => void
}

/** The slot file of the process that creates it. Other processes open its `offer`. */
export type OwnSlotFile = SlotFile & {
  readonly offer: SharedMemoryOffer['desk']
  /** Allocates the memory of a slot, so that writing cannot run out of it later. Throws ENOSPC. */
  readonly reserve: (slot: number) => void
}

type Mode = 'r' | 'r+'

/** Slots start on a page boundary, after the page with the nonce. */
const pageBytes = 4096
/** Bytes written per call when a slot gets its memory. */
const zerosBytes = 1 << 20

/** The size of a slot for tensors of these sizes in bytes, rounded up to whole pages. */
export function slotBytesFor(tensorBytes: readonly number[]): number {
  return alignTo(
    tensorBytes.reduce((end, bytes) => alignTo(end, tensorAlignment) + bytes, 0),
    pageBytes,
  )
}

/**
 * Creates a file in a folder, which must be on an in-memory file system, and removes its name at once. Other processes
 * reach it through this process's descriptor. It disappears when the last process has closed it, however the processes
 * end. Throws what the file system throws.
 */
export function createSlotFile(
  folder: string,
  slotBytes: number,
  nonce: string,
  mapFile: MapFile | null = null,
): OwnSlotFile {
  // Anybody may see the name while it exists, but only the worker knows the nonce.
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

/**
 * Opens a file that another process offers. Null where this process cannot reach it, or the path is another file by
 * now.
 */
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
    // Another machine, container or user, where the path may also be a pipe or a socket. Whatever the reason, the
    // tensors then travel in the messages.
  }
  if (descriptor !== null) closeSync(descriptor)
  return null
}

function slotFileOver(descriptor: number, slotBytes: number, mode: Mode, mapFile: MapFile | null): SlotFile {
  const slots = createMappedSlots(descriptor, slotBytes, mapFile)

  function write(slot: number, tensors: readonly TensorData[]): void {
    const memory = mode === 'r' ? null : slots.memoryOf(slot)
    eachPlace(slotBytes, tensors, (bytes, offset) => {
      if (memory === null) writeWhole(descriptor, bytes, positionOf(slot, slotBytes) + offset)
      else if (!isAt(bytes, memory, offset)) memory.set(bytes, offset)
    })
  }

  function read(slot: number, into: readonly TensorData[]): void {
    const memory = slots.memoryOf(slot)
    eachPlace(slotBytes, into, (bytes, offset) => {
      if (memory === null) readWhole(descriptor, bytes, positionOf(slot, slotBytes) + offset)
      else bytes.set(memory.subarray(offset, offset + bytes.byteLength))
    })
  }

  function close(): void {
    slots.unmap()
    closeSync(descriptor)
  }

  return { write, read, memoryOf: slots.memoryOf, close }
}

/** The slots as memory of this process, each mapped at its first use; null for one that could not be mapped. */
function createMappedSlots(descriptor: number, slotBytes: number, mapFile: MapFile | null) {
  const slots = new Map<number, FileMapping | null>()

  function map(slot: number): FileMapping | null {
    if (mapFile === null) return null
    try {
      return mapFile(descriptor, positionOf(slot, slotBytes), slotBytes)
    } catch {
      // The slot has not been written yet, or this process can map no more. System calls work as well, or report the
      // fault.
      return null
    }
  }

  function memoryOf(slot: number): Uint8Array | null {
    if (!slots.has(slot)) slots.set(slot, map(slot))
    return slots.get(slot)?.bytes ?? null
  }

  function unmap(): void {
    for (const mapping of slots.values()) mapping?.unmap()
    slots.clear()
  }

  return { memoryOf, unmap }
}

function positionOf(slot: number, slotBytes: number): number {
  return pageBytes + slot * slotBytes
}

function isAt(bytes: Uint8Array, memory: Uint8Array, offset: number): boolean {
  return bytes.buffer === memory.buffer && bytes.byteOffset === memory.byteOffset + offset
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
