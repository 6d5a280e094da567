import type { Reporter } from './reporter.ts'

/**
 * Writes events as JSON lines; single steps only if `steps` is set. When a coordinator has died and its successor
 * repeats work, repeated epochs are left out and repeated steps are written as `step-again`.
 */
export function createJsonReporter(
  stream: Pick<NodeJS.WritableStream, 'write'>,
  { steps }: { readonly steps: boolean },
): Reporter {
  const told = { epoch: 0, step: 0 }

  function isNews(kind: keyof typeof told, number: number): boolean {
    if (number <= told[kind]) return false
    told[kind] = number
    return true
  }

  function write(value: unknown): void {
    stream.write(`${JSON.stringify(value)}\n`)
  }

  return {
    event: event => {
      if (event.type === 'epoch') {
        if (isNews('epoch', event.metrics.epoch)) write(event.metrics)
      } else if (event.type === 'step') {
        if (steps) write(isNews('step', event.step) ? event : { ...event, type: 'step-again' })
      } else write(event)
    },
    note: () => undefined,
    stop: async () => undefined,
  }
}
