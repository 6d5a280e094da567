// What a coordinator tells with --json --log-steps, with the time at which each line has come.
import { EventEmitter } from 'node:events'

/**
 * Takes the lines of one run, of all its coordinators.
 *
 * `steps`: each step that was done, also those that a restart does again; `events`: all else; `lives`: when a coordinator
 * began to listen; `summary`: that of the end; `unreadable`: lines that are no JSON. Times are those of `performance.now`.
 */
export function createRecord() {
  const told = new EventEmitter().setMaxListeners(0)
  const record = { steps: [], events: [], lives: [], unreadable: [], summary: null, phase: 'starting', active: 0 }

  function take(line) {
    const atMs = performance.now()
    const entry = parse(line)
    if (entry === null) record.unreadable.push({ atMs, line })
    else file({ ...entry, atMs, life: record.lives.length })
    told.emit('line')
  }

  function file(entry) {
    if (entry.active !== undefined) record.active = entry.active
    if (entry.type === 'step' || entry.type === 'step-again') return record.steps.push(entry)
    if (entry.type === undefined) record.summary = entry
    if (entry.type === 'phase') record.phase = entry.phase
    if (entry.type === 'listening') beginLife(entry.atMs)
    record.events.push(entry)
  }

  function beginLife(atMs) {
    record.lives.push({ atMs })
    record.phase = 'starting'
    record.active = 0
  }

  /** Takes what a process writes, a line at a time. What follows the last line end is dropped with the process. */
  function follow(stream) {
    let rest = ''
    stream.setEncoding('utf8').on('data', chunk => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop()
      for (const line of lines) take(line)
    })
  }

  /** Resolves with true as soon as the test holds, looking at every line; with false after a time or an abortion. */
  function until(test, { timeoutMs, signal }) {
    return new Promise(resolve => {
      const end = holds => {
        clearTimeout(timer)
        told.off('line', look)
        signal?.removeEventListener('abort', giveUp)
        resolve(holds)
      }
      const look = () => {
        if (test(record)) end(true)
      }
      const giveUp = () => end(false)
      const timer = setTimeout(giveUp, timeoutMs)
      told.on('line', look)
      signal?.addEventListener('abort', giveUp)
      if (signal?.aborted) giveUp()
      else look()
    })
  }

  return Object.assign(record, { follow, until })
}

function parse(line) {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
