import { applyUpdate, type GradientEngine, type OptimizerState, type Updater, weightsSha256 } from '@lockstep/model'
import type { MessageOf, Received, Tensors } from '@lockstep/protocol'

export type Answer = {
  readonly message: MessageOf<'gradient'> | MessageOf<'metrics'>
  readonly tensors: Tensors
}

/** The messages from the coordinator that concern the replica. */
export const replicaMessages = ['state', 'update', 'work', 'evaluate'] as const

export type Replica = {
  /** Takes a message; whatever has become due is computed, and answered, before this resolves. */
  readonly receive: (received: Received) => Promise<void>
  /** Drops what waits to be computed. */
  readonly discard: () => void
}

type Work = { readonly message: MessageOf<'work'> | MessageOf<'evaluate'>; readonly tensors: Tensors }

type State = { step: number; weights: Float32Array; optimizer: OptimizerState; sha256: string | null }

/**
 * A worker's copy of the run: weights and moments that follow the coordinator's, step for step. Work for a later step
 * waits until the update that leads there has come; work for an earlier one is dropped.
 */
export function createReplica(
  engine: GradientEngine,
  updater: Updater,
  answer: (answer: Answer) => void,
  onStep: (step: number) => void,
): Replica {
  const state: State = {
    step: -1,
    weights: new Float32Array(0),
    optimizer: updater.optimizer.initialState(0),
    sha256: null,
  }
  let waiting: Work[] = []
  let computing = false

  async function receive({ message, tensors }: Received): Promise<void> {
    if (message.type === 'state') {
      waiting = []
      adopt(state, updater, message, tensors)
      onStep(state.step)
    } else if (message.type === 'update') {
      if (!takeStep(state, updater, message, tensors.gradient as Float32Array)) return
      onStep(state.step)
    } else if (message.type === 'work' || message.type === 'evaluate') {
      waiting.push({ message, tensors })
    }
    await computeDue()
  }

  async function computeDue(): Promise<void> {
    if (computing) return
    computing = true
    try {
      for (let work = takeDue(); work !== undefined; work = takeDue()) answer(await compute(engine, state, work))
    } finally {
      computing = false
    }
  }

  function takeDue(): Work | undefined {
    waiting = waiting.filter(work => work.message.step >= state.step)
    const at = waiting.findIndex(work => work.message.step === state.step)
    return at < 0 ? undefined : waiting.splice(at, 1)[0]
  }

  function discard(): void {
    waiting = []
  }

  return { receive, discard }
}

function adopt(state: State, { trainableSize }: Updater, message: MessageOf<'state'>, tensors: Tensors): void {
  const weights = tensors.weights as Float32Array
  const joined = tensors.moments as Float32Array
  const moments: Float32Array[] = []
  for (let at = 0; at < joined.length; at += trainableSize) moments.push(joined.subarray(at, at + trainableSize))
  const optimizer = { step: message.step, moments, powers: message.powers }
  Object.assign(state, { step: message.step, weights, optimizer, sha256: null } satisfies State)
}

/** Applies the update of a step, as the coordinator does. An update that the replica is past is dropped. */
function takeStep(state: State, updater: Updater, update: MessageOf<'update'>, gradient: Float32Array): boolean {
  const { step, learningRate } = update
  if (step < state.step) return false
  if (step > state.step) throw new RangeError(`an update of step ${step} for a replica at step ${state.step}`)
  state.optimizer = applyUpdate(updater, state.weights, gradient, state.optimizer, learningRate)
  state.step += 1
  state.sha256 = null
  return true
}

async function compute(engine: GradientEngine, state: State, { message, tensors }: Work): Promise<Answer> {
  const pixels = tensors.pixels as Uint8Array
  const labels = tensors.labels as Uint8Array
  const { runId, step } = message
  if (message.type === 'work') {
    const keys = tensors.keys as Int32Array
    const { gradient, lossSum, correct, count } = await engine.gradient(state.weights, pixels, labels, keys)
    return {
      message: { type: 'gradient', runId, step, shard: message.shard, count, lossSum, correct },
      tensors: { gradient },
    }
  }
  const { lossSum, correct, count } = await engine.evaluate(state.weights, pixels, labels)
  state.sha256 ??= weightsSha256(state.weights)
  const figures = { chunk: message.chunk, count, lossSum, correct, weightsSha256: state.sha256 }
  return { message: { type: 'metrics', runId, step, ...figures }, tensors: {} }
}
