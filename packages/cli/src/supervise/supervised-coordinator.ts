import {
  type BoundListener,
  bindListener,
  type Coordinator,
  type CoordinatorEvent,
  type CoordinatorWorld,
  type RunSummary,
  systemWorld,
} from '@lockstep/coordinator'
import { LockstepError } from '@lockstep/protocol'
import type { Provisioned } from '@lockstep/tensorflow'
import { exitCodes } from '../exit-codes.ts'
import { errorOf, recordError } from '../processes/error-record.ts'
import { describeStart } from '../train/describe-run.ts'
import { unlessStopped } from '../train/interrupt.ts'
import { readListenAddress } from '../train/listen-address.ts'
import { type PreparedRun, prepareRun } from '../train/prepare-run.ts'
import { chooseOutputs } from '../train/reporters.ts'
import { readTls } from '../train/secrets.ts'
import { startRun } from '../train/start-run.ts'
import { viewOf, workersSpecOf } from '../train/views.ts'
import { type Beginning, type CoordinatorOrder, mayPass } from './messages.ts'
import { createStepFilter } from './step-filter.ts'
import { openSupervisorChannel, type SupervisorChannel } from './supervisor-channel.ts'

/** How long a coordinator may take to write a checkpoint after its supervisor has died. */
const partingMs = 5_000

/**
 * Runs the coordinator of `train --supervise`, in a process that its supervisor has started and communicates with. It
 * shows nothing itself. Returns the exit code.
 */
export async function runSupervisedCoordinator(): Promise<number> {
  const channel = openSupervisorChannel()
  const stop = new AbortController()
  // Ctrl-C reaches every process of the terminal. Ignore it here: the supervisor sends a stop message.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
  process.on('SIGTERM', () => stop.abort())
  channel.onLost(() => {
    stop.abort()
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), partingMs).unref()
  })
  try {
    const summary = await serve(await channel.order, channel, stop)
    await channel.send({ type: 'finished', summary })
    return exitCodes.done
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error
    await channel.send({ type: 'failed', error: recordError(error) })
    return exitCodes.failed
  }
}

async function serve(order: CoordinatorOrder, channel: SupervisorChannel, stop: AbortController): Promise<RunSummary> {
  channel.on('stop', () => stop.abort())
  // The workers of the previous coordinator are already there. The listener lets them connect while the run is read.
  const listener = order.isFirst ? null : await bindListenerFor(order)
  const { people } = chooseOutputs(order.settings.launch.json)
  const prepared = await unlessStopped(stop.signal, prepareRun(order, people))
  try {
    const provisioned =
      order.hasLocalWorkers && order.isFirst
        ? await unlessStopped(stop.signal, provideTensorFlow(order, people))
        : order.provisioned
    const text = describeStart(prepared, provisioned)
    await channel.send({ type: 'prepared', folder: prepared.folder, view: viewOf(prepared), text })
    return await conduct({ ...order, prepared, provisioned, listener }, channel, stop.signal)
  } finally {
    await prepared.claim.release()
  }
}

/** Only the first coordinator loads the code for this, so that later ones start quickly. */
async function provideTensorFlow({ settings }: CoordinatorOrder, people: NodeJS.WriteStream): Promise<Provisioned> {
  const { provision } = await import('../provision.ts')
  return provision(settings.launch.offline, people)
}

async function bindListenerFor({ settings: { launch } }: CoordinatorOrder): Promise<BoundListener> {
  const address = readListenAddress(launch.listen, launch.tokenFile !== null)
  const tls = await readTls(launch.tlsCert, launch.tlsKey)
  return bindListener({ ...address, tls, onBadConnection: () => undefined })
}

type Conduct = Pick<CoordinatorOrder, 'hasLocalWorkers'> & {
  readonly prepared: PreparedRun
  readonly provisioned: Provisioned | null
  readonly listener: BoundListener | null
}

async function conduct(
  { prepared, provisioned, hasLocalWorkers, listener }: Conduct,
  channel: SupervisorChannel,
  stop: AbortSignal,
): Promise<RunSummary> {
  const isWanted = createStepFilter(prepared.launch.logSteps)
  const onEvent = (event: CoordinatorEvent) => {
    if (isWanted(event)) void channel.send({ type: 'event', event })
  }
  let notices: readonly string[] = []
  const onFolder = async (_: string, found: readonly string[]) => {
    notices = found
  }
  const world = listener === null ? systemWorld : { ...systemWorld, listen: listenAt(listener) }
  const goesOnAfter = (error: unknown) => !stop.aborted && (!(error instanceof LockstepError) || mayPass(error))
  const coordinator = await startRun(prepared, { stop, onEvent, onFolder, provisioned, goesOnAfter }, world)
  channel.on('abort', ({ error }) => coordinator.abort(errorOf(error)))
  channel.on('expect-workers', ({ workers }) => coordinator.expectWorkers(workers))
  const workers = hasLocalWorkers ? workersSpecOf(prepared, coordinator.url) : null
  const beginning = { ...progressOf(prepared), port: portOf(coordinator), notices, workers, provisioned }
  void channel.send({ type: 'begun', ...beginning })
  return coordinator.finished
}

function listenAt(listener: BoundListener): CoordinatorWorld['listen'] {
  return async options => {
    listener.admit(options)
    return listener
  }
}

function progressOf({ plan: { state } }: PreparedRun): Pick<Beginning, 'step' | 'epochs'> {
  return { step: state.step, epochs: state.history.epochs }
}

function portOf({ url }: Coordinator): number {
  return Number(new URL(url).port)
}
