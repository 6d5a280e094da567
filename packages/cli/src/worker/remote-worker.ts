import { availableParallelism } from 'node:os'
import { computeEnvironment, type Provisioned } from '@lockstep/tensorflow'
import { runWorker, type WorkerEvent } from '@lockstep/worker'
import { exitCodes } from '../exit-codes.ts'
import { provision } from '../provision.ts'
import { formatAmount, formatDuration } from '../terminal/format.ts'
import { listenForInterrupt } from '../train/interrupt.ts'
import { readCertificate, readToken } from '../train/secrets.ts'
import { becomeBatchJob } from './batch-job.ts'
import { createCountdown } from './countdown.ts'

export type RemoteWorkerOptions = {
  readonly url: string
  readonly tokenFile: string | null
  readonly caFile: string | null
  readonly name: string
  readonly device: string
  /** Null for the local address of the connection to the coordinator, and any port. */
  readonly peerListen: { readonly host: string; readonly port: number; readonly announce: boolean } | null
  /** Null for the number that the run prescribes. */
  readonly threads: number | null
  readonly waitMs: number
  readonly offline: boolean
}

/** Additional options of a worker that is one of several on its host. */
export type AmongOthers = {
  readonly provisioned: Provisioned
  /** Whether this worker reports its connection attempts. All workers try at the same times, so only one reports. */
  readonly tellsAttempts: boolean
}

/** Runs a worker that the user started, alone or as one of several (`among`). Returns the exit code. */
export async function runRemoteWorker(options: RemoteWorkerOptions, among: AmongOthers | null = null): Promise<number> {
  const { url, name, device, waitMs } = options
  const stream = process.stdout
  const token = options.tokenFile === null ? '' : await readToken(options.tokenFile)
  const trust = options.caFile === null ? undefined : { ca: await readCertificate(options.caFile), anyName: false }
  const interrupt = listenForInterrupt()
  interrupt.signal.addEventListener('abort', () => {
    if (among === null) stream.write('leaving; Ctrl-C again stops at once\n')
  })
  const countdown = createCountdown(stream)
  stream.write(`connecting to ${url}\n`)
  becomeBatchJob()
  try {
    const working = runWorker({
      url,
      token,
      name,
      device,
      trust,
      peerListen: options.peerListen ?? undefined,
      waitMs,
      signal: interrupt.signal,
      provision: async threads => {
        const taken = options.threads ?? threads
        Object.assign(process.env, computeEnvironment(taken))
        if (among !== null) return among.provisioned
        const advice = adviseWorkers(taken, availableParallelism())
        if (advice !== null) stream.write(`${advice}\n`)
        return provision(options.offline, stream)
      },
      onEvent: event => {
        if (event.type !== 'retrying' || among?.tellsAttempts !== false) showEvent(event, stream, countdown, url)
      },
    })
    const end = await Promise.race([working, interrupt.insisted.then(() => null)])
    countdown.stop()
    if (end === null || end.type === 'left') return exitCodes.interrupted
    stream.write(`${end.reason}\n`)
    return exitCodes.done
  } finally {
    countdown.stop()
    interrupt.release()
  }
}

/**
 * Advice for a worker that leaves cores idle: a run is faster with a worker on each core. Null if no cores are idle.
 */
export function adviseWorkers(threads: number, cores: number): string | null {
  const workers = Math.floor(cores / threads)
  if (workers < 2) return null
  const use = workers * threads === cores ? 'all' : 'more'
  return `computes on ${threads} of ${formatAmount(cores, 'core')}: --workers ${workers} uses ${use}`
}

function showEvent(
  event: WorkerEvent,
  stream: NodeJS.WriteStream,
  countdown: ReturnType<typeof createCountdown>,
  url: string,
): void {
  countdown.stop()
  if (event.type === 'connected') stream.write(`worker ${event.workerId} of run ${event.runId}: loading TensorFlow\n`)
  else if (event.type === 'ready') stream.write(`computing on ${event.backend}\n`)
  else if (event.type === 'lost') stream.write(`lost the coordinator: ${event.reason}\n`)
  else {
    const patience = formatDuration(Math.ceil(event.leftMs / 1000))
    countdown.start(
      event.delayMs,
      left => `no answer from ${url} (${event.reason}); next try in ${left}, giving up in ${patience}`,
    )
  }
}
