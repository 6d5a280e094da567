import { readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { createLineFile, runFiles } from '@lockstep/coordinator'
import { hasSystemCode, reasonOf } from '@lockstep/protocol'
import { pino } from 'pino'
import type { Reporter } from './reporter.ts'
import type { Reporters } from './reporters.ts'

/** Adds a log in the run folder to the reporters, and starts it with these notices. */
export async function addLog(reporters: Reporters, folder: string, notices: readonly string[]): Promise<void> {
  const log = await openLogReporter(folder, reason => reporters.note(`WARNING: the log is kept in memory: ${reason}`))
  reporters.add(log)
  for (const notice of notices) log.note(notice)
}

/** At most this many characters are kept in memory while the disk accepts no writes. */
const keptAtMost = 1 << 20

/**
 * Opens a reporter that records everything except steps in `log.jsonl` of the run folder, so that one can later find
 * out what happened. `onTrouble` is called once when writing begins to fail; the lines are then written later.
 */
export async function openLogReporter(folder: string, onTrouble: (reason: string) => void): Promise<Reporter> {
  const path = join(folder, runFiles.log)
  const content = { bytes: await cutToWholeLines(path), lasting: [] }
  const file = createLineFile({ path, content, keptAtMost })
  let told = false

  function write(line: string): void {
    file.add(line.trimEnd(), false)
    void flush()
  }

  async function flush(): Promise<void> {
    try {
      await file.flush()
      told = false
    } catch (error) {
      if (!told) onTrouble(reasonOf(error))
      told = true
    }
  }

  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write })
  return {
    event: event => {
      if (event.type !== 'step') logger.info(event)
    },
    note: text => logger.info({ type: 'note', text }),
    stop: flush,
  }
}

/** Removes an incomplete last line from the file and returns its size in bytes. */
async function cutToWholeLines(path: string): Promise<number> {
  try {
    const bytes = await readFile(path)
    const whole = bytes.lastIndexOf(10) + 1
    if (whole < bytes.length) await truncate(path, whole)
    return whole
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return 0
    throw error
  }
}
