import { createGradientFormat, type PackedGradient, plainArithmetic } from '@lockstep/model/arithmetic'
import { bytesPerElement, type RunConfig, tensorOver } from '@lockstep/protocol'
import { maxPieceElements } from './pieces.ts'

/** How the elements of a piece travel, as in the star: as they are, or rounded by seed, step, shard and place in the vector. */
export type PieceCoding = {
  readonly bytesPerElement: number
  /** Elements laid over the bytes of a message. */
  readonly over: (bytes: Uint8Array, offset: number, elements: number) => PackedGradient
  /** The elements of a shard to add up, in memory that may be written. */
  readonly unpack: (packed: PackedGradient) => Float32Array
  /** A piece of the mean of a step as all members take it, in memory of its own. */
  readonly packMean: (mean: Float32Array, step: number, firstIndex: number) => PackedGradient
  /** A whole vector, in memory that threads share. */
  readonly allocateShared: (elements: number) => PackedGradient
}

export function createPieceCoding(config: Pick<RunConfig, 'compress' | 'seed'>): PieceCoding {
  const format = createGradientFormat(config, plainArithmetic, maxPieceElements)
  const { type } = format
  const isPlain = type === 'float32'

  function unpack(packed: PackedGradient): Float32Array {
    const elements = isPlain ? (packed as Float32Array) : new Float32Array(packed.length)
    format.unpack(packed, elements)
    return elements
  }

  function packMean(mean: Float32Array, step: number, firstIndex: number): PackedGradient {
    const packed = format.pack(mean, { step, shard: 'mean' }, firstIndex)
    return isPlain ? packed : packed.slice()
  }

  function allocateShared(elements: number): PackedGradient {
    const memory = new SharedArrayBuffer(elements * bytesPerElement[type])
    return isPlain ? new Float32Array(memory) : new Uint16Array(memory)
  }

  return {
    bytesPerElement: bytesPerElement[type],
    over: (bytes, offset, elements) => tensorOver(type, bytes, offset, elements) as PackedGradient,
    unpack,
    packMean,
    allocateShared,
  }
}
