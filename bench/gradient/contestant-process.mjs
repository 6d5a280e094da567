// A contestant in a separate process that answers requests.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { memoryEnvironment } from '@lockstep/tensorflow'
import { threadLimits } from '../support/thread-limits.mjs'

/**
 * Starts a command that exchanges JSON objects, one per line. It is limited to a number of threads and, by the default
 * of `wrap`, to as many cores. `ask` rejects if the process replies with an error or ends.
 */
export function startProcess(command, threads, wrap = pinTo(threads)) {
  const [program, ...args] = [...wrap, ...command]
  const child = spawn(program, args, { env: { ...memoryEnvironment, ...process.env, ...threadLimits(threads) } })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = new Promise(resolve => child.once('close', resolve))
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    complaints = (complaints + text).slice(-2000)
  })
  child.once('error', error => {
    complaints += error.message
  })
  child.stdin.on('error', () => undefined)

  async function ask(request) {
    child.stdin.write(`${JSON.stringify(request)}\n`)
    const { value, done } = await lines.next()
    if (done) throw new Error(complaints.trim() || 'it ended without an answer')
    const reply = JSON.parse(value)
    if (reply.error !== undefined) throw new Error(reply.error)
    return reply
  }

  async function end() {
    child.stdin.end()
    await ended
  }

  return { ask, end }
}

/** `taskset` with the last of the cores that this process may use, so that helper threads cannot use others. */
export function pinTo(threads) {
  const cores = allowedCores()
  return threads < cores.length ? ['taskset', '--cpu-list', cores.slice(-threads).join(',')] : []
}

function allowedCores() {
  const list = readFileSync('/proc/self/status', 'utf8').match(/^Cpus_allowed_list:\s*(\S+)$/m)[1]
  return list.split(',').flatMap(range => {
    const [first, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}
