import { fork } from 'node:child_process'
import type { LockstepError } from '@lockstep/protocol'
import { computeEnvironment, memoryEnvironment, type Provisioned } from '@lockstep/tensorflow'
import { type ErrorRecord, errorOf } from '../processes/error-record.ts'
import { eachLine, endOf, mainFile } from '../processes/own-process.ts'

/** What a local worker is told over its channel; the token travels neither by argument nor by environment. */
export type LocalWorkerOrder = {
  readonly url: string
  readonly token: string
  readonly name: string
  /** The coordinator's own certificate, which its workers trust under any name. */
  readonly certificate: string | null
  readonly provisioned: Provisioned
}

/** A worker process of this machine, which ends when this process does, however it ends. */
export type WorkerProcess = {
  /** Resolves with how it ended: `exit code 0`, or the name of a signal. */
  readonly ended: Promise<string>
  readonly kill: () => void
}

/** One that can be asked to end, by SIGTERM; a local worker leaves that to the run. */
export type AskableProcess = WorkerProcess & { readonly ask: () => void }

export type WorkerListener = {
  /** Gets each line that it prints. */
  readonly onOutput: (line: string) => void
  /** Gets an error that every worker would come to, and this one as often as it is started. */
  readonly onFailure: (error: LockstepError) => void
}

/** Starts a worker process of a run on this machine. */
export function forkWorker(order: LocalWorkerOrder, threads: number, listener: WorkerListener): WorkerProcess {
  return forkCommand('local-worker', order, computeEnvironment(threads), listener)
}

/** Starts a hidden command that takes an order over its channel, with the settings of the C library that keep freed memory. */
export function forkCommand(
  command: string,
  order: object,
  environment: Readonly<Record<string, string>>,
  { onOutput, onFailure }: WorkerListener,
): AskableProcess {
  const child = fork(mainFile, [command], {
    env: { ...memoryEnvironment, ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'json',
  })
  const ended = endOf(child, onOutput)
  child.on('message', record => onFailure(errorOf(record as ErrorRecord)))
  for (const stream of [child.stdout, child.stderr]) {
    eachLine(stream, line => {
      if (line.trim() !== '') onOutput(line)
    })
  }
  if (child.pid !== undefined) child.send(order)
  return { ended, kill: () => void child.kill('SIGKILL'), ask: () => void child.kill('SIGTERM') }
}
