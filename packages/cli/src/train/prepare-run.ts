import {
  createFolderClaim,
  type FolderClaim,
  type FoundCheckpoint,
  findCheckpoint,
  planRun,
  type RunPlan,
  refuseTaken,
} from '@lockstep/coordinator'
import { type DataSet, openDataSet } from '@lockstep/data'
import { LockstepError, type RunConfig } from '@lockstep/protocol'
import type { LaunchOptions } from '../flags/launch-options.ts'
import type { Settings } from '../flags/read-settings.ts'
import { runConfigDefaults } from '../flags/run-config-defaults.ts'
import { filesOfWorker, filesToLoad, shortageOfFiles } from '../processes/open-files.ts'
import { createProgressBar } from '../terminal/progress.ts'
import { chooseRemoteWorkers, chooseWorkers, readCapacity, type WorkerSetup } from './choose-workers.ts'
import { claimNewFolder } from './claim-new-folder.ts'
import { type ListenAddress, readListenAddress, refuseUnknownHost } from './listen-address.ts'
import { refuseFewerEpochs } from './resumable.ts'
import { readTls } from './secrets.ts'
import { findResumed, newRunId, newRunName, type Resumed, settleConfig } from './settle-run.ts'
import { refuseTracePlace } from './trace-place.ts'

/** The user's request for a training run. */
export type TrainingRequest = {
  readonly settings: Settings
  /** The run to resume, or null for a new one. */
  readonly resume: string | null
  /** False for a coordinator whose workers are all started separately. */
  readonly hasLocalWorkers: boolean
}

/** A run that is ready to begin: everything about it has been checked. */
export type PreparedRun = {
  readonly plan: RunPlan
  readonly launch: LaunchOptions
  readonly workerSetup: WorkerSetup
  /** Workers to wait for before the first step. */
  readonly minWorkers: number
  /** The least number of workers to begin any later step. */
  readonly quorum: number
  /** Null for a new run. */
  readonly resumed: (Resumed & FoundCheckpoint) | null
  readonly folder: string
  /** Already taken; the caller must release it. */
  readonly claim: FolderClaim
  readonly address: ListenAddress
  readonly token: string
  readonly tls: { readonly cert: string; readonly key: string } | null
}

/**
 * Checks the request, chooses the workers, opens the data set and plans the run. Writes nothing except the folder's claim.
 */
export async function prepareRun(
  { settings, resume, hasLocalWorkers, token }: TrainingRequest & { readonly token: string },
  stream: NodeJS.WriteStream,
): Promise<PreparedRun> {
  const { launch } = settings
  const address = readListenAddress(launch.listen, launch.tokenFile !== null)
  await refuseUnknownHost(address)
  if (launch.topology === 'direct') refuseDirect(launch)
  const tls = await readTls(launch.tlsCert, launch.tlsKey)
  if (launch.trace !== null) await refuseTracePlace(launch.trace)

  const resumed = resume === null ? null : await findResumed(resume, settings)
  if (launch.runDir !== null) await refuseTaken(launch.runDir)
  const workerSetup = settleWorkers(settings, resumed, hasLocalWorkers)
  const shortage = shortageOfFiles(filesToLoad + filesOfWorker * workerSetup.workers)
  if (shortage !== null) throw shortage
  const planned = await (resumed === null
    ? planNew(settings, workerSetup, stream)
    : planResumed(settings, resumed, stream))
  const minWorkers = launch.minWorkers ?? Math.max(1, workerSetup.workers)
  const quorum = launch.minWorkers ?? 1
  return { ...planned, launch, workerSetup, minWorkers, quorum, address, token, tls }
}

type Planned = Pick<PreparedRun, 'plan' | 'resumed' | 'folder' | 'claim'>

async function planNew(settings: Settings, workerSetup: WorkerSetup, stream: NodeJS.WriteStream): Promise<Planned> {
  // Check the configuration before fetching a data set.
  settleConfig(settings.config, settings.config.dataset ?? 'cifar10', workerSetup)
  const dataSet = await openDataSetFor(settings, settings.config.dataset, stream)
  const config = settleConfig(settings.config, dataSet.name, workerSetup)
  const plan = await planRun({ runId: newRunId(), config, dataSet, checkpoint: null })
  return { plan, resumed: null, ...(await claimNewFolder(settings.launch, newRunName(config, new Date()))) }
}

/** Claims the folder before reading it, so that no other process can change it in between. */
async function planResumed(settings: Settings, resumed: Resumed, stream: NodeJS.WriteStream): Promise<Planned> {
  const { folder, facts } = resumed
  const { runId, config } = facts
  const claim = createFolderClaim(folder)
  await claim.take()
  try {
    const found = await findCheckpoint(folder, { runId })
    refuseFewerEpochs(config, found.checkpoint)
    const dataSet = await openDataSetFor(settings, config.dataset, stream)
    const plan = await planRun({ runId, config, dataSet, checkpoint: found.checkpoint })
    return { plan, resumed: { ...resumed, ...found }, folder, claim }
  } catch (error) {
    await claim.release()
    throw error
  }
}

function settleWorkers({ launch, config }: Settings, resumed: Resumed | null, hasLocalWorkers: boolean): WorkerSetup {
  const { threads = null, shards = null, batchSize = runConfigDefaults.batchSize } = resumed?.facts.config ?? config
  const { workers, minWorkers } = launch
  const request = { workers, threads, shards, minWorkers, batchSize, isResumed: resumed !== null }
  return hasLocalWorkers ? chooseWorkers(request, readCapacity()) : chooseRemoteWorkers(request)
}

/** Refuses options that work only if all gradients go through the coordinator. */
function refuseDirect({ tlsCert, audit }: LaunchOptions): void {
  const refuse = (message: string, flag: string) => {
    throw new LockstepError('bad-configuration', message, {
      kind: 'usage',
      expected: `--topology star, or auto, with ${flag}`,
      received: '--topology direct',
    })
  }
  if (tlsCert !== null) refuse('links between workers are not encrypted', '--tls-cert')
  if (audit > 0) refuse('gradients that are exchanged among workers cannot be audited', '--audit')
}

async function openDataSetFor(
  { launch }: Settings,
  dataset: RunConfig['dataset'] | undefined,
  stream: NodeJS.WriteStream,
): Promise<DataSet> {
  const bar = createProgressBar(stream)
  try {
    return await openDataSet({
      dataset,
      dataDir: launch.dataDir ?? undefined,
      environment: process.env,
      offline: launch.offline,
      onProgress: bar.update,
      onNotice: text => stream.write(`${text}\n`),
    })
  } finally {
    bar.stop()
  }
}
