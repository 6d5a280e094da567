import { basename } from 'node:path'
import { encodeMessage, type MessageOf } from '@lockstep/protocol'
import type { RunPlan } from '../plan.ts'
import { largestShard } from '../training/batches.ts'
import { evaluationChunk } from '../training/evaluation.ts'
import { heartbeatMs } from './timeouts.ts'

/** How long a worker waits for a silent coordinator, for example on a suspended laptop, before it reconnects. */
const workerTimeoutMs = 15_000

/** The part of the welcome message that is the same for every worker and every life of the run. */
export function welcomeTo({
  identity,
  config,
  state,
  trainableSize,
  train,
}: RunPlan): Omit<MessageOf<'welcome'>, 'life' | 'workerId' | 'sharedMemory'> {
  return {
    type: 'welcome',
    runId: identity.runId,
    // Workers need not know where the model's file lies on this machine.
    config: { ...config, model: basename(config.model) },
    topology: identity.topology,
    layoutHash: identity.layoutHash,
    sizes: {
      weights: state.weights.length,
      trainable: trainableSize,
      moments: state.optimizer.moments.length,
      bytesPerSample: train.pixels.length / train.count,
      maxSamples: Math.max(largestShard(config, train.count), evaluationChunk),
      gradientType: config.compress === 'none' ? 'float32' : config.compress,
    },
    heartbeatMs,
    silenceMs: workerTimeoutMs,
  }
}

/**
 * Encodes the current state at most once a step. Workers that join together are sent the same bytes, which are kept
 * only as long as a send needs them.
 */
export function createReplicaEncoder(plan: RunPlan): () => { readonly step: number; readonly frame: Uint8Array } {
  let encodedStep = -1
  // A socket holds the memory, not the view of it.
  let memory: WeakRef<ArrayBufferLike> | null = null
  return () => {
    const { step } = plan.state
    const known = step === encodedStep ? memory?.deref() : undefined
    if (known !== undefined) return { step, frame: new Uint8Array(known) }
    const frame = encodeReplica(plan)
    encodedStep = step
    memory = new WeakRef(frame.buffer)
    return { step, frame }
  }
}

/** Encodes the current weights, moments and step. The frame fills its memory. */
function encodeReplica({ identity, state, trainableSize }: RunPlan): Uint8Array {
  const { moments, powers } = state.optimizer
  const joined = new Float32Array(moments.length * trainableSize)
  for (const [index, moment] of moments.entries()) joined.set(moment, index * trainableSize)
  const { step } = state
  const message: MessageOf<'state'> = { type: 'state', runId: identity.runId, step, powers: [...powers] }
  return encodeMessage(message, { weights: state.weights, moments: joined })
}
