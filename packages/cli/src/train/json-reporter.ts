import type { Reporter } from './reporter.ts'

/** Writes events as JSON lines: everything but single steps. */
export function createJsonReporter(stream: NodeJS.WriteStream): Reporter {
  return {
    event: event => {
      if (event.type === 'step') return
      stream.write(`${JSON.stringify(event.type === 'epoch' ? event.metrics : event)}\n`)
    },
    note: () => undefined,
    stop: () => undefined,
  }
}
