import { closeSync, ftruncateSync, openSync } from 'node:fs'
import { LockstepError, writeWhole } from '@lockstep/protocol'
import { writeError } from '../disk/atomic-file.ts'

/**
 * A JSON file of trace events that is valid after every write: new events overwrite the end of the file and append a
 * new end. A failed write ends the trace.
 */
export type TraceFile = {
  /** Queues an event. */
  readonly add: (event: string) => void
  /** Writes the queued events once there are many. */
  readonly settle: () => void
  /** Writes the rest. */
  readonly close: () => void
}

const opening = '{"displayTimeUnit":"ms","traceEvents":[\n'
const ending = '\n]}\n'

/** How many characters of events are queued before they are written. */
const chunkLength = 1 << 16

/**
 * Creates or truncates the file. Throws `disk-full` or `file-not-written` where that fails; when a write fails later,
 * calls `onEnd` with such an error, once.
 */
export function createTraceFile(path: string, onEnd: (error: LockstepError) => void): TraceFile {
  const file = begin(path)
  let events: string[] = []
  let length = 0
  let position = opening.length
  let separator = ''
  let hasEnded = false

  function add(event: string): void {
    if (hasEnded) return
    events.push(event)
    length += event.length
  }

  function flush(): void {
    if (events.length === 0) return
    const added = `${separator}${events.join(',\n')}`
    writeWhole(file, Buffer.from(`${added}${ending}`), position)
    position += Buffer.byteLength(added)
    separator = ',\n'
    events = []
    length = 0
  }

  function unlessEnded(write: () => void): void {
    if (hasEnded) return
    try {
      write()
    } catch (error) {
      hasEnded = true
      events = []
      onEnd(endOf(error))
    }
  }

  /** Why the trace ends, and whether the file is torn. */
  function endOf(error: unknown): LockstepError {
    const end = writeError(path, error)
    try {
      cutOff(file, position)
      return end
    } catch (cause) {
      const { code, message, received = '' } = end
      const torn = `${received}; what was written in part could not be cut off`
      return new LockstepError(code, message, {
        received: torn,
        hint: end.hint,
        cause: new AggregateError([error, cause]),
      })
    }
  }

  return {
    add,
    settle: () =>
      unlessEnded(() => {
        if (length >= chunkLength) flush()
      }),
    close: () =>
      unlessEnded(() => {
        flush()
        closeSync(file)
      }),
  }
}

function begin(path: string): number {
  try {
    const file = openSync(path, 'w')
    writeWhole(file, Buffer.from(`${opening}${ending}`), 0)
    return file
  } catch (error) {
    throw writeError(path, error)
  }
}

/**
 * Makes a file valid again that was valid up to a position, which takes no extra space, and closes it. Throws the
 * system's errors.
 */
function cutOff(file: number, position: number): void {
  writeWhole(file, Buffer.from(ending), position)
  ftruncateSync(file, position + ending.length)
  closeSync(file)
}
