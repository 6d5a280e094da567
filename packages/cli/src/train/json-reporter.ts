import type { Reporter } from './reporter.ts'

/** Writes events as JSON lines, single steps only where they are asked for. */
export function createJsonReporter(stream: NodeJS.WriteStream, { steps }: { readonly steps: boolean }): Reporter {
  return {
    event: event => {
      if (event.type === 'step' && !steps) return
      stream.write(`${JSON.stringify(event.type === 'epoch' ? event.metrics : event)}\n`)
    },
    note: () => undefined,
    stop: async () => undefined,
  }
}
