import { parentPort, workerData } from 'node:worker_threads'
import type { GradientEngine, Updater } from '@lockstep/model'
import {
  type Arithmetic,
  createArithmetic,
  createGradientFormat,
  gradientFormatBytes,
} from '@lockstep/model/arithmetic'
import { createMonotonicClock, createTimeline, workerPhases } from '@lockstep/protocol'
import { type ComputeSetup, type FromCompute, memoryOf, type SessionTerms, type ToCompute } from './compute-messages.ts'
import { type ExchangeMemory, openExchangeMemory } from './exchange-memory.ts'
import { createReplica, type Replica } from './replica.ts'
import { createTensorPlaces } from './tensor-places.ts'

/** What a computing thread computes with, and what it tells of it. */
export type Computation = {
  readonly engine: GradientEngine
  /** How a replica is moved whose vectors lie in this arithmetic's memory. */
  readonly createUpdater: (arithmetic: Arithmetic) => Updater
  readonly layoutHash: string
  /** Elements of the flat weights. */
  readonly size: number
  readonly backend: string
}

/** Runs the thread that `startCompute` has started: makes what it computes with, then answers messages until it is stopped. */
export async function serveCompute(prepare: (setup: ComputeSetup) => Promise<Computation>): Promise<void> {
  const port = parentPort!
  const setup = workerData as ComputeSetup
  const { config } = setup
  const { engine, createUpdater, layoutHash, size, backend } = await prepare(setup)
  /** Weights, at most two moments, the mean gradient, and what packing gradients takes. */
  const replicaBytes = 4 * (size * Float32Array.BYTES_PER_ELEMENT + 64) + gradientFormatBytes(config, size)
  const nowMs = createMonotonicClock()
  let current: { readonly session: number; readonly replica: Replica; readonly memory: ExchangeMemory | null } | null =
    null

  port.on('message', (message: ToCompute) => {
    // An error ends the thread, and the thread that started it hears of it.
    if (message.type === 'session') void beginSession(message.session, message.terms)
    else if (message.session === current?.session) void current.replica.receive(message.received)
  })
  post({ type: 'built', layoutHash, backend })

  async function beginSession(session: number, { sizes, sharedMemory }: SessionTerms): Promise<void> {
    const previous = current
    const memory = sharedMemory === null ? null : openExchangeMemory(sharedMemory)
    const arithmetic = createArithmetic({ capacityBytes: replicaBytes })
    const format = createGradientFormat(config, arithmetic, size)
    const replica = createReplica({
      engine,
      updater: createUpdater(arithmetic),
      arithmetic,
      places: createTensorPlaces(sizes, memory, format),
      timeline: createTimeline(workerPhases, nowMs),
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
}
