import { applyUpdate, createOptimizer, type Updater, weightsSha256 } from '@lockstep/model'
import {
  createGradientFormat,
  type GradientFormat,
  type PackedGradient,
  plainArithmetic,
} from '@lockstep/model/arithmetic'
import {
  createTimeline,
  type Message,
  type MessageOf,
  protocolVersion,
  type Received,
  type Tensors,
  workerPhases,
} from '@lockstep/protocol'

import { createTinyEngine, type TinyEngine, tinyLayout } from './tiny-engine.ts'

export type Say = (message: Message, tensors?: Tensors) => void

type Work = { readonly message: MessageOf<'work'> | MessageOf<'evaluate'>; readonly tensors: Tensors }

/** A worker without threads or TensorFlow: it answers messages and keeps a replica of the run. */
export type FakeWorker = { readonly hello: (token: string) => void; readonly receive: (received: Received) => void }

export function createFakeWorker(say: Say, engine: TinyEngine = createTinyEngine(), name = 'fake'): FakeWorker {
  const replica = { step: -1, weights: new Float32Array(0), moments: [] as Float32Array[], powers: [] as number[] }
  const nowMs = () => performance.now()
  const timeline = createTimeline(workerPhases, nowMs)
  let updater: Updater | null = null
  let format: GradientFormat | null = null
  let waiting: Work[] = []

  function receive({ message, tensors }: Received): void {
    if (message.type === 'welcome') {
      updater = { optimizer: createOptimizer(message.config, tinyLayout), trainableSize: message.sizes.trainable }
      format = createGradientFormat(message.config, plainArithmetic, message.sizes.weights)
      const { runId, layoutHash } = message
      say({ type: 'ready', runId, layoutHash, backend: 'tiny', sharesMemory: false })
    } else if (message.type === 'heartbeat') beat(message)
    else if (message.type === 'state') adopt(message, tensors)
    else if (message.type === 'update') takeStep(message, tensors.gradient as PackedGradient)
    else if (message.type === 'work' || message.type === 'evaluate') waiting.push({ message, tensors })
    answerDue()
  }

  function beat({ runId, sentMs }: MessageOf<'heartbeat'>): void {
    const echo = { sentMs, receivedMs: nowMs() }
    const progress = { step: Math.max(0, replica.step), pending: 0, quietMs: 0 }
    say({ type: 'heartbeat', runId, ...progress, sentMs: nowMs(), echo })
  }

  function adopt({ step, powers }: MessageOf<'state'>, tensors: Tensors): void {
    const [weights, joined] = [tensors.weights as Float32Array, tensors.moments as Float32Array]
    const moments: Float32Array[] = []
    const { trainableSize } = updater!
    for (let at = 0; at < joined.length; at += trainableSize) moments.push(joined.slice(at, at + trainableSize))
    Object.assign(replica, { step, weights: weights.slice(), moments, powers })
  }

  function takeStep({ step, learningRate }: MessageOf<'update'>, packed: PackedGradient): void {
    if (step !== replica.step) throw new Error(`an update of step ${step} for a replica at step ${replica.step}`)
    const gradient = new Float32Array(packed.length)
    format!.unpack(packed, gradient)
    const next = applyUpdate(updater!, replica.weights, gradient, replica, learningRate)
    Object.assign(replica, { step: step + 1, moments: next.moments, powers: next.powers })
  }

  function answerDue(): void {
    const due = waiting.filter(({ message }) => message.step === replica.step)
    waiting = waiting.filter(({ message }) => message.step > replica.step)
    for (const work of due) answer(work)
  }

  function answer({ message, tensors }: Work): void {
    const [pixels, labels] = [tensors.pixels as Uint8Array, tensors.labels as Uint8Array]
    const { runId, step, count } = message
    timeline.enter('compute')
    if (message.type === 'work') {
      const { lossSum, correct, gradient } = engine.gradient(
        replica.weights,
        pixels,
        labels,
        tensors.keys as Int32Array,
      )
      timeline.enter('wait')
      const { shard } = message
      const packed = format!.pack(gradient, { step, shard }).slice()
      const told = { runId, step, shard, count, lossSum, correct, slot: null, times: timeline.take() }
      say({ type: 'gradient', ...told }, { gradient: packed })
      return
    }
    const { lossSum, correct } = engine.evaluate(replica.weights, pixels, labels)
    const sha256 = weightsSha256(replica.weights)
    say({ type: 'metrics', runId, step, chunk: message.chunk, count, lossSum, correct, weightsSha256: sha256 })
  }

  const facts = { name, host: 'here', device: 'cpu', cores: 1 }
  return { receive, hello: token => say({ type: 'hello', protocol: protocolVersion, token, ...facts }) }
}
