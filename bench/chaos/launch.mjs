// Starts lockstep's commands on a host. Each is marked by its environment, so that leftover processes can be found.
import { spawn } from 'node:child_process'
import { mainFile } from '../support/lockstep.mjs'
import { sendSignal, withEnvironment } from '../support/process-tree.mjs'

const [name, value] = ['LOCKSTEP_BENCH_CHAOS', String(process.pid)]

/** At most this many characters from the end of a process's output are kept. */
const keptLength = 4_000

/**
 * Starts a command in a namespace. `ended` resolves with how it ended and with the end of its output: standard error
 * and, if `readsOutput`, standard output.
 */
export function launch(args, host, { readsOutput = true } = {}) {
  const command = ['netns', 'exec', host.name, process.execPath, mainFile, ...args]
  const env = { ...process.env, [name]: value }
  const child = spawn('ip', command, { stdio: ['ignore', 'pipe', 'pipe'], env })
  let said = ''
  for (const stream of readsOutput ? [child.stdout, child.stderr] : [child.stderr])
    stream.setEncoding('utf8').on('data', chunk => {
      said = (said + chunk).slice(-keptLength)
    })
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, said }))
  })
  return { child, ended, lives: () => child.exitCode === null && child.signalCode === null }
}

/** All running processes that were started here, directly or indirectly. */
export function findLeft() {
  return withEnvironment(`${name}=${value}`)
}

/** Kills the remaining processes, including suspended ones. */
export function killLeft() {
  for (const pid of findLeft()) sendSignal(pid, 'SIGKILL')
}
