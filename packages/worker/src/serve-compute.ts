import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '@lockstep/protocol'
import { createYoungCollector } from './collect-young.ts'
import type { ComputeSetup } from './compute-messages.ts'
import { type Computation, type ComputeSurroundings, createComputeServer } from './compute-server.ts'

/**
 * Runs the thread that `startCompute` has started: prepares the computation, then answers messages until it is stopped.
 */
export async function serveCompute(prepare: (setup: ComputeSetup) => Promise<Computation>): Promise<void> {
  const port = parentPort!
  const setup = workerData as ComputeSetup
  const post: ComputeSurroundings['post'] = (message, transfer) => port.postMessage(message, transfer)
  const afterAnswer = createYoungCollector()
  port.on('message', createComputeServer(setup, await prepare(setup), { post, afterAnswer, clock: systemClock }))
}
