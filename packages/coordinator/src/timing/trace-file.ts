import { closeSync, ftruncateSync, openSync } from 'node:fs'
import { type LockstepError, writeWhole } from '@lockstep/protocol'
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
      onEnd(writeError(path, error))
      cutOff(file, position)
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

/** Makes the file whole again, which takes no room, and closes it. Why that is needed is told; that it fails says nothing more. */
function cutOff(file: number, position: number): void {
  try {
    writeWhole(file, Buffer.from(ending), position)
    ftruncateSync(file, position + ending.length)
    closeSync(file)
  } catch {}
}
