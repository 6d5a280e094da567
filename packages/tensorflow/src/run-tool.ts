import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { hasSystemCode } from '@lockstep/protocol'
import { onExit } from 'signal-exit'

export type ToolResult = {
  /** The exit status, or undefined when the program could not be started or was ended by a signal. */
  readonly status: number | undefined
  readonly output: string
  /** One line that says why the program failed; undefined if it succeeded. */
  readonly failure: string | undefined
}

export type ToolOptions = {
  readonly environment: NodeJS.ProcessEnv
  readonly timeoutMs?: number
}

const keptOutputCharacters = 16_384

/**
 * Runs a program to its end and keeps the last 16 KiB of its output. Never rejects: `failure` says what went wrong. The
 * program is looked up in the PATH of the given environment. It is killed when this process exits, also by a signal.
 */
export function runTool(command: string, args: readonly string[], options: ToolOptions): Promise<ToolResult> {
  return new Promise(resolve => {
    let child: ChildProcessByStdio<null, Readable, Readable> | null = null
    // Register before the program starts: a signal may arrive as soon as it runs.
    const stopWatching = onExit(() => void child?.kill('SIGKILL'))
    let output = ''
    const keep = (text: string) => {
      output = (output + text).slice(-keptOutputCharacters)
    }
    const finish = (status: number | undefined, failure: string | undefined) => {
      stopWatching()
      resolve({ status, output, failure })
    }
    try {
      child = spawn(command, args, {
        env: options.environment,
        stdio: ['ignore', 'pipe', 'pipe'],
        // spawn's own timeout would keep this process alive if the program is not found.
        signal: options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs),
        killSignal: 'SIGKILL',
      })
    } catch (error) {
      return finish(undefined, explain(error as Error))
    }
    child.stdout.setEncoding('utf8').on('data', keep)
    child.stderr.setEncoding('utf8').on('data', keep)
    child.once('error', error => finish(undefined, explain(error)))
    child.once('close', (status, signal) => {
      if (status === 0) finish(0, undefined)
      else finish(status ?? undefined, lastLine(output) ?? `ended with ${signal ?? `status ${status}`}`)
    })
  })
}

function explain(error: Error): string {
  if (hasSystemCode(error, 'ENOENT')) return 'not found'
  return hasSystemCode(error, 'ABORT_ERR') ? 'gave no answer in time' : error.message
}

function lastLine(text: string): string | undefined {
  return text.trimEnd().split('\n').at(-1)?.trim() || undefined
}
