import {
  type CoordinatorEvent,
  createRunFolder,
  findCheckpoint,
  type RunPlan,
  type RunSummary,
  reopenRunFolder,
  startCoordinator,
} from '@lockstep/coordinator'
import { planTinyRun } from '../model/tiny-plan.ts'
import type { Scenario } from '../scenario.ts'
import type { SimulatedDisk } from '../world/disk.ts'
import type { Network } from '../world/network.ts'
import type { SimulatedProcess } from '../world/process.ts'
import { listenOn } from './listen.ts'

export const runFolder = '/runs/simulated'
export const coordinatorPort = 1
export const token = 'token'

/** How long the coordinator waits for a first or another worker before it gives up. */
const waitMs = 60_000

/** Fewer checkpoints than a run takes, so that old ones are removed. */
const keep = 3

/** A run has some ten steps, so it must choose between the star and the direct exchange much sooner than usual. */
const topologyTrial = { settlingSteps: 0, timedSteps: 1 }

export type CoordinatorLife = {
  readonly process: SimulatedProcess
  readonly scenario: Scenario
  readonly network: Network
  readonly disk: SimulatedDisk
  /** The id of a run that starts afresh. */
  readonly runId: string
  /** Whether there is a run to continue. */
  readonly resumes: boolean
  readonly stop: AbortSignal
  /** The initial state of this life is known. */
  readonly onPlan: (plan: RunPlan) => void
  /** The run folder is ready. */
  readonly onFolder: () => void
  readonly onEvent: (event: CoordinatorEvent) => void
}

/**
 * Does what the command line does: takes the newest checkpoint or starts afresh, then coordinates the run to its end.
 */
export async function liveAsCoordinator(life: CoordinatorLife): Promise<RunSummary> {
  const { process, scenario, network, runId, resumes } = life
  const disk = life.disk.of(process)
  const found = resumes ? await findCheckpoint(runFolder, { disk }) : null
  const checkpoint = found?.checkpoint ?? null
  const plan = planTinyRun(checkpoint?.runId ?? runId, scenario.config, checkpoint)
  life.onPlan(plan)
  const facts = { runId: plan.identity.runId }
  const { history, step } = plan.state
  const known = { epochs: [...history.epochs], step, unusable: found?.unusable.map(({ name }) => name) ?? [] }
  const coordinator = await startCoordinator(
    {
      plan,
      openFolder: async () => {
        const folder = await (resumes
          ? reopenRunFolder(runFolder, known, facts, disk, { keep })
          : createRunFolder(runFolder, facts, disk, { keep }))
        life.onFolder()
        return folder
      },
      listen: { host: process.host, port: coordinatorPort, tls: null },
      token,
      minWorkers: scenario.minWorkers,
      waitMs,
      shareMemory: false,
      topology: scenario.topology,
      topologyTrial,
      audit: scenario.audit,
      checkpointEvery: scenario.checkpointEvery,
      checkpointMinutes: 0,
      logSteps: false,
      trace: null,
      stop: life.stop,
      onEvent: life.onEvent,
    },
    { clock: process.clock, listen: listenOn(network, process) },
  )
  return coordinator.finished
}
