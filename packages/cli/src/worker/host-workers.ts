import { describeInLine, LockstepError, systemClock } from '@lockstep/protocol'
import { exitCodes } from '../exit-codes.ts'
import { type AskableProcess, forkCommand } from '../local-workers/fork-worker.ts'
import { startLocalWorkers, type WorkerDeath } from '../local-workers/local-workers.ts'
import { describeDeath } from '../local-workers/start-run-workers.ts'
import { provision } from '../provision.ts'
import { listenForInterrupt } from '../train/interrupt.ts'
import { readToken } from '../train/secrets.ts'
import type { AmongOthers, RemoteWorkerOptions } from './remote-worker.ts'

/** The instructions that a process of `worker --workers N` gets over its IPC channel. */
export type HostWorkerOrder = { readonly options: RemoteWorkerOptions; readonly among: AmongOthers }

/**
 * Runs several workers on this host, each in its own process, and restarts those that die. They end with this process.
 * Returns the exit code. If all workers failed, throws the first error, or `workers-ended` if there is none.
 */
export async function runHostWorkers(options: RemoteWorkerOptions, count: number): Promise<number> {
  const note = (text: string) => void process.stdout.write(`${text}\n`)
  if (options.tokenFile !== null) await readToken(options.tokenFile)
  const provisioned = await provision(options.offline, process.stdout)
  /** By worker name: the latest process, the error that stopped it, and the workers that died too often. */
  const running = new Map<string, AskableProcess>()
  const failures = new Map<string, LockstepError>()
  const out = new Map<string, WorkerDeath>()
  const interrupt = listenForInterrupt()
  interrupt.signal.addEventListener('abort', () => {
    note('leaving; Ctrl-C again stops at once')
    for (const { ask } of running.values()) ask()
  })

  function start(name: string): AskableProcess {
    const index = Number(name.slice(name.lastIndexOf('-') + 1)) - 1
    const order = orderFor(options, index, name, { provisioned, tellsAttempts: index === 0 })
    const onOutput = (line: string) => note(`${name}: ${line}`)
    const worker = forkCommand('host-worker', order, {}, { onOutput, onFailure: error => fail(name, error) })
    running.set(name, worker)
    return worker
  }

  function fail(name: string, error: LockstepError): void {
    const isNews = ![...failures.values()].some(({ message }) => message === error.message)
    failures.set(name, error)
    if (isNews) note(`${name}: ${describeInLine(error)}`)
  }

  function onDeath(death: WorkerDeath): void {
    note(describeDeath(death))
    if (death.restartInMs === null) out.set(death.name, death)
  }

  try {
    const { signal: stop, insisted } = interrupt
    const manner = { clock: systemClock, random: Math.random, onDeath }
    const { over } = startLocalWorkers({ count, prefix: options.name, start, stop, ...manner })
    await Promise.race([over, insisted])
    if (stop.aborted) return exitCodes.interrupted
  } finally {
    interrupt.release()
  }
  if (failures.size + out.size < count) return exitCodes.done
  throw [...failures.values()][0] ?? allDied([...out.values()])
}

function allDied(deaths: readonly WorkerDeath[]): LockstepError {
  const endings = deaths.map(({ name, ending }) => `${name} ended with ${ending}`)
  return new LockstepError('workers-ended', 'all worker processes have ended', { received: endings.join(', ') })
}

/**
 * Each worker has its own name, and listens for the others at its own port: consecutive ones from the given port on.
 */
function orderFor(options: RemoteWorkerOptions, index: number, name: string, among: AmongOthers): HostWorkerOrder {
  const { peerListen: first } = options
  const peerListen = first === null || first.port === 0 ? first : { ...first, port: first.port + index }
  return { options: { ...options, name, peerListen }, among }
}
