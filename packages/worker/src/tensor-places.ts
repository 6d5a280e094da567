import type { GradientFormat, PackedGradient } from '@lockstep/model/arithmetic'
import { type Received, type Sizes, samplesIn, type Tensors } from '@lockstep/protocol'
import type { ExchangeMemory } from './exchange-memory.ts'
import type { Answer } from './replica.ts'

/** Finds the tensors of messages, in their frames or in shared memory, and puts gradients there. */
export type TensorPlaces = {
  /** The input of `work` and `evaluate`, where it is or copied; valid until it is answered. */
  readonly samples: (received: Received) => Tensors
  /** The mean gradient of an `update`: where it is, valid until the next step, or copied into the vector. */
  readonly mean: (received: Received, vector: Float32Array) => Float32Array
  /** The answer, with its gradient in the slot that its `work` came from, or in a frame. */
  readonly place: (answer: Answer) => Answer
}

/** Without `memory` all tensors travel in frames. Gradients have the run's wire format. */
export function createTensorPlaces(sizes: Sizes, memory: ExchangeMemory | null, format: GradientFormat): TensorPlaces {
  const pixels = new Uint8Array(memory === null ? 0 : sizes.maxSamples * sizes.bytesPerSample)
  const labels = new Uint8Array(memory === null ? 0 : sizes.maxSamples)
  const keys = new Int32Array(memory === null ? 0 : sizes.maxSamples)

  function samples({ message, tensors }: Received): Tensors {
    const slot = slotOf(message)
    if (slot === null || (message.type !== 'work' && message.type !== 'evaluate')) return tensors
    const mapped = memory!.samplesMemory(slot)
    if (mapped !== null) return samplesIn(mapped, message, sizes)
    const shared: Tensors = {
      pixels: pixels.subarray(0, message.count * sizes.bytesPerSample),
      labels: labels.subarray(0, message.count),
      ...(message.type === 'work' ? { keys: keys.subarray(0, message.count) } : {}),
    }
    memory!.readSamples(slot, shared)
    return shared
  }

  function mean({ message, tensors }: Received, vector: Float32Array): Float32Array {
    const slot = slotOf(message)
    const mapped = slot === null ? null : memory!.meanMemory(slot)
    if (mapped !== null) return format.readFrom(mapped, vector)
    if (slot === null) format.unpack(tensors.gradient as PackedGradient, vector)
    else format.receive(packed => memory!.readMean(slot, packed), vector)
    return vector
  }

  function place({ message, tensors }: Answer): Answer {
    if (message.type !== 'gradient') return { message, tensors }
    const gradient = tensors.gradient as Float32Array
    const packed = format.pack(gradient, message)
    if (message.slot === null) {
      // A frame's memory is handed to another thread, so it must not be shared.
      return { message, tensors: { gradient: packed === gradient ? gradient : packed.slice() } }
    }
    memory!.writeGradient(message.slot, packed)
    return { message, tensors: {} }
  }

  return { samples, mean, place }
}

function slotOf(message: Received['message']): number | null {
  return 'slot' in message ? message.slot : null
}
