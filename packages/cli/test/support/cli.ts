import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type RunSummary, runSummarySchema } from '@lockstep/coordinator'
import { hasSystemCode } from '@lockstep/protocol'

export const mainFile = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export type Ending = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** The command line as a process of its own. */
export type RunningCli = {
  readonly child: ChildProcess
  readonly ending: Promise<Ending>
  /** Resolves with the match when what the process has printed matches; rejects when it ends before. */
  readonly printed: (pattern: RegExp) => Promise<RegExpMatchArray>
}

/** `wrap` stands before the command line, such as `prlimit --nofile=100`. */
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

/** Trains into a folder, interrupts the run in its second epoch, and resumes it with so many workers. */
export async function interruptAndResume(
  line: readonly string[],
  { place, dataDir, workers }: { readonly place: string; readonly dataDir: string; readonly workers: string },
): Promise<{ readonly interrupted: Ending; readonly resumed: Ending }> {
  const cli = startCli([...line, '--run-dir', place])
  await cli.printed(/epoch 1\/2/)
  cli.child.kill('SIGINT')
  const interrupted = await cli.ending
  const resumed = await runCli(['train', '--resume', place, '--data-dir', dataDir, '--workers', workers, '--offline'])
  return { interrupted, resumed }
}

/** The worker processes that a `train` process has started (from /proc). */
export async function localWorkersOf(parent: ChildProcess): Promise<readonly number[]> {
  const children = await readFile(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8')
  return children.trim().split(' ').map(Number)
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

/** Resolves when none of the processes is there any more; the test's own limit ends a wait in vain. */
export async function waitUntilGone(ids: readonly number[]): Promise<void> {
  while (ids.some(isAlive)) await delay(20)
}
