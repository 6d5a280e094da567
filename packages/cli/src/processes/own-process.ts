import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** What a process of lockstep's own runs, before the name of its command. */
export const mainFile = fileURLToPath(new URL('../main.js', import.meta.url))

/** Resolves with how it ended: `exit code 1`, or the name of a signal. Why it could not be started is told as a line of its own. */
export function endOf(child: ChildProcess, onLine: (text: string) => void): Promise<string> {
  return new Promise(resolve => {
    child.on('error', error => {
      onLine(error.message)
      if (child.pid === undefined) resolve('no process')
    })
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`))
  })
}

/** Calls the listener with each whole line; null is a stream that is not read. */
export function eachLine(stream: Readable | null, onLine: (text: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on('line', onLine)
}
