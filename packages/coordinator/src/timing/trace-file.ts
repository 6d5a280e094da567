import { closeSync, ftruncateSync, openSync } from 'node:fs'
import { LockstepError, writeWhole } from '@lockstep/protocol'
import { writeError } from '../disk/atomic-file.ts'

/**
 * A JSON file of trace events that is whole after every write: what is added goes over its end, and brings a new end. With a
 * write that fails it ends.
 */
export type TraceFile = {
  /** Keeps an event to be written. */
  readonly add: (event: string) => void
  /** Writes what has been added where that is much. */
  readonly settle: () => void
  /** Writes the rest. */
  readonly close: () => void
}

const opening = '{"displayTimeUnit":"ms","traceEvents":[\n'
const ending = '\n]}\n'

/** As many characters of events are kept before they are written. */
const chunkLength = 1 << 16

/**
 * Begins the file anew. Throws `disk-full` or `file-not-written` where that cannot be; when a write fails later, `onEnd` is
 * called with the same, once.
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

  /** Why the trace ends, and whether what it holds is torn. */
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

/** Makes a file whole again that was whole up to a position, which takes no room, and closes it. Throws what the system says. */
function cutOff(file: number, position: number): void {
  writeWhole(file, Buffer.from(ending), position)
  ftruncateSync(file, position + ending.length)
  closeSync(file)
}
