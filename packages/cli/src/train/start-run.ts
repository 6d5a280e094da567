import {
  type Coordinator,
  type CoordinatorOptions,
  type CoordinatorWorld,
  describeUnusable,
  type EventListener,
  startCoordinator,
  systemWorld,
} from '@lockstep/coordinator'
import type { Provisioned } from '@lockstep/tensorflow'
import { loadSystemMemory } from '@lockstep/tensorflow/system-memory'
import { openFolder } from './open-run-folder.ts'
import type { PreparedRun } from './prepare-run.ts'

export type StartOptions = {
  /** Requests to stop after the current step. */
  readonly stop: AbortSignal
  readonly onEvent: EventListener
  /** Called when the run folder is open; `notices` are for its log. */
  readonly onFolder: (path: string, notices: readonly string[]) => Promise<void>
  /** The backend on this machine; null without local workers. */
  readonly provisioned: Provisioned | null
  readonly goesOnAfter?: CoordinatorOptions['goesOnAfter']
}

/** Starts the coordinator of a prepared run. */
export function startRun(
  prepared: PreparedRun,
  { stop, onEvent, onFolder, provisioned, goesOnAfter }: StartOptions,
  world: CoordinatorWorld = systemWorld,
): Promise<Coordinator> {
  const { plan, launch, address, token, tls } = prepared
  const options: CoordinatorOptions = {
    plan,
    openFolder: async () => {
      const folder = await openFolder(prepared, onEvent)
      await onFolder(folder.path, noticesOf(prepared))
      return folder
    },
    listen: { ...address, tls },
    token,
    minWorkers: prepared.minWorkers,
    quorum: prepared.quorum,
    waitMs: launch.wait * 1000,
    hasLocalWorkers: provisioned !== null,
    topology: launch.topology,
    audit: launch.audit,
    shareMemory: process.env.LOCKSTEP_SHARED_MEMORY !== 'off',
    systemMemory: provisioned === null ? null : loadSystemMemory(provisioned),
    checkpointEvery: launch.checkpointEvery,
    checkpointMinutes: launch.checkpointMinutes,
    logSteps: launch.logSteps,
    trace: launch.trace === null ? null : { file: launch.trace, steps: launch.traceSteps },
    stop,
    goesOnAfter,
    onEvent,
  }
  return startCoordinator(options, world)
}

/** Notices about the checkpoint from which a run continues, and why newer ones are unusable. */
function noticesOf({ resumed }: PreparedRun): readonly string[] {
  return resumed === null ? [] : [...describeUnusable(resumed), `resumes from ${resumed.name}`]
}
