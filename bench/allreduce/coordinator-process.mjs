// A coordinator of lockstep that takes requests from the benchmark's process: { do: 'open', ... } and { do: 'close' }.
import { startCoordinator } from '@lockstep/coordinator'
import { loadSystemMemory } from '@lockstep/tensorflow/system-memory'
import { listenToParent, tell } from '../support/parent.mjs'
import { planExchange } from './plan-exchange.mjs'

/** A run folder that stores nothing. */
const folder = {
  path: 'allreduce',
  life: 1,
  refuseSuperseded: async () => undefined,
  appendEpoch: async () => undefined,
  appendStep: async () => undefined,
  settleMetrics: async () => undefined,
  writeSummary: async () => undefined,
  writeModel: async () => undefined,
  writeCheckpoint: async () => 'nowhere',
}
let running = null

listenToParent(request => {
  const handle = request.do === 'open' ? open : close
  handle(request).then(
    reply => tell({ ...reply, type: 'reply' }),
    error => tell({ type: 'reply', error: error.message }),
  )
})

async function open({ host, token, elements, workers, steps, topology, shareMemory, provisioned }) {
  const stop = new AbortController()
  const coordinator = await startCoordinator({
    plan: planExchange({ elements, workers, steps }),
    openFolder: async () => folder,
    listen: { host, port: 0, tls: null },
    token,
    minWorkers: workers,
    waitMs: 60_000,
    topology,
    audit: 0,
    shareMemory,
    systemMemory: loadSystemMemory(provisioned),
    checkpointEvery: 0,
    checkpointMinutes: 0,
    logSteps: false,
    trace: null,
    stop: stop.signal,
    onEvent: report,
  })
  running = { stop, finished: coordinator.finished }
  coordinator.finished.catch(error => tell({ type: 'failed', reason: error.message }))
  return { url: coordinator.url }
}

/** Resolves when all workers have left. */
async function close() {
  running?.stop.abort()
  await running?.finished.catch(() => undefined)
  running = null
  globalThis.gc?.()
  return {}
}

function report({ type, worker, address, reason }) {
  if (type === 'group-linked') tell({ type: 'linked' })
  if (type === 'group-over' && !running?.stop.signal.aborted)
    tell({ type: 'failed', reason: `the workers gave up their links: ${reason}` })
  if (type === 'worker-lost' && !running?.stop.signal.aborted)
    tell({ type: 'failed', reason: `${worker.name} was lost: ${reason}` })
  if (type === 'refused') tell({ type: 'failed', reason: `${address} was refused: ${reason}` })
}
