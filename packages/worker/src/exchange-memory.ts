import type { PackedGradient } from '@lockstep/model/arithmetic'
import { type MapFile, openSlotFile, type SharedMemoryOffer, type SlotFile, type Tensors } from '@lockstep/protocol'

/** The memory that a coordinator on the same machine shares with this worker. */
export type ExchangeMemory = {
  readonly readSamples: (slot: number, samples: Tensors) => void
  /** The memory of a slot that starts with samples; null where it is not mapped. */
  readonly samplesMemory: (slot: number) => Uint8Array | null
  readonly writeGradient: (slot: number, gradient: PackedGradient) => void
  readonly readMean: (slot: number, into: PackedGradient) => void
  /** The memory of a slot that starts with the mean; null where it is not mapped. */
  readonly meanMemory: (slot: number) => Uint8Array | null
  readonly close: () => void
}

/** Null where this process cannot open it. */
export function openExchangeMemory(
  { desk, board, nonce }: SharedMemoryOffer,
  mapFile: MapFile | null = null,
): ExchangeMemory | null {
  const own = openSlotFile(desk, nonce, 'r+', mapFile)
  const shared = own === null ? null : openSlotFile(board, nonce, 'r', mapFile)
  if (own === null || shared === null) {
    own?.close()
    return null
  }
  return {
    readSamples: (slot, samples) => own.read(slot, Object.values(samples)),
    writeGradient: (slot, gradient) => own.write(slot, [gradient]),
    readMean: (slot, into) => shared.read(slot, [into]),
    samplesMemory: own.memoryOf,
    meanMemory: shared.memoryOf,
    close: () => closeAll([own, shared]),
  }
}

function closeAll(files: readonly SlotFile[]): void {
  for (const file of files) file.close()
}
