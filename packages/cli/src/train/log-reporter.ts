import { join } from 'node:path'
import { pino } from 'pino'
import type { Reporter } from './reporter.ts'

/** Records everything but the steps in `log.jsonl` of the run folder, for whoever asks later what happened. */
export function createLogReporter(folder: string): Reporter {
  const destination = pino.destination({ dest: join(folder, 'log.jsonl'), sync: true, append: true })
  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
  return {
    event: event => {
      if (event.type !== 'step') logger.info(event)
    },
    note: text => logger.info({ type: 'note', text }),
    stop: () => destination.end(),
  }
}
