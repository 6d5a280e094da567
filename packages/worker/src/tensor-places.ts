import type { GradientFormat, PackedGradient } from '@lockstep/model/arithmetic'
import type { Received, Sizes, Tensors } from '@lockstep/protocol'
import type { ExchangeMemory } from './exchange-memory.ts'
import type { Answer } from './replica.ts'

/** Finds the tensors of messages, in their frames or in shared memory, and puts gradients there. */
export type TensorPlaces = {
  /** The input of `work` and `evaluate`; valid until the next call. */
  readonly samples: (received: Received) => Tensors
  /** Copies the mean gradient of an `update`. */
  readonly readMean: (received: Received, into: Float32Array) => void
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
    if (slot === null || !('count' in message)) return tensors
    const shared: Tensors = {
      pixels: pixels.subarray(0, message.count * sizes.bytesPerSample),
      labels: labels.subarray(0, message.count),
      ...(message.type === 'work' ? { keys: keys.subarray(0, message.count) } : {}),
    }
    memory!.readSamples(slot, shared)
    return shared
  }

  function readMean({ message, tensors }: Received, into: Float32Array): void {
    const slot = slotOf(message)
    if (slot === null) format.unpack(tensors.gradient as PackedGradient, into)
    else format.receive(packed => memory!.readMean(slot, packed), into)
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

  return { samples, readMean, place }
}

function slotOf(message: Received['message']): number | null {
  return 'slot' in message ? message.slot : null
}
