import { computeEnvironment } from '@lockstep/tensorflow'
import { runWorker, type WorkerEvent } from '@lockstep/worker'
import { exitCodes } from '../exit-codes.ts'
import { provision } from '../provision.ts'
import { formatDuration } from '../terminal/format.ts'
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
  /** Null for the address at which the coordinator is reached, and any port. */
  readonly peerListen: { readonly host: string; readonly port: number; readonly announce: boolean } | null
  /** Null for what the run prescribes. */
  readonly threads: number | null
  readonly waitMs: number
  readonly offline: boolean
}

/** A worker that was started by hand. Returns the exit code. */
export async function runRemoteWorker(options: RemoteWorkerOptions): Promise<number> {
  const { url, name, device, waitMs } = options
  const stream = process.stdout
  const token = options.tokenFile === null ? '' : await readToken(options.tokenFile)
  const trust = options.caFile === null ? undefined : { ca: await readCertificate(options.caFile), anyName: false }
  const interrupt = listenForInterrupt()
  interrupt.signal.addEventListener('abort', () => stream.write('leaving; Ctrl-C again stops at once\n'))
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
        Object.assign(process.env, computeEnvironment(options.threads ?? threads))
        return provision(options.offline, stream)
      },
      onEvent: event => showEvent(event, stream, countdown, url),
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
