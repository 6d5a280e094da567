import type { CoordinatorEvent, RunPlan, RunSummary } from '@lockstep/coordinator'
import { LockstepError } from '@lockstep/protocol'
import { checkState } from '../invariants/replicas.ts'
import { checkMetrics, checkSummary } from '../invariants/run-folder.ts'
import { referenceRun } from '../model/reference-run.ts'
import type { Scenario } from '../scenario.ts'
import { Violation } from '../violation.ts'
import { createChance } from '../world/chance.ts'
import { createSimulatedDisk, type SimulatedDisk } from '../world/disk.ts'
import { createNetwork, type Network } from '../world/network.ts'
import { createProcess, type Ending, type SimulatedProcess } from '../world/process.ts'
import { createSimulatedTime, type SimulatedTime } from '../world/time.ts'
import { coordinatorHost, liveAsCoordinator, runFolder } from './coordinator-life.ts'
import { createWorkerSeat, type WorkerSeat } from './worker-seat.ts'

/** How long it takes until something that has ended is started again. */
const restart = { leastMs: 5, mostMs: 400 }

/** A coordinator, its workers, and an operator who starts again whatever has ended before the run has. */
export type Cluster = {
  readonly time: SimulatedTime
  readonly network: Network
  readonly disk: SimulatedDisk
  readonly coordinator: () => SimulatedProcess
  /** Asks the coordinator to stop after its step, as Ctrl-C does. */
  readonly interrupt: () => void
  readonly workers: readonly WorkerSeat[]
  readonly addWorker: () => void
  /** The summary of the run once it has ended. */
  readonly summary: () => RunSummary | null
  /** Throws a `Violation` for what must never be. */
  readonly check: () => void
  /** Something that has been found wrong where it could not be thrown. */
  readonly fail: (violation: Error) => void
  readonly describe: () => string
}

type Life = {
  readonly process: SimulatedProcess
  readonly stop: AbortController
  plan: RunPlan | null
  startStep: number
}

export function createCluster(scenario: Scenario): Cluster {
  const { seed } = scenario
  const time = createSimulatedTime()
  const chance = createChance(seed, 'operator')
  const network = createNetwork(time, createChance(seed, 'network'), scenario.latency)
  const disk = createSimulatedDisk(time, createChance(seed, 'disk'))
  const reference = referenceRun(scenario.config)
  const workers: WorkerSeat[] = []
  let failure: Error | null = null
  let summary: RunSummary | null = null
  let lives = 0
  /** The step of the last checkpoint that was said to be written. */
  let written: number | null = null
  let life = startLife()
  while (workers.length < scenario.workers) addWorker()

  function fail(error: Error): void {
    failure ??= error
  }

  function guard(action: () => void): void {
    try {
      action()
    } catch (error) {
      fail(error as Error)
    }
  }

  function startLife(): Life {
    lives += 1
    const process = createProcess(time, `coordinator ${lives}`, coordinatorHost)
    const next: Life = { process, stop: new AbortController(), plan: null, startStep: 0 }
    network.boot(coordinatorHost)
    process.onEnd(ending => endLife(ending))
    const resumes = hasCheckpoint(disk)
    if (!resumes) beginAnew()
    liveAsCoordinator({
      process,
      scenario,
      network,
      disk,
      runId: `run-${lives}`,
      resumes,
      stop: next.stop.signal,
      onPlan: plan => guard(() => takePlan(next, plan)),
      onFolder: () =>
        guard(() => checkMetrics(reference, disk, next.plan!.state.history.epochs.length, 'at the start of a life')),
      onEvent: event => guard(() => hear(next, event)),
    }).then(
      ended => guard(() => finish(next, ended)),
      error => giveUp(next, error),
    )
    return next
  }

  function beginAnew(): void {
    if (written !== null) fail(new Violation(`a checkpoint of step ${written} was written, and there is none`))
    if (disk.peek(`${runFolder}/config.json`) !== null) disk.removeFolder(runFolder)
  }

  function takePlan(next: Life, plan: RunPlan): void {
    next.plan = plan
    next.startStep = plan.state.step
    if (written === null || plan.state.step >= written) return
    throw new Violation(`a checkpoint of step ${written} was written, and the newest one is of step ${plan.state.step}`)
  }

  function hear({ process }: Life, event: CoordinatorEvent): void {
    if (!process.isAlive()) return
    if (event.type === 'checkpoint') written = Math.max(written ?? 0, event.step)
    if (event.type === 'epoch') checkMetrics(reference, disk, event.metrics.epoch, 'after an epoch')
    if (event.type === 'refused' && !/ECONNRESET/.test(event.reason))
      throw new Violation(`a worker was refused: ${event.reason}`)
    if (event.type === 'worker-lost' && event.reason.startsWith('refused')) {
      throw new Violation(`worker ${event.worker.id} was ${event.reason}`)
    }
  }

  function finish(ended: Life, result: RunSummary): void {
    if (!ended.process.isAlive()) return
    ended.process.end('exit')
    if (result.status === 'interrupted') return
    if (result.status !== 'completed') throw new Violation(`the run has ${result.status}`)
    checkSummary(reference, result, ended.startStep)
    checkMetrics(reference, disk, reference.epochs.length, 'at the end')
    summary = result
  }

  function giveUp({ process }: Life, error: unknown): void {
    if (!process.isAlive()) return
    if (error instanceof LockstepError && isWorldsFault(error)) process.end('exit')
    else fail(error instanceof Error ? error : new Error(String(error)))
  }

  function endLife(ending: Ending): void {
    if (ending === 'power-loss') disk.losePower()
    time.after(chance.between(restart.leastMs, restart.mostMs), () => {
      if (summary === null) life = startLife()
    })
  }

  function addWorker(): void {
    const number = workers.length + 1
    const seat = createWorkerSeat({
      time,
      network,
      reference,
      number,
      fail,
      msPerSample: scenario.msPerSample[number - 1] ?? 1,
      chance: createChance(seed, `worker ${number}`),
      isOver: () => summary !== null,
      restart,
    })
    workers.push(seat)
  }

  return {
    time,
    network,
    disk,
    workers,
    addWorker,
    fail,
    coordinator: () => life.process,
    interrupt: () => life.stop.abort(),
    summary: () => summary,
    check: () => {
      if (failure !== null) throw failure
      if (life.plan !== null && life.process.isAlive()) checkState(reference, life.plan)
      for (const worker of workers) worker.check()
    },
    describe: () => {
      const state = life.plan?.state
      const where = state === undefined ? 'no plan' : `step ${state.step}`
      return `${life.process.name} ${life.process.isAlive() ? 'alive' : 'dead'}, ${where}; ${workers.map(worker => worker.describe()).join('; ')}`
    },
  }
}

/** Ends that are the world's fault: the run is to be gone on with. */
function isWorldsFault({ code }: LockstepError): boolean {
  return ['disk-full', 'no-workers', 'port-taken', 'interrupted'].includes(code)
}

function hasCheckpoint(disk: SimulatedDisk): boolean {
  return disk.list(`${runFolder}/checkpoints`).some(name => name.endsWith('.ckpt'))
}
