import { closeSync, openSync } from 'node:fs'
import { writeWhole } from '@lockstep/protocol'
import { writeError } from '../disk/atomic-file.ts'

/** A JSON file of trace events that is whole after every write: what is added goes over its end, and brings a new end. */
export type TraceFile = {
  /** Keeps an event to be written. */
  readonly add: (event: string) => void
  /** Writes what has been added where that is much. Throws `disk-full` or `file-not-written`. */
  readonly settle: () => void
  /** Writes the rest. Throws as `settle` does. */
  readonly close: () => void
}

const opening = '{"displayTimeUnit":"ms","traceEvents":[\n'
const ending = '\n]}\n'

/** As many characters of events are kept before they are written. */
const chunkLength = 1 << 16

/** Begins the file anew. Throws as `settle` does. */
export function createTraceFile(path: string): TraceFile {
  const file = attempt(() => openSync(path, 'w'))
  let events: string[] = []
  let length = 0
  let position = opening.length
  let separator = ''

  attempt(() => writeWhole(file, Buffer.from(`${opening}${ending}`), 0))

  function add(event: string): void {
    events.push(event)
    length += event.length
  }

  function flush(): void {
    if (events.length === 0) return
    const added = `${separator}${events.join(',\n')}`
    attempt(() => writeWhole(file, Buffer.from(`${added}${ending}`), position))
    position += Buffer.byteLength(added)
    separator = ',\n'
    events = []
    length = 0
  }

  function attempt<T>(write: () => T): T {
    try {
      return write()
    } catch (error) {
      throw writeError(path, error)
    }
  }

  return {
    add,
    settle: () => {
      if (length >= chunkLength) flush()
    },
    close: () => {
      flush()
      closeSync(file)
    },
  }
}
