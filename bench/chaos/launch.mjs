// Starts lockstep's commands on a host, each marked, so that whatever they leave behind can be found.
import { spawn } from 'node:child_process'
import { mainFile } from '../support/lockstep.mjs'
import { sendSignal, withEnvironment } from '../support/process-tree.mjs'

const [name, value] = ['LOCKSTEP_BENCH_CHAOS', String(process.pid)]

/** The most of what a process says that is kept, its last words. */
const keptLength = 4_000

/**
 * Starts a command in a namespace. `ended` resolves with how, and with the last of what it has said on standard error
 * and, unless somebody else reads that, on standard output.
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

/** Everything that was started here, directly or not, and lives. */
export function findLeft() {
  return withEnvironment(`${name}=${value}`)
}

/** Ends what is left, also what is suspended. */
export function killLeft() {
  for (const pid of findLeft()) sendSignal(pid, 'SIGKILL')
}
