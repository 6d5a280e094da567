import type { Received, RunConfig, Tensors } from '@lockstep/protocol'
import type { Provisioned } from '@lockstep/tensorflow'
import type { Answer } from './replica.ts'

/** What the computing thread is started with. */
export type ComputeSetup = {
  readonly config: RunConfig
  readonly classes: number
  readonly provisioned: Provisioned
}

/** To the computing thread. `session` numbers the connections, so that answers meant for an earlier one are known. */
export type ToCompute = { readonly session: number; readonly received: Received }

/** From the computing thread. */
export type FromCompute =
  | { readonly type: 'built'; readonly layoutHash: string; readonly backend: string }
  | { readonly type: 'step'; readonly session: number; readonly step: number }
  | ({ readonly type: 'answer'; readonly session: number } & Answer)

/** Moves tensors to another thread without a copy where they own their memory, with one where they share it. */
export function detachable(tensors: Tensors): { readonly tensors: Tensors; readonly transfer: ArrayBuffer[] } {
  const transfer: ArrayBuffer[] = []
  const seen = new Set<ArrayBufferLike>()
  const moved = Object.entries(tensors).map(([name, data]) => {
    const whole = data.byteLength === data.buffer.byteLength && !seen.has(data.buffer)
    const own = whole ? data : data.slice()
    seen.add(own.buffer)
    transfer.push(own.buffer as ArrayBuffer)
    return [name, own]
  })
  return { tensors: Object.fromEntries(moved), transfer }
}
