import { z } from 'zod'
import { printable } from './common/printable.ts'
import { computedShard, directMessageSchemas, groupOrder, peerAddress } from './direct-messages.ts'
import { anyNumber, clockMs, count, finite, index, runId, sha256, shortText, step, textUpTo } from './message-fields.ts'
import { runConfigSchema } from './run-config.ts'
import type { TensorType } from './tensor.ts'

/** Raised whenever a message changes so that an older peer would misread it. */
export const protocolVersion = 9

/** The most characters of the token in a `hello`. */
export const maxTokenLength = 1024

/** The most characters of the reason in a `bye`. */
export const maxReasonLength = 2048

/** The most characters of a model's topology. A layer takes a few hundred. */
export const maxTopologyLength = 1 << 20

/** Sizes that both ends know after `welcome`, against which every tensor is checked before it is used. */
export type Sizes = z.infer<typeof sizes>

export type SharedMemoryOffer = z.infer<typeof sharedMemory>

/** What a tensor of a message must be: its type and exactly how many elements. */
type TensorRule = {
  readonly type: (sizes: Sizes) => TensorType
  /** `count`: the message's samples, or the elements in it where it holds a part of a vector. */
  readonly elements: (sizes: Sizes, count: number) => number
}

/**
 * The slot of shared memory that holds the message's tensors, for a worker on the coordinator's machine. Null: they are
 * in the frame.
 */
const slot = index.nullable()
/** A file of slots, named by the descriptor under which the coordinator holds it open. */
const slotFile = z.strictObject({
  path: z.string().regex(/^\/proc\/[0-9]+\/fd\/[0-9]+$/),
  slotBytes: z.int().min(1),
})
const laneName = z.string().regex(/^lockstep-[0-9a-f]{32}$/)
const nonce = z.string().regex(/^[0-9a-f]{32}$/)
const sharedMemory = z.strictObject({
  /** The worker's own file: the samples it computes with, and the gradient computed from them. */
  desk: slotFile,
  /** The file for all workers: the mean gradients of the last steps. */
  board: slotFile,
  /** Both files begin with it, so that a worker can verify that they are the ones offered. */
  nonce,
  /** The name of the socket to which computing threads may connect; null where there is none. */
  lane: laneName.nullable(),
})

/**
 * Not strict: fields of other protocol versions are ignored, so that their workers can be told which version is spoken.
 */
const hello = z.object({
  type: z.literal('hello'),
  protocol: z.int(),
  token: z.string().max(maxTokenLength),
  name: shortText,
  host: shortText,
  device: shortText,
  cores: z.int().min(1),
})

const sizes = z.strictObject({
  /** Elements of the flat weights. */
  weights: z.int().min(1),
  /** How many of them, from the first on, are trained. */
  trainable: z.int().min(1),
  /** Arrays of optimizer moments, each as long as the trainable weights. */
  moments: z.int().min(0),
  bytesPerSample: z.int().min(1),
  /** The most samples in one message. */
  maxSamples: z.int().min(1),
  /** The element type of gradients, both of shards and of their mean. */
  gradientType: z.enum(['float32', 'bfloat16']),
})

const welcome = z.strictObject({
  type: z.literal('welcome'),
  runId: runId.overwrite(printable),
  /** How many coordinators the run has had, this one included. A worker never returns to an earlier one. */
  life: z.int().min(1),
  workerId: z.int().min(1),
  config: runConfigSchema,
  /** The layers of the model as tfjs describes them in JSON, without weights, which come with the `state`. */
  topology: z.string().min(2).max(maxTopologyLength),
  layoutHash: sha256,
  sizes,
  heartbeatMs: z.int().min(1),
  /** Silence after which either end gives the other up. */
  silenceMs: z.int().min(1),
  /** Offered to a worker that is on the same machine. */
  sharedMemory: sharedMemory.nullable(),
  /** Whether workers may be asked to exchange gradients among themselves. */
  direct: z.boolean().optional(),
})

const ready = z.strictObject({
  type: z.literal('ready'),
  runId,
  layoutHash: sha256,
  /** The backend, such as `TensorFlow 2.21.0, CPU`. */
  backend: shortText,
  /** Whether the worker could open the memory that it was offered. */
  sharesMemory: z.boolean(),
  /** Absent where the worker does not listen for others. */
  peer: peerAddress.optional(),
})

/** Opens a lane, and answers: the thread names its worker, proves it with the nonce, and listens under a name. */
const lane = z.strictObject({ type: z.literal('lane'), runId, workerId: z.int().min(1), nonce, replyTo: laneName })

const state = z.strictObject({ type: z.literal('state'), runId, step, powers: z.array(finite).max(8) })

const work = z.strictObject({
  type: z.literal('work'),
  runId,
  step,
  shard: index,
  count,
  slot,
  group: groupOrder.optional(),
})

const gradient = z.strictObject({
  type: z.literal('gradient'),
  ...computedShard,
  /** The slot of the `work` that it answers. */
  slot,
})

const update = z.strictObject({ type: z.literal('update'), runId, step, learningRate: finite, slot })

const evaluate = z.strictObject({ type: z.literal('evaluate'), runId, step, chunk: index, count, slot })

const metrics = z.strictObject({
  type: z.literal('metrics'),
  runId,
  step,
  chunk: index,
  count,
  lossSum: anyNumber,
  correct: index,
  /** Of the replica that evaluated, so that a replica that has drifted is detected. */
  weightsSha256: sha256,
})

const heartbeat = z.strictObject({
  type: z.literal('heartbeat'),
  runId,
  /** The step that the computing thread has reached. */
  step,
  /** Shards and chunks that are due at that step and not answered yet. */
  pending: index,
  /** Time since the computing thread last finished something, or was given something while idle. */
  quietMs: z.number().min(0),
  /** When this was sent, by the sender's clock. */
  sentMs: clockMs,
  /**
   * The last heartbeat of the other end: when it was sent, by the other end's clock, and received, by the sender's.
   * From this the coordinator computes the offset of a worker's clock. Its own heartbeats have no echo.
   */
  echo: z.strictObject({ sentMs: clockMs, receivedMs: clockMs }).nullable(),
})

const bye = z.strictObject({
  type: z.literal('bye'),
  code: z.enum(['finished', 'interrupted', 'leaving', 'failed', 'uncomputable', 'refused', 'hung', 'superseded']),
  reason: textUpTo(maxReasonLength),
})

export const messageSchemas = {
  hello,
  welcome,
  ready,
  lane,
  state,
  work,
  gradient,
  update,
  evaluate,
  metrics,
  heartbeat,
  bye,
  ...directMessageSchemas,
}

export type MessageType = keyof typeof messageSchemas
export type MessageOf<T extends MessageType> = z.infer<(typeof messageSchemas)[T]>
export type Message = { [T in MessageType]: MessageOf<T> }[MessageType]

const float32 = () => 'float32' as const
const uint8 = () => 'uint8' as const
const int32 = () => 'int32' as const

const weights: TensorRule = { type: float32, elements: sizes => sizes.weights }
const gradients: TensorRule = { type: sizes => sizes.gradientType, elements: sizes => sizes.weights }
const samples = {
  pixels: { type: uint8, elements: (sizes, count) => count * sizes.bytesPerSample },
  labels: { type: uint8, elements: (_, count) => count },
} satisfies Record<string, TensorRule>

/** The tensors of each message; a message that is not named here has none. */
export const messageTensors: { readonly [T in MessageType]?: Readonly<Record<string, TensorRule>> } = {
  state: { weights, moments: { type: float32, elements: sizes => sizes.trainable * sizes.moments } },
  work: { ...samples, keys: { type: int32, elements: (_, count) => count } },
  gradient: { gradient: gradients },
  update: { gradient: gradients },
  evaluate: samples,
  slice: { mean: { type: sizes => sizes.gradientType, elements: (_, length) => length } },
}
