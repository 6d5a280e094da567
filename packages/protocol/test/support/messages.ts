import type { Message, MessageType, Sizes } from '../../src/messages.ts'
import type { Tensors } from '../../src/tensor.ts'
import { exampleRunConfig } from '../../src/testing/example-run-config.ts'

export const sizes: Sizes = {
  weights: 7,
  trainable: 5,
  moments: 2,
  bytesPerSample: 12,
  maxSamples: 4,
  gradientType: 'float32',
}

const layoutHash = 'ab'.repeat(32)
const runId = 'run-1'

/** A valid message of every type. */
export const examples: { readonly [T in MessageType]: Extract<Message, { type: T }> } = {
  hello: {
    type: 'hello',
    protocol: 7,
    token: 'secret',
    name: 'a',
    host: 'host',
    device: 'cpu',
    cores: 2,
  },
  welcome: {
    type: 'welcome',
    runId,
    life: 2,
    workerId: 1,
    config: exampleRunConfig,
    topology: '{"class_name":"Sequential"}',
    layoutHash,
    sizes,
    heartbeatMs: 1,
    silenceMs: 2,
    sharedMemory: {
      desk: { path: '/proc/4711/fd/21', slotBytes: 4096 },
      board: { path: '/proc/4711/fd/20', slotBytes: 8192 },
      nonce: '0123456789abcdef'.repeat(2),
      lane: `lockstep-${'5'.repeat(32)}`,
    },
  },
  ready: { type: 'ready', runId, layoutHash, backend: 'TensorFlow 2.21.0, CPU', sharesMemory: true },
  lane: {
    type: 'lane',
    runId,
    workerId: 1,
    nonce: '0123456789abcdef'.repeat(2),
    replyTo: `lockstep-${'6'.repeat(32)}`,
  },
  state: { type: 'state', runId, step: 7, powers: [0.9, 0.999] },
  work: { type: 'work', runId, step: 7, shard: 1, count: 3, slot: null },
  gradient: {
    type: 'gradient',
    runId,
    step: 7,
    shard: 1,
    count: 3,
    lossSum: 2.5,
    correct: 1,
    slot: null,
    times: [5, 0, 1.5],
  },
  update: { type: 'update', runId, step: 7, learningRate: 0.001, slot: null },
  evaluate: { type: 'evaluate', runId, step: 7, chunk: 0, count: 4, slot: null },
  metrics: { type: 'metrics', runId, step: 7, chunk: 0, count: 4, lossSum: 1, correct: 4, weightsSha256: layoutHash },
  heartbeat: {
    type: 'heartbeat',
    runId,
    step: 7,
    pending: 1,
    quietMs: 0.5,
    sentMs: 12.5,
    echo: { sentMs: 3, receivedMs: 4.5 },
  },
  bye: { type: 'bye', code: 'finished', reason: 'done' },
  group: {
    type: 'group',
    runId,
    group: 1,
    members: [{ workerId: 1, url: 'ws://10.0.0.1:4000' }],
    token: 'ab'.repeat(32),
  },
  linked: { type: 'linked', runId, group: 1 },
  unlinked: { type: 'unlinked', runId, group: 1, reason: 'worker 2 closed its link' },
  dissolve: { type: 'dissolve', runId, group: 1 },
  dissolved: { type: 'dissolved', runId, group: 1, step: 7 },
  recall: { type: 'recall', runId, step: 7 },
  contribution: {
    type: 'contribution',
    runId,
    step: 7,
    shard: 1,
    count: 3,
    lossSum: 2.5,
    correct: 1,
    times: [5, 0, 1.5],
  },
  slice: { type: 'slice', runId, step: 7, start: 4, length: 3, total: 50, lossSum: 2.5, correct: 20 },
}

const samples = (count: number): Tensors => ({
  pixels: new Uint8Array(count * sizes.bytesPerSample).fill(7),
  labels: Uint8Array.from({ length: count }, (_, label) => label),
})

/** The tensors that the examples carry. */
export const exampleTensors: { readonly [T in MessageType]?: Tensors } = {
  state: { weights: Float32Array.of(1, 2, 3, 4, 5, 6, 7), moments: new Float32Array(10).fill(0.25) },
  work: { ...samples(3), keys: Int32Array.of(-1, 0, 2 ** 31 - 1) },
  gradient: { gradient: Float32Array.of(-1, 0, 1e-30, Number.NaN, 3, -0, 7) },
  update: { gradient: new Float32Array(7) },
  evaluate: samples(4),
  slice: { mean: Float32Array.of(1, -0, Number.NaN) },
}

export const messageTypes = Object.keys(examples) as MessageType[]
