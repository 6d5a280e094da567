import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type CoordinatorEvent,
  type CoordinatorOptions,
  createRunFolder,
  planRun,
  startCoordinator,
} from '@lockstep/coordinator'
import { plainOptions } from '@lockstep/coordinator/testing'
import { createShapes, type DataSet, takeFirst } from '@lockstep/data'
import type { RunConfig } from '@lockstep/protocol'
import type { Provisioned } from '@lockstep/tensorflow'
import { runWorker, type WorkerEvent, type WorkerOptions } from '../../src/run-worker.ts'
import type { WorkerWorld } from '../../src/world.ts'
import { cleanUp, later } from './clean-up.ts'
import { config, token } from './configuration.ts'

/** A few hundred images of the embedded data set. */
export function createFewShapes(): DataSet {
  const all = createShapes()
  return { ...all, train: takeFirst(all.train, 200), test: takeFirst(all.test, 40) }
}

/** A coordinator of a run over these images, which ends at the next `cleanUp`. */
export async function startRun(
  dataSet: DataSet,
  options: Partial<CoordinatorOptions> & { readonly config?: Partial<RunConfig> } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-worker-'))
  later(() => rm(folder, { recursive: true, force: true }))
  const stop = new AbortController()
  const events: CoordinatorEvent[] = []
  const plan = await planRun({ runId: folder, config: { ...config, ...options.config }, dataSet, checkpoint: null })
  const coordinator = await startCoordinator({
    ...plainOptions,
    plan,
    openFolder: () => createRunFolder(join(folder, 'run'), {}),
    token,
    stop: stop.signal,
    ...options,
    onEvent: event => {
      events.push(event)
      options.onEvent?.(event)
    },
  })
  coordinator.finished.catch(() => undefined)
  later(async () => {
    stop.abort()
    await coordinator.finished.catch(() => undefined)
  })
  return { ...coordinator, events, stop }
}

/** A worker of this process, which leaves at the next `cleanUp`. */
export function startWorker(
  url: string,
  provisioned: Provisioned,
  options: Partial<WorkerOptions> = {},
  world?: WorkerWorld,
) {
  const events: WorkerEvent[] = []
  const leave = new AbortController()
  later(() => leave.abort())
  const settled: WorkerOptions = {
    url,
    token,
    name: 'worker',
    device: 'cpu',
    waitMs: 30_000,
    provision: async () => provisioned,
    signal: leave.signal,
    ...options,
    onEvent: event => {
      events.push(event)
      options.onEvent?.(event)
    },
  }
  const ended = runWorker(settled, world)
  ended.catch(() => undefined)
  return { ended, events, leave }
}

/** The hash of the final weights of a run with as many workers as it waits for. */
export async function hashOfRun(
  dataSet: DataSet,
  provisioned: Provisioned,
  options: Parameters<typeof startRun>[1] & { readonly minWorkers: number },
): Promise<string> {
  const { url, finished } = await startRun(dataSet, options)
  for (let worker = 0; worker < options.minWorkers; worker++) startWorker(url, provisioned)
  const { weightsSha256 } = await finished
  await cleanUp()
  return weightsSha256
}
