import { fork } from 'node:child_process'
import type { LockstepError } from '@lockstep/protocol'
import { computeEnvironment, memoryEnvironment, type Provisioned } from '@lockstep/tensorflow'
import { type ErrorRecord, errorOf } from '../processes/error-record.ts'
import { eachLine, endOf, mainFile } from '../processes/own-process.ts'

/** A local worker's instructions, sent over its IPC channel so that the token is in no argument or variable. */
export type LocalWorkerOrder = {
  readonly url: string
  readonly token: string
  readonly name: string
  /** The coordinator's own certificate, which its workers trust for any host name. */
  readonly certificate: string | null
  readonly provisioned: Provisioned
}

/** A worker process on this machine. It ends with this process, however this one ends. */
export type WorkerProcess = {
  /** Resolves with how it ended: `exit code 0`, or the name of a signal. */
  readonly ended: Promise<string>
  readonly kill: () => void
}

/** A worker process that `ask` requests to end, by SIGTERM. Local workers ignore this; their run ends them. */
export type AskableProcess = WorkerProcess & { readonly ask: () => void }

export type WorkerListener = {
  /** Called with each line that the worker prints. */
  readonly onOutput: (line: string) => void
  /** Called with an error that every worker would have, and this one after every restart. */
  readonly onFailure: (error: LockstepError) => void
}

/** Starts a worker process of a run on this machine. */
export function forkWorker(order: LocalWorkerOrder, threads: number, listener: WorkerListener): WorkerProcess {
  return forkCommand('local-worker', order, computeEnvironment(threads), listener)
}

/** Starts a hidden command that gets its order over its IPC channel, with glibc settings that keep freed memory. */
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
