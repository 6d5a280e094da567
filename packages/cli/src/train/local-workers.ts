import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { computeEnvironment, memoryEnvironment, type Provisioned } from '@lockstep/tensorflow'

/** What a local worker is told over its channel; the token travels neither by argument nor by environment. */
export type LocalWorkerOrder = {
  readonly url: string
  readonly token: string
  readonly name: string
  /** The coordinator's own certificate, which its workers trust under any name. */
  readonly certificate: string | null
  readonly provisioned: Provisioned
}

export type LocalWorkers = {
  /** Processes that have not ended. */
  readonly alive: () => number
  /** Resolves when all have ended; kills those that have not after `graceMs`. */
  readonly stop: (graceMs: number) => Promise<void>
}

export type LocalWorkersOptions = {
  readonly count: number
  readonly threads: number
  readonly order: Omit<LocalWorkerOrder, 'name'>
  /** A line that a worker has printed. */
  readonly onOutput: (name: string, line: string) => void
  readonly onExit: (name: string, ending: string) => void
}

const mainFile = fileURLToPath(new URL('../main.js', import.meta.url))

/** Starts worker processes of this machine. They end when this process does, however it ends. */
export function startLocalWorkers(options: LocalWorkersOptions): LocalWorkers {
  const running = new Map<ChildProcess, Promise<void>>()
  for (let index = 1; index <= options.count; index++) {
    const name = `local-${index}`
    const child = fork(mainFile, ['local-worker'], {
      env: { ...memoryEnvironment, ...process.env, ...computeEnvironment(options.threads) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'json',
    })
    running.set(child, follow(child, name, options))
    child.send({ ...options.order, name } satisfies LocalWorkerOrder)
  }

  const alive = () => [...running.keys()].filter(child => child.exitCode === null && child.signalCode === null)

  return {
    alive: () => alive().length,
    stop: async graceMs => {
      const impatience = setTimeout(() => alive().forEach(child => void child.kill('SIGKILL')), graceMs)
      await Promise.all(running.values())
      clearTimeout(impatience)
    },
  }
}

function follow(child: ChildProcess, name: string, options: LocalWorkersOptions): Promise<void> {
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) if (line.trim() !== '') options.onOutput(name, line)
    })
  }
  return new Promise(resolve => {
    child.once('error', error => options.onOutput(name, error.message))
    child.once('close', (code, signal) => {
      options.onExit(name, signal ?? `exit code ${code}`)
      resolve()
    })
  })
}
