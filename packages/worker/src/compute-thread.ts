import { parentPort, workerData } from 'node:worker_threads'
import { createLayout, createOptimizer, fromTopology } from '@lockstep/model'
import { createArithmetic, createGradientFormat, gradientFormatBytes } from '@lockstep/model/arithmetic'
import { loadTensorFlow } from '@lockstep/tensorflow'
import { type ComputeSetup, type FromCompute, memoryOf, type SessionTerms, type ToCompute } from './compute-messages.ts'
import { createEngine } from './engine.ts'
import { type ExchangeMemory, openExchangeMemory } from './exchange-memory.ts'
import { createReplica, type Replica } from './replica.ts'
import { createTensorPlaces } from './tensor-places.ts'

const port = parentPort!
const { config, topology, provisioned } = workerData as ComputeSetup

const { backend, description } = await loadTensorFlow(provisioned)
const model = await fromTopology(topology)
const layout = createLayout(model)
const engine = createEngine(model, layout, config, backend)
/** Weights, at most two moments, the mean gradient, and what packing gradients takes. */
const replicaBytes = 4 * (layout.size * Float32Array.BYTES_PER_ELEMENT + 64) + gradientFormatBytes(config, layout.size)
let current: { readonly session: number; readonly replica: Replica; readonly memory: ExchangeMemory | null } | null =
  null

port.on('message', (message: ToCompute) => {
  // An error ends the thread, and the thread that started it hears of it.
  if (message.type === 'session') void beginSession(message.session, message.terms)
  else if (message.session === current?.session) void current.replica.receive(message.received)
})
post({ type: 'built', layoutHash: layout.hash, backend: description })

async function beginSession(session: number, { sizes, sharedMemory }: SessionTerms): Promise<void> {
  const previous = current
  const memory = sharedMemory === null ? null : openExchangeMemory(sharedMemory)
  const arithmetic = createArithmetic({ capacityBytes: replicaBytes })
  const format = createGradientFormat(config, arithmetic, layout.size)
  const places = createTensorPlaces(sizes, memory, format)
  const optimizer = createOptimizer(config, layout, arithmetic)
  const replica = createReplica({
    engine,
    updater: { optimizer, trainableSize: layout.trainableSize },
    arithmetic,
    places,
    answer: answer => post({ type: 'answer', session, ...answer }, memoryOf(answer.tensors)),
    onStep: step => post({ type: 'step', session, step }),
  })
  current = { session, replica, memory }
  post({ type: 'session', session, sharesMemory: memory !== null })
  await previous?.replica.discard()
  previous?.memory?.close()
}

function post(message: FromCompute, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer)
}
