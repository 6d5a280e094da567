import type { CoordinatorEvent, RunPlan, RunSummary } from '@lockstep/coordinator'
import { LockstepError } from '@lockstep/protocol'
import type { SimulatedTime } from '@lockstep/protocol/testing'
import { checkHalt } from '../invariants/groups.ts'
import { checkState } from '../invariants/replicas.ts'
import { checkMetrics, checkSummary } from '../invariants/run-folder.ts'
import type { ReferenceRun } from '../model/reference-run.ts'
import type { Scenario } from '../scenario.ts'
import { Violation } from '../violation.ts'
import type { Chance } from '../world/chance.ts'
import type { SimulatedDisk } from '../world/disk.ts'
import type { Network } from '../world/network.ts'
import { createProcess, type Ending, type SimulatedProcess } from '../world/process.ts'
import { coordinatorPort, liveAsCoordinator, runFolder } from './coordinator-life.ts'
import { createMembershipWatch } from './membership-watch.ts'
import type { Restart } from './worker-seat.ts'

/** The coordinator's place: one life after the other, until the run has ended. */
export type CoordinatorSeat = {
  /** The process of the latest life. */
  readonly process: () => SimulatedProcess
  /** The address at which a worker finds a coordinator. Sometimes it is that of a superseded one that still lives. */
  readonly address: (chance: Chance) => string
  /** Asks the coordinator to stop after its step, as Ctrl-C does. */
  readonly interrupt: () => void
  /** Starts a coordinator for the run on another machine while this one still lives, perhaps suspended. */
  readonly supersede: () => void
  /** The worker computes wrongly from now on, so it may be dropped. */
  readonly suspect: (worker: string) => void
  /** The worker's computing thread is going to hang. */
  readonly expectHang: (worker: string) => void
  /** How many groups of workers were linked, in all lives. */
  readonly groups: () => number
  /** The summary of the run once it has ended. */
  readonly summary: () => RunSummary | null
  readonly check: () => void
  readonly describe: () => string
}

export type CoordinatorSeatOptions = {
  readonly scenario: Scenario
  readonly time: SimulatedTime
  readonly network: Network
  readonly disk: SimulatedDisk
  readonly chance: Chance
  readonly reference: ReferenceRun
  readonly restart: Restart
  readonly fail: (error: Error) => void
}

type Life = {
  readonly process: SimulatedProcess
  readonly stop: AbortController
  plan: RunPlan | null
  startStep: number
  /**
   * The step of the last checkpoint reported as written before this life began. An earlier life that goes on may write
   * more.
   */
  readonly writtenBefore: number | null
  /** The folder belongs to this life. */
  begun: boolean
  /** It has reported that lines could not be written, and keeps them queued. */
  keepsLines: boolean
}

export function createCoordinatorSeat(options: CoordinatorSeatOptions): CoordinatorSeat {
  const { scenario, time, network, disk, chance, reference, restart, fail } = options
  const lives: Life[] = []
  const membership = createMembershipWatch()
  let groups = 0
  let summary: RunSummary | null = null
  /** The step of the last checkpoint reported as written. */
  let written: number | null = null
  startLife('coordinator')

  function latest(): Life {
    return lives.at(-1)!
  }

  function guard(action: () => void): void {
    try {
      action()
    } catch (error) {
      fail(error as Error)
    }
  }

  function startLife(host: string): void {
    const number = lives.length + 1
    const process = createProcess(time, `coordinator ${number}`, host)
    const life: Life = {
      process,
      stop: new AbortController(),
      plan: null,
      startStep: 0,
      writtenBefore: written,
      begun: false,
      keepsLines: false,
    }
    lives.push(life)
    network.boot(host)
    process.onEnd(ending => endLife(life, ending))
    const resumes = hasCheckpoint(disk)
    if (!resumes) beginAnew()
    liveAsCoordinator({
      process,
      scenario,
      network,
      disk,
      runId: `run-${number}`,
      resumes,
      stop: life.stop.signal,
      onPlan: plan => guard(() => takePlan(life, plan)),
      onFolder: () => guard(() => begin(life)),
      onEvent: event => guard(() => hear(life, event)),
    }).then(
      result => guard(() => finish(life, result)),
      error => giveUp(life, error),
    )
  }

  function beginAnew(): void {
    if (written !== null) fail(new Violation(`a checkpoint of step ${written} was written, and there is none`))
    if (disk.peek(`${runFolder}/config.json`) !== null) disk.removeFolder(runFolder)
  }

  function takePlan(life: Life, plan: RunPlan): void {
    life.plan = plan
    life.startStep = plan.state.step
    const { writtenBefore } = life
    const { step } = plan.state
    if (writtenBefore === null || step >= writtenBefore) return
    throw new Violation(`a checkpoint of step ${writtenBefore} was written, and the newest one is of step ${step}`)
  }

  function begin(life: Life): void {
    life.begun = true
    checkMetrics(reference, disk, epochsOf(life), 'at the start of a life')
  }

  function hear(life: Life, event: CoordinatorEvent): void {
    if (!life.process.isAlive()) return
    if (event.type === 'group-linked') groups += 1
    if (event.type === 'group-over' && event.cause === 'halted') checkHalt(scenario, event.reason)
    if (event.type === 'checkpoint') written = Math.max(written ?? 0, event.step)
    if (event.type === 'not-written' && event.what === 'metrics') life.keepsLines = true
    if (event.type === 'written-again' && event.what === 'metrics') life.keepsLines = false
    if (event.type === 'epoch' && life === latest()) {
      checkMetrics(reference, disk, event.metrics.epoch, 'after an epoch', life.keepsLines)
    }
    membership.hear(event)
  }

  function finish(life: Life, result: RunSummary): void {
    if (!life.process.isAlive()) return
    if (result.status === 'completed') {
      checkSummary(reference, result, life.startStep)
      checkMetrics(reference, disk, reference.epochs.length, 'at the end')
      summary = result
    } else if (result.status !== 'interrupted') throw new Violation(`the run has ${result.status}`)
    life.process.end('exit')
  }

  function giveUp({ process }: Life, error: unknown): void {
    if (!process.isAlive()) return
    if (error instanceof LockstepError && (isWorldsFault(error) || isInEachOthersWay(error))) process.end('exit')
    else fail(error instanceof Error ? error : new Error(String(error)))
  }

  /** Two simultaneous lives share the process id here, and so the names of their temporary files. */
  function isInEachOthersWay({ code }: LockstepError): boolean {
    return code === 'file-not-written' && lives.some(({ process }) => process.host !== lives[0]!.process.host)
  }

  function endLife(life: Life, ending: Ending): void {
    if (ending === 'power-loss') disk.losePower(life.process.host)
    time.after(chance.between(restart.leastMs, restart.mostMs), () => {
      if (summary === null && life === latest()) startLife(life.process.host)
    })
  }

  function isAlive({ process }: Life): boolean {
    return process.isAlive()
  }

  return {
    process: () => latest().process,
    address: draws => {
      const old = lives.filter(life => isAlive(life) && life !== latest())
      const life = old.length > 0 && draws.happens(0.4) ? draws.pick(old) : latest()
      return `${life.process.host}:${coordinatorPort}`
    },
    suspect: membership.suspect,
    expectHang: membership.expectHang,
    interrupt: () => latest().stop.abort(),
    supersede: () => {
      // Two lives that begin at the same moment are outside of what is promised.
      if (latest().begun && hasCheckpoint(disk)) startLife(`coordinator-${lives.length + 1}`)
    },
    groups: () => groups,
    summary: () => summary,
    check: () => {
      for (const { plan } of lives.filter(isAlive)) if (plan !== null) checkState(reference, plan)
    },
    describe: () => {
      const { process, plan } = latest()
      const state = process.isAlive() ? (process.isSuspended() ? 'suspended' : 'alive') : 'dead'
      return `${process.name} ${state} at step ${plan?.state.step ?? '-'}`
    },
  }
}

function epochsOf({ plan }: Life): number {
  return plan!.state.history.epochs.length
}

/** Errors caused by the simulated world, after which the run has to continue. */
function isWorldsFault({ code }: LockstepError): boolean {
  return ['disk-full', 'no-workers', 'port-taken', 'interrupted', 'superseded'].includes(code)
}

function hasCheckpoint(disk: SimulatedDisk): boolean {
  return disk.list(`${runFolder}/checkpoints`).some(name => name.endsWith('.ckpt'))
}
