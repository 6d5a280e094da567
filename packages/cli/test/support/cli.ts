import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type RunSummary, runSummarySchema } from '@lockstep/coordinator'
import { hasSystemCode } from '@lockstep/protocol'
import { afterAll } from 'vitest'

export const mainFile = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const strikeModule = new URL('strike.mjs', import.meta.url).href

const running = new Set<ChildProcess>()
// Processes left over by failed tests.
afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
})

export type Ending = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** The command line in a separate process. */
export type RunningCli = {
  readonly child: ChildProcess
  readonly ending: Promise<Ending>
  /** Resolves with the match once the output of the process matches; rejects if the process ends before. */
  readonly printed: (pattern: RegExp) => Promise<RegExpMatchArray>
}

/** Starts the command line, after the words of `wrap` (such as `prlimit --nofile=100`). */
export function startCli(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  wrap: readonly string[] = [],
): RunningCli {
  const [command, ...words] = [...wrap, process.execPath, mainFile, ...args]
  const child = spawn(command!, words, {
    env: { ...process.env, NO_COLOR: '1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const text = { stdout: '', stderr: '' }
  let wake: () => void = () => undefined
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', chunk => {
      text[name] += chunk
      wake()
    })
  }
  const ending = new Promise<Ending>(resolve => {
    child.once('close', code => {
      running.delete(child)
      resolve({ code, ...text })
      wake()
    })
  })
  return { child, ending, printed }

  async function printed(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const match = `${text.stdout}${text.stderr}`.match(pattern)
      if (match !== null) return match
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`ended without ${pattern}:\n${text.stdout}${text.stderr}`)
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
  }
}

export function runCli(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ending> {
  return startCli(args, environment).ending
}

export async function readSummary(folder: string): Promise<RunSummary> {
  return runSummarySchema.parse(JSON.parse(await readFile(join(folder, 'summary.json'), 'utf8')))
}

/**
 * The environment of a `train` process that sends a signal as soon as its output matches. A test on a busy machine
 * would react only after a run of a few steps has ended.
 */
export function strikeAt(
  pattern: RegExp,
  signal: NodeJS.Signals,
  whom: 'itself' | 'a worker' | 'all workers',
): Readonly<Record<string, string>> {
  return {
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${strikeModule}`,
    LOCKSTEP_TEST_STRIKE: JSON.stringify({ at: pattern.source, signal, whom }),
  }
}

/** Trains into a folder, interrupts the run after its first epoch, and resumes it with another number of workers. */
export async function interruptAndResume(
  line: readonly string[],
  { place, dataDir, workers }: { readonly place: string; readonly dataDir: string; readonly workers: string },
): Promise<{ readonly interrupted: Ending; readonly resumed: Ending }> {
  const interrupted = await runCli([...line, '--run-dir', place], strikeAt(/epoch 1\//, 'SIGINT', 'itself'))
  const resumed = await runCli(['train', '--resume', place, '--data-dir', dataDir, '--workers', workers, '--offline'])
  return { interrupted, resumed }
}

/** The worker processes that a `train` process has started (from /proc). */
export async function localWorkersOf(parent: ChildProcess): Promise<readonly number[]> {
  const children = await readFile(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8')
  return (children.match(/\d+/g) ?? []).map(Number)
}

/** How many of the first workers stayed to the end of a run. The replacement of a dead worker may join too late. */
export function countStayed({ perWorker }: RunSummary, first: number): number {
  return perWorker.slice(0, first).filter(({ outcome }) => outcome === 'stayed to the end').length
}

export function isAlive(id: number): boolean {
  try {
    process.kill(id, 0)
    return true
  } catch (error) {
    if (hasSystemCode(error, 'ESRCH')) return false
    throw error
  }
}

/** Resolves when none of the processes exists any more; otherwise the test times out. */
export async function waitUntilGone(ids: readonly number[]): Promise<void> {
  while (ids.some(isAlive)) await delay(20)
}
