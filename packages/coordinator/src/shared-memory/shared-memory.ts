import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  bytesPerElement,
  createSlotFile,
  hasSystemCode,
  type MapFile,
  type OwnSlotFile,
  type SharedMemoryOffer,
  type Sizes,
  slotBytesFor,
  type TensorData,
} from '@lockstep/protocol'
import { createSlots, type Slots } from './slots.ts'

/** Linux keeps files here in memory. */
const memoryFolder = '/dev/shm'
const maxSlots = 64
/** The most bytes that the slots of one file may take. */
const maxFileBytes = 256 << 20

/**
 * A desk: one worker's slots in shared memory. A slot holds the samples of a task, and then the gradient computed from
 * them.
 */
export type Desk = {
  readonly offer: SharedMemoryOffer
  /**
   * Writes the tensors of a task into a slot. `read` gets the slot's memory, if it is mapped, and may put them there
   * itself. Null where there is no room; the tensors then go into the message.
   */
  readonly put: (key: string, step: number, read: (memory: Uint8Array | null) => readonly TensorData[]) => number | null
  /** The slot of a task, or null. */
  readonly find: (key: string) => number | null
  readonly read: (slot: number, into: TensorData) => void
  /** The memory of a slot; null where it is not mapped. */
  readonly memoryOf: (slot: number) => Uint8Array | null
  /** The worker has answered the task. */
  readonly clear: (key: string) => void
  /** The worker has reached this step and no longer touches slots of earlier ones. */
  readonly reach: (step: number) => void
  readonly close: () => void
}

/** What a coordinator shares with the workers on its own machine. */
export type SharedMemory = {
  /** A desk for a new worker; null where memory is short. */
  readonly openDesk: () => Desk | null
  /**
   * The memory in which the mean gradient of a step will be posted, so that it can be computed there. `reached` is the
   * step that the slowest of all local workers has reached. Null where there is no room, or the memory is not mapped.
   */
  readonly reserve: (step: number, reached: number) => Uint8Array | null
  /**
   * Posts the mean gradient of a step on the board, which all local workers read. Null where there is no room.
   */
  readonly post: (step: number, mean: TensorData, reached: number) => number | null
  readonly close: () => void
}

/** Null where the machine has no in-memory files, or no room for one. `lane` is the name under which lanes are open. */
export function createSharedMemory(
  sizes: Sizes,
  lane: string | null = null,
  mapFile: MapFile | null = null,
): SharedMemory | null {
  if (!existsSync(memoryFolder)) return null
  const nonce = randomBytes(16).toString('hex')
  const gradientBytes = sizes.weights * bytesPerElement[sizes.gradientType]
  const samples = sizes.maxSamples
  const workBytes = slotBytesFor([samples * sizes.bytesPerSample, samples, samples * bytesPerElement.int32])
  const boardBytes = slotBytesFor([gradientBytes])
  const board = createSlottedFile<number>(boardBytes, nonce, mapFile)
  if (board === null) return null

  function findOrTake(step: number, reached: number): number | null {
    board!.slots.releaseBefore(reached)
    return board!.find(step) ?? board!.take(step, step)
  }

  return {
    openDesk: () => openDesk(Math.max(workBytes, boardBytes), { nonce, board: board.file.offer, lane }, mapFile),
    reserve: (step, reached) => {
      const slot = findOrTake(step, reached)
      return slot === null ? null : board.file.memoryOf(slot)
    },
    post: (step, mean, reached) => {
      const slot = findOrTake(step, reached)
      if (slot !== null) board.file.write(slot, [mean])
      return slot
    },
    close: board.file.close,
  }
}

function openDesk(slotBytes: number, common: Omit<SharedMemoryOffer, 'desk'>, mapFile: MapFile | null): Desk | null {
  const desk = createSlottedFile<string>(slotBytes, common.nonce, mapFile)
  if (desk === null) return null
  const { file, slots, find, take } = desk
  return {
    offer: { desk: file.offer, ...common },
    put: (key, step, read) => {
      const slot = take(key, step)
      if (slot !== null) file.write(slot, read(file.memoryOf(slot)))
      return slot
    },
    find,
    read: (slot, into) => file.read(slot, [into]),
    memoryOf: file.memoryOf,
    clear: slots.release,
    reach: slots.releaseBefore,
    close: file.close,
  }
}

type SlottedFile<Key> = {
  readonly file: OwnSlotFile
  readonly slots: Slots<Key>
  /** The slot with a key's tensors, or null. */
  readonly find: (key: Key) => number | null
  readonly take: (key: Key, step: number) => number | null
}

function createSlottedFile<Key>(slotBytes: number, nonce: string, mapFile: MapFile | null): SlottedFile<Key> | null {
  const file = whereThereIsRoom(() => createSlotFile(memoryFolder, slotBytes, nonce, mapFile))
  if (file === null) return null
  const slots = createSlots<Key>(Math.min(maxSlots, Math.max(2, Math.floor(maxFileBytes / slotBytes))))
  const reserved = new Set<number>()

  function take(key: Key, step: number): number | null {
    const slot = slots.take(key, step)
    return slot === null || !reserve(slot) ? null : slot
  }

  function find(key: Key): number | null {
    const slot = slots.find(key)
    return slot !== null && reserved.has(slot) ? slot : null
  }

  /** A slot that gets no memory stays taken until its step has passed, and is then tried again. */
  function reserve(slot: number): boolean {
    if (!reserved.has(slot)) whereThereIsRoom(() => claim(slot))
    return reserved.has(slot)
  }

  function claim(slot: number): void {
    file!.reserve(slot)
    reserved.add(slot)
  }

  return { file, slots, find, take }
}

/** The operation's result, or null where memory or permission for it is missing. */
function whereThereIsRoom<T>(operation: () => T): T | null {
  try {
    return operation()
  } catch (error) {
    if (hasSystemCode(error, 'ENOSPC', 'EDQUOT', 'ENOMEM', 'EACCES', 'EPERM', 'EROFS', 'EMFILE', 'ENFILE')) return null
    throw error
  }
}
