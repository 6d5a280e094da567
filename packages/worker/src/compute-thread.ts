import { parentPort, workerData } from 'node:worker_threads'
import { createLayout, createOptimizer, fromTopology } from '@lockstep/model'
import { loadTensorFlow } from '@lockstep/tensorflow'
import { type ComputeSetup, type FromCompute, memoryOf, type ToCompute } from './compute-messages.ts'
import { createEngine } from './engine.ts'
import { createReplica, type Replica } from './replica.ts'

const port = parentPort!
const { config, topology, provisioned } = workerData as ComputeSetup

const { backend, description } = await loadTensorFlow(provisioned)
const model = await fromTopology(topology)
const layout = createLayout(model)
const engine = createEngine(model, layout, config, backend)
const optimizer = createOptimizer(config, layout)
let current: { readonly session: number; readonly replica: Replica } | null = null

port.on('message', ({ session, received }: ToCompute) => {
  if (current?.session !== session) {
    current?.replica.discard()
    current = { session, replica: replicaOf(session) }
  }
  // An error ends the thread, and the thread that started it hears of it.
  void current.replica.receive(received)
})
post({ type: 'built', layoutHash: layout.hash, backend: description })

function replicaOf(session: number): Replica {
  return createReplica(
    engine,
    { optimizer, trainableSize: layout.trainableSize },
    answer => post({ type: 'answer', session, ...answer }, memoryOf(answer.tensors)),
    step => post({ type: 'step', session, step }),
  )
}

function post(message: FromCompute, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer)
}
