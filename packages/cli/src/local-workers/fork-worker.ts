import { fork } from 'node:child_process'
import { computeEnvironment, memoryEnvironment, type Provisioned } from '@lockstep/tensorflow'
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

/** Starts a worker process. `onOutput` gets each line that it prints. */
export function forkWorker(order: LocalWorkerOrder, threads: number, onOutput: (line: string) => void): WorkerProcess {
  const child = fork(mainFile, ['local-worker'], {
    env: { ...memoryEnvironment, ...process.env, ...computeEnvironment(threads) },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'json',
  })
  const ended = endOf(child, onOutput)
  for (const stream of [child.stdout, child.stderr]) {
    eachLine(stream, line => {
      if (line.trim() !== '') onOutput(line)
    })
  }
  if (child.pid !== undefined) child.send(order)
  return { ended, kill: () => void child.kill('SIGKILL') }
}
