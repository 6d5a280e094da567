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

/** Where Linux keeps files in memory. */
const memoryFolder = '/dev/shm'
const maxSlots = 64
/** What the slots of one file may take together. */
const maxFileBytes = 256 << 20

/** One worker's slots: in each lie the samples that it is to compute with, and then the gradient that came of them. */
export type Desk = {
  readonly offer: SharedMemoryOffer
  /** Lays out the tensors of a task. Null where there is no room; they then go in the message. */
  readonly put: (key: string, step: number, tensors: readonly TensorData[]) => number | null
  /** The slot of a task, or null. */
  readonly find: (key: string) => number | null
  readonly read: (slot: number, into: TensorData) => void
  /** The worker has answered the task. */
  readonly clear: (key: string) => void
  /** The worker has come to this step and touches nothing of earlier ones any more. */
  readonly reach: (step: number) => void
  readonly close: () => void
}

/** What a coordinator shares with the workers of its own machine. */
export type SharedMemory = {
  /** A desk for a new worker; null where memory is short. */
  readonly openDesk: () => Desk | null
  /** Puts the mean gradient of a step up for all, of whom the slowest has come to `reached`. Null where there is no room. */
  readonly post: (step: number, mean: TensorData, reached: number) => number | null
  readonly close: () => void
}

/** Null where the machine has no files in memory, or no room for one. `lane` is the name under which lanes are open. */
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
  return {
    openDesk: () => openDesk(Math.max(workBytes, boardBytes), { nonce, board: board.file.offer, lane }, mapFile),
    post: (step, mean, reached) => {
      board.slots.releaseBefore(reached)
      return board.put(step, step, [mean])
    },
    close: board.file.close,
  }
}

function openDesk(slotBytes: number, common: Omit<SharedMemoryOffer, 'desk'>, mapFile: MapFile | null): Desk | null {
  const desk = createSlottedFile<string>(slotBytes, common.nonce, mapFile)
  if (desk === null) return null
  const { file, slots, find, put } = desk
  return {
    offer: { desk: file.offer, ...common },
    put,
    find,
    read: (slot, into) => file.read(slot, [into]),
    clear: slots.release,
    reach: slots.releaseBefore,
    close: file.close,
  }
}

type SlottedFile<Key> = {
  readonly file: OwnSlotFile
  readonly slots: Slots<Key>
  /** The slot in which the tensors of a key lie, or null. */
  readonly find: (key: Key) => number | null
  readonly put: (key: Key, step: number, tensors: readonly TensorData[]) => number | null
}

function createSlottedFile<Key>(slotBytes: number, nonce: string, mapFile: MapFile | null): SlottedFile<Key> | null {
  const file = whereThereIsRoom(() => createSlotFile(memoryFolder, slotBytes, nonce, mapFile))
  if (file === null) return null
  const slots = createSlots<Key>(Math.min(maxSlots, Math.max(2, Math.floor(maxFileBytes / slotBytes))))
  const reserved = new Set<number>()

  function put(key: Key, step: number, tensors: readonly TensorData[]): number | null {
    const slot = slots.take(key, step)
    if (slot === null || !reserve(slot)) return null
    file!.write(slot, tensors)
    return slot
  }

  function find(key: Key): number | null {
    const slot = slots.find(key)
    return slot !== null && reserved.has(slot) ? slot : null
  }

  /** A slot for which there is no memory stays taken until its step has passed, and is then tried again. */
  function reserve(slot: number): boolean {
    if (!reserved.has(slot)) whereThereIsRoom(() => claim(slot))
    return reserved.has(slot)
  }

  function claim(slot: number): void {
    file!.reserve(slot)
    reserved.add(slot)
  }

  return { file, slots, find, put }
}

/** What an operation returns, or null where the memory for it, or the right to it, is missing. */
function whereThereIsRoom<T>(operation: () => T): T | null {
  try {
    return operation()
  } catch (error) {
    if (hasSystemCode(error, 'ENOSPC', 'EDQUOT', 'ENOMEM', 'EACCES', 'EPERM', 'EROFS', 'EMFILE', 'ENFILE')) return null
    throw error
  }
}
