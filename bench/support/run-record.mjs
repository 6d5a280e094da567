// The output of a coordinator with --json --log-steps, with the time at which each line arrived.
import { EventEmitter } from 'node:events'

/**
 * Records the lines of one run, from all its coordinators.
 *
 * `steps`: each finished step, including those repeated after a restart; `events`: everything else; `lives`: when each
 * coordinator began to listen; `summary`: the final one; `unreadable`: lines that are not JSON. Times are from
 * `performance.now`.
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

  /** Reads the output of a process line by line. An incomplete last line is dropped. */
  function follow(stream) {
    let rest = ''
    stream.setEncoding('utf8').on('data', chunk => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop()
      for (const line of lines) take(line)
    })
  }

  /** Tests the record at every line. Resolves with true as soon as the test holds, with false on timeout or abort. */
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
