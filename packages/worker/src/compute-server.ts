import type { GradientEngine, Updater } from '@lockstep/model'
import {
  type Arithmetic,
  createArithmetic,
  createGradientFormat,
  gradientFormatBytes,
  mapIntoArithmetic,
  mappedBytesFor,
} from '@lockstep/model/arithmetic'
import {
  type Clock,
  type Connection,
  createTimeline,
  type Received,
  type SystemMemory,
  workerPhases,
} from '@lockstep/protocol'
import { type ComputeSetup, type FromCompute, memoryOf, type ToCompute } from './compute-messages.ts'
import { type ExchangeMemory, openExchangeMemory } from './exchange-memory.ts'
import { openLane } from './lane.ts'
import { createComputeProgress } from './progress.ts'
import { createReplica } from './replica.ts'
import { createTensorPlaces } from './tensor-places.ts'
import { createWorkload } from './workload.ts'

/** What a computing thread computes with, and what it reports about that. */
export type Computation = {
  readonly engine: GradientEngine
  /** Creates the updater of a replica whose vectors lie in this arithmetic's memory. */
  readonly createUpdater: (arithmetic: Arithmetic) => Updater
  readonly layoutHash: string
  /** Elements of the flat weights. */
  readonly size: number
  readonly backend: string
  readonly systemMemory: SystemMemory | null
}

/** What a thread does for one connection of its worker. */
type Task = {
  readonly session: number
  readonly receive: (received: Received) => void
  readonly openLane: () => Promise<void>
  readonly end: () => Promise<void>
}

type BeginSession = Extract<ToCompute, { type: 'session' }>

/** What connects a computation to the rest of the worker. */
export type ComputeSurroundings = {
  readonly post: (message: FromCompute, transfer: ArrayBuffer[]) => void
  /** Called after each gradient that has been sent. */
  readonly afterAnswer: () => void
  readonly clock: Clock
}

/**
 * Reports that the model is built, and returns the function that takes messages. An error in a message rejects a
 * promise that nothing awaits, which ends the thread.
 */
export function createComputeServer(
  { config }: ComputeSetup,
  { engine, createUpdater, layoutHash, size, backend, systemMemory }: Computation,
  { post, afterAnswer, clock }: ComputeSurroundings,
): (message: ToCompute) => void {
  /** Bytes for the weights, at most two moments, the mean gradient, and packing gradients. */
  const replicaBytes = 4 * (size * Float32Array.BYTES_PER_ELEMENT + 64) + gradientFormatBytes(config, size)
  let latest = 0
  let current: Task | null = null

  function take(message: ToCompute): void {
    // An error ends the thread, and the thread that started it is notified.
    if (message.type === 'session') void beginSession(message)
    else if (message.session === current?.session) current.receive(message.received)
  }

  async function beginSession(begin: BeginSession): Promise<void> {
    const { session, terms } = begin
    latest = session
    const previous = current
    const { sharedMemory } = terms
    const mappedBytes = sharedMemory === null ? 0 : mappedBytesFor(sharedMemory.board.slotBytes)
    const arithmetic = createArithmetic({ capacityBytes: replicaBytes, mappedBytes })
    const mapFile = systemMemory === null ? null : mapIntoArithmetic(systemMemory, arithmetic)
    const memory = sharedMemory === null ? null : openExchangeMemory(sharedMemory, mapFile)
    const task = createTask(begin, arithmetic, memory)
    // A worker that shares no memory with the coordinator is on another machine, or in a container.
    if (memory !== null) await task.openLane()
    if (session !== latest) return task.end()
    current = task
    post({ type: 'session', session, sharesMemory: memory !== null }, [])
    await previous?.end()
  }

  function createTask(
    { session, terms, progress }: BeginSession,
    arithmetic: Arithmetic,
    memory: ExchangeMemory | null,
  ): Task {
    const workload = createWorkload(clock.nowMs)
    const shared = createComputeProgress(progress, clock)
    const tellProgress = () => shared.write(workload.report())
    const format = createGradientFormat(config, arithmetic, size)
    let lane: Connection | null = null
    const replica = createReplica({
      engine,
      updater: createUpdater(arithmetic),
      arithmetic,
      places: createTensorPlaces(terms.sizes, memory, format),
      timeline: createTimeline(workerPhases, clock.nowMs),
      answer: answer => {
        workload.answer(answer.message.step)
        tellProgress()
        if (lane === null) post({ type: 'answer', session, ...answer }, memoryOf(answer.tensors))
        else lane.send(answer.message, answer.tensors)
        afterAnswer()
      },
      onStep: step => {
        workload.reach(step)
        tellProgress()
      },
    })

    function receive(received: Received): void {
      workload.give(received.message)
      tellProgress()
      void replica.receive(received)
    }

    return {
      session,
      receive,
      openLane: async () => {
        lane = await openLane(terms, receive)
      },
      end: async () => {
        lane?.terminate()
        await replica.discard()
        memory?.close()
      },
    }
  }

  post({ type: 'built', layoutHash, backend }, [])
  return take
}
