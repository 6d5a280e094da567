import { applyUpdate, type GradientEngine, type OptimizerState, type Updater, weightsSha256 } from '@lockstep/model'
import type { Arithmetic } from '@lockstep/model/arithmetic'
import type { MessageOf, Received, Tensors, Timeline, WorkerPhase } from '@lockstep/protocol'
import type { TensorPlaces } from './tensor-places.ts'

export type Answer = {
  readonly message: MessageOf<'gradient'> | MessageOf<'metrics'>
  readonly tensors: Tensors
}

/** The coordinator's messages for the replica. */
export const replicaMessages = ['state', 'update', 'work', 'evaluate'] as const

export type Replica = {
  /** Takes a message. Resolves when everything that became due has been computed and answered. */
  readonly receive: (received: Received) => Promise<void>
  /** Drops waiting work. Resolves when nothing is being computed any more. */
  readonly discard: () => Promise<void>
}

export type ReplicaOptions = {
  readonly engine: GradientEngine
  readonly updater: Updater
  readonly arithmetic: Arithmetic
  readonly places: TensorPlaces
  /** Records what time is spent on; the phase is `wait` while nothing is due. */
  readonly timeline: Timeline<WorkerPhase>
  readonly answer: (answer: Answer) => void
  readonly onStep: (step: number) => void
}

type State = {
  step: number
  weights: Float32Array
  optimizer: OptimizerState
  sha256: string | null
  /** Memory for the mean gradient of a step. */
  update: Float32Array
}

/**
 * A worker's copy of the run: its weights and moments follow the coordinator's, step by step. Work for a later step
 * waits for the update that leads there; work for an earlier one is dropped. Messages are handled one at a time, so no
 * update is applied while a shard is computed.
 */
export function createReplica(options: ReplicaOptions): Replica {
  const { updater, places, timeline, answer, onStep } = options
  const none = new Float32Array(0)
  const state: State = {
    step: -1,
    weights: none,
    optimizer: updater.optimizer.initialState(0),
    sha256: null,
    update: none,
  }
  const inbox: Received[] = []
  let waiting: Received[] = []
  let busy = false
  let working = Promise.resolve()
  let told = -1

  async function receive(received: Received): Promise<void> {
    inbox.push(received)
    if (!busy) working = work()
    await working
  }

  async function work(): Promise<void> {
    busy = true
    try {
      for (;;) {
        timeline.enter('receive')
        while (inbox.length > 0) take(inbox.shift()!)
        const due = takeDue()
        if (due === undefined) return tellStep()
        const answered = places.place(await compute(options, state, due))
        timeline.enter('send')
        told = state.step
        answer(answered)
      }
    } finally {
      timeline.enter('wait')
      busy = false
    }
  }

  /** Unless an answer has reported the step already. */
  function tellStep(): void {
    if (told !== state.step) onStep(state.step)
    told = state.step
  }

  function take(received: Received): void {
    const { message, tensors } = received
    if (message.type === 'state') {
      waiting = []
      adopt(state, options, message, tensors)
    } else if (message.type === 'update') {
      takeStep(state, options, message, received)
    } else if (message.type === 'work' || message.type === 'evaluate') {
      waiting.push(received)
    }
  }

  function takeDue(): Received | undefined {
    waiting = waiting.filter(({ message }) => stepOf(message) >= state.step)
    const at = waiting.findIndex(({ message }) => stepOf(message) === state.step)
    return at < 0 ? undefined : waiting.splice(at, 1)[0]
  }

  async function discard(): Promise<void> {
    inbox.length = 0
    waiting = []
    await working
  }

  return { receive, discard }
}

function stepOf(message: Received['message']): number {
  return 'step' in message ? message.step : -1
}

function adopt(
  state: State,
  { updater: { trainableSize }, arithmetic }: ReplicaOptions,
  { step, powers }: MessageOf<'state'>,
  tensors: Tensors,
): void {
  const joined = tensors.moments as Float32Array
  // Reuses the memory of the previous state: the arithmetic has room for one state only.
  const take = (known: Float32Array | undefined, received: Float32Array) => {
    if (known?.length !== received.length) return arithmetic.adopt(received)
    known.set(received)
    return known
  }
  const moments: Float32Array[] = []
  for (let at = 0; at < joined.length; at += trainableSize) {
    const known = state.optimizer.moments[moments.length]
    moments.push(take(known, joined.subarray(at, at + trainableSize)))
  }
  const weights = take(state.weights, tensors.weights as Float32Array)
  const update = state.update.length === weights.length ? state.update : arithmetic.allocate(weights.length)
  Object.assign(state, { step, weights, optimizer: { step, moments, powers }, sha256: null, update } satisfies State)
}

/** Applies the update of a step, as the coordinator does. Drops the update of a step that the replica has passed. */
function takeStep(
  state: State,
  { updater, places, timeline }: ReplicaOptions,
  { step, learningRate }: MessageOf<'update'>,
  received: Received,
): void {
  if (step < state.step) return
  if (step > state.step) throw new RangeError(`an update of step ${step} for a replica at step ${state.step}`)
  const mean = places.mean(received, state.update)
  timeline.enter('optimizer')
  state.optimizer = applyUpdate(updater, state.weights, mean, state.optimizer, learningRate)
  timeline.enter('receive')
  state.step += 1
  state.sha256 = null
}

async function compute(
  { engine, places, timeline }: ReplicaOptions,
  state: State,
  received: Received,
): Promise<Answer> {
  const { message } = received
  const tensors = places.samples(received)
  const pixels = tensors.pixels as Uint8Array
  const labels = tensors.labels as Uint8Array
  timeline.enter('compute')
  if (message.type === 'work') {
    const { runId, step, shard, slot } = message
    const keys = tensors.keys as Int32Array
    const { gradient, lossSum, correct, count } = await engine.gradient(state.weights, pixels, labels, keys)
    timeline.enter('encode')
    return {
      message: { type: 'gradient', runId, step, shard, count, lossSum, correct, slot, times: timeline.take() },
      tensors: { gradient },
    }
  }
  if (message.type !== 'evaluate') throw new TypeError(`a ${message.type} message among tasks`)
  const { runId, step, chunk } = message
  const { lossSum, correct, count } = await engine.evaluate(state.weights, pixels, labels)
  state.sha256 ??= weightsSha256(state.weights)
  timeline.enter('encode')
  // Times are reported with gradients only.
  timeline.take()
  return {
    message: { type: 'metrics', runId, step, chunk, count, lossSum, correct, weightsSha256: state.sha256 },
    tensors: {},
  }
}
