import { LockstepError } from '@lockstep/protocol'
import type { SimulatedTime } from '@lockstep/protocol/testing'
import type { PeerNetwork, WorkerEvent } from '@lockstep/worker'
import { createLivesWatch } from '../invariants/lives.ts'
import { checkComputation, checkWeights } from '../invariants/replicas.ts'
import type { ReferenceRun } from '../model/reference-run.ts'
import type { Chance } from '../world/chance.ts'
import type { Network } from '../world/network.ts'
import { createProcess, type SimulatedProcess } from '../world/process.ts'
import type { CoordinatorSeat } from './coordinator-seat.ts'
import { liveAsWorker } from './worker-life.ts'

/** A worker's place on a machine of its own: one life after the other, until the run has ended. */
export type WorkerSeat = {
  readonly host: string
  readonly process: () => SimulatedProcess
  /** Makes the worker leave with a `bye`. */
  readonly leave: () => void
  /** Multiplies its time per sample by this factor. */
  readonly setPace: (factor: number) => void
  /** Makes its computing thread hang at the next computation. */
  readonly hang: () => void
  /** Makes its next gradient not finite. */
  readonly spoil: () => void
  /** Makes the worker lose `dissolve` and `recall`. A worker that does not answer them may be dropped. */
  readonly ignoreEnds: (ignores: boolean) => void
  readonly check: () => void
  readonly describe: () => string
}

export type Restart = { readonly leastMs: number; readonly mostMs: number }

export type WorkerSeatOptions = {
  readonly time: SimulatedTime
  readonly network: Network
  readonly peersOf: (process: SimulatedProcess) => PeerNetwork
  readonly chance: Chance
  readonly reference: ReferenceRun
  readonly number: number
  readonly msPerSample: number
  readonly restart: Restart
  readonly coordinator: CoordinatorSeat
  readonly fail: (error: Error) => void
}

type Life = {
  readonly process: SimulatedProcess
  readonly leave: AbortController
  replica: { readonly weights: Float32Array; readonly step: number } | null
  lastEvent: WorkerEvent['type'] | 'started'
}

export function createWorkerSeat(options: WorkerSeatOptions): WorkerSeat {
  const { time, network, chance, reference, number, fail, coordinator } = options
  const host = `worker-${number}`
  let lives = 0
  let pace = 1
  let ignoresEnds = false
  /** Faults that are to happen once. */
  const once = { hang: false, spoil: false }
  let life = startLife()

  function startLife(): Life {
    lives += 1
    const process = createProcess(time, `worker ${number}.${lives}`, host)
    const next: Life = { process, leave: new AbortController(), replica: null, lastEvent: 'started' }
    const watchLives = createLivesWatch(process.name)
    network.boot(host)
    pace = 1
    ignoresEnds = false
    Object.assign(once, { hang: false, spoil: false })
    process.onEnd(() => time.after(chance.between(options.restart.leastMs, options.restart.mostMs), restart))
    liveAsWorker({
      process,
      network,
      peers: options.peersOf(process),
      chance,
      address: () => coordinator.address(chance),
      leave: next.leave.signal,
      hears: ({ type }) => !(ignoresEnds && (type === 'dissolve' || type === 'recall')),
      watch: {
        msPerSample: () => options.msPerSample * pace,
        hangs: () => takeOnce('hang'),
        spoils: () => takeOnce('spoil'),
        onReplica: (weights, step) => {
          next.replica = { weights, step }
        },
        onGradient: (weights, pixels) => {
          if (process.isAlive()) checkComputation(reference, weights, pixels, process.name)
        },
      },
      onEvent: event => {
        next.lastEvent = event.type
        if (event.type === 'connected' && process.isAlive()) watchLives(event.runId, event.life)
      },
    }).then(
      () => process.end('exit'),
      error => {
        if (error instanceof LockstepError) process.end('exit')
        else if (process.isAlive()) fail(error)
      },
    )
    return next
  }

  function takeOnce(what: keyof typeof once): boolean {
    const happens = once[what]
    once[what] = false
    return happens
  }

  function restart(): void {
    if (coordinator.summary() === null) life = startLife()
  }

  return {
    host,
    process: () => life.process,
    leave: () => life.leave.abort(),
    setPace: factor => {
      pace = factor
    },
    hang: () => {
      coordinator.expectHang(life.process.name)
      once.hang = true
    },
    spoil: () => {
      once.spoil = true
    },
    ignoreEnds: ignores => {
      if (ignores) coordinator.suspect(life.process.name)
      ignoresEnds = ignores
    },
    check: () => {
      const { replica, process } = life
      if (replica !== null && process.isAlive()) checkWeights(reference, replica.weights, replica.step, process.name)
    },
    describe: () => {
      const { process, lastEvent, replica } = life
      const state = process.isAlive() ? (process.isSuspended() ? 'suspended' : lastEvent) : 'dead'
      return `${process.name} ${state} at step ${replica?.step ?? '-'}`
    },
  }
}
