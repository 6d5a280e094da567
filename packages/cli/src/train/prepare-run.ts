import { planRun, type RunPlan, refuseTaken } from '@lockstep/coordinator'
import { openDataSet } from '@lockstep/data'
import { LockstepError } from '@lockstep/protocol'
import type { LaunchOptions } from '../flags/launch-options.ts'
import type { Settings } from '../flags/read-settings.ts'
import { runConfigDefaults } from '../flags/run-config-defaults.ts'
import { createProgressBar } from '../terminal/progress.ts'
import { type Crew, chooseCrew, chooseRemoteCrew, readCapacity } from './choose-crew.ts'
import { type ListenAddress, readListenAddress } from './listen-address.ts'
import { readTls, readToken } from './secrets.ts'
import { findResumed, newRunFolder, newRunId, type Resumed, settleConfig } from './settle-run.ts'

/** A run that can begin: everything that could be wrong with it has been looked at. */
export type PreparedRun = {
  readonly plan: RunPlan
  readonly launch: LaunchOptions
  readonly crew: Crew
  /** Workers to wait for before the first step. */
  readonly minWorkers: number
  /** Workers without which no further step is begun. */
  readonly quorum: number
  /** Null for a new run. */
  readonly resumed: Resumed | null
  readonly folder: string
  readonly address: ListenAddress
  readonly token: string
  readonly tls: { readonly cert: string; readonly key: string } | null
}

/** Checks what was asked for, chooses the crew, opens the data set and plans the run; writes nothing yet. */
export async function prepareRun(
  settings: Settings,
  resume: string | null,
  hasLocalWorkers: boolean,
  stream: NodeJS.WriteStream,
): Promise<PreparedRun> {
  const { launch } = settings
  const address = readListenAddress(launch.listen, launch.tokenFile !== null)
  if (launch.tlsCert !== null && launch.topology === 'direct') throw directInTheOpen()
  const token = await readToken(launch.tokenFile)
  const tls = await readTls(launch.tlsCert, launch.tlsKey)

  const resumed = resume === null ? null : await findResumed(resume, settings)
  if (launch.runDir !== null) await refuseTaken(launch.runDir)
  const crew = settleCrew(settings, resumed, hasLocalWorkers)
  if (resumed === null) settleConfig(settings.config, settings.config.dataset ?? 'cifar10', crew)

  const dataSet = await openDataSetFor(settings, resumed, stream)
  const config = resumed?.facts.config ?? settleConfig(settings.config, dataSet.name, crew)
  const folder = resumed?.folder ?? newRunFolder(launch, config, new Date())
  await (resumed === null ? refuseTaken(folder) : undefined)
  const runId = resumed?.facts.runId ?? newRunId()
  const plan = await planRun({ runId, config, dataSet, checkpoint: resumed?.checkpoint ?? null })
  const minWorkers = launch.minWorkers ?? Math.max(1, crew.workers)
  const quorum = launch.minWorkers ?? 1
  return { plan, launch, crew, minWorkers, quorum, resumed, folder, address, token, tls }
}

function settleCrew({ launch, config }: Settings, resumed: Resumed | null, hasLocalWorkers: boolean): Crew {
  const { threads = null, shards = null, batchSize = runConfigDefaults.batchSize } = resumed?.facts.config ?? config
  const { workers, minWorkers } = launch
  const wishes = { workers, threads, shards, minWorkers, batchSize }
  return hasLocalWorkers ? chooseCrew(wishes, readCapacity()) : chooseRemoteCrew(wishes)
}

function directInTheOpen(): LockstepError {
  return new LockstepError('bad-configuration', 'links between workers are not encrypted', {
    kind: 'usage',
    expected: '--topology star, or auto, with --tls-cert',
    received: '--topology direct',
  })
}

async function openDataSetFor({ launch, config }: Settings, resumed: Resumed | null, stream: NodeJS.WriteStream) {
  const bar = createProgressBar(stream)
  const dataset = resumed?.facts.config.dataset ?? config.dataset
  try {
    return await openDataSet({
      ...(dataset === undefined ? {} : { dataset }),
      ...(launch.dataDir === null ? {} : { dataDir: launch.dataDir }),
      environment: process.env,
      offline: launch.offline,
      onProgress: bar.update,
      onNotice: text => stream.write(`${text}\n`),
    })
  } finally {
    bar.stop()
  }
}
