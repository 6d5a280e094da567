import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** The script that lockstep's own processes run; the name of a command follows it. */
export const mainFile = fileURLToPath(new URL('../main.js', import.meta.url))

/**
 * Resolves with how the process ended: `exit code 1`, or the name of a signal. If it could not be started, `onLine`
 * gets the reason.
 */
export function endOf(child: ChildProcess, onLine: (text: string) => void): Promise<string> {
  return new Promise(resolve => {
    child.on('error', error => {
      onLine(error.message)
      if (child.pid === undefined) resolve('no process')
    })
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`))
  })
}

/** Calls the listener with each line of a stream; does nothing for null, a stream that is not read. */
export function eachLine(stream: Readable | null, onLine: (text: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on('line', onLine)
}
