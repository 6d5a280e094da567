import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Checkpoint } from '@lockstep/model'
import { expect, onTestFinished, test } from 'vitest'
import { findCheckpoint } from '../../src/checkpoints/newest-checkpoint.ts'
import { temporaryFolder } from '../support/folder.ts'

const writer = fileURLToPath(new URL('../support/write-checkpoints.mjs', import.meta.url))

type Writer = {
  readonly child: ChildProcess
  readonly ended: Promise<unknown>
  readonly lines: readonly string[]
  /** Resolves with the next line. */
  readonly line: () => Promise<unknown>
}

/** A writer that has loaded all that it needs and waits. */
async function startWriter(...folder: readonly string[]): Promise<Writer> {
  const child = spawn(process.execPath, [writer, ...folder], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'close')
  const lines: string[] = []
  const output = createInterface({ input: child.stdout })
  const line = () => once(output, 'line')
  await line()
  output.on('line', text => lines.push(text))
  return { child, ended, lines, line }
}

async function write({ child, ended }: Writer, steps: number): Promise<void> {
  child.stdin!.end(`${steps}\n`)
  expect(await ended).toEqual([0, null])
}

/** `STEP SHA256` of the newest checkpoint; null where the run has not begun. */
async function newestIn(path: string): Promise<string | null> {
  if (!existsSync(join(path, 'config.json'))) return null
  const { checkpoint, unusable } = await findCheckpoint(path, { runId: 'written' })
  expect(unusable).toEqual([])
  return `${checkpoint.step} ${sha256(checkpoint)}`
}

function sha256({ weights, optimizer }: Checkpoint): string {
  const hash = createHash('sha256')
  for (const vector of [weights, ...optimizer.moments]) hash.update(new Uint8Array(vector.buffer))
  return hash.digest('hex')
}

test('a process killed while writing checkpoints leaves a correct one that is no older than reported', async () => {
  const path = join(await temporaryFolder(), 'run')
  const found: string[] = []
  // Killed while it opens the folder, and while it writes: this many milliseconds after this many checkpoints.
  for (const [saves, ms] of [
    [0, 3],
    [1, 0],
    [3, 2],
    [6, 5],
    [10, 10],
  ] as const) {
    const life = await startWriter(path)
    life.child.stdin!.on('error', () => undefined).end('1000000\n')
    while (savesOf(life).length < saves) await life.line()
    await delay(ms)
    life.child.kill('SIGKILL')
    await life.ended
    const newest = await newestIn(path)
    const saved = savesOf(life).at(-1)?.split(' ')[1]
    expect(stepOf(newest)).toBeGreaterThanOrEqual(Math.max(Number(saved ?? 0), stepOf(found.at(-1) ?? null)))
    if (newest !== null) found.push(newest)
  }
  const steps = stepOf(found.at(-1) ?? null) + 5
  await write(await startWriter(path), steps)
  const undisturbed = await startWriter()
  await write(undisturbed, steps)
  for (const state of [...found, (await newestIn(path))!]) expect(undisturbed.lines).toContain(state)

  const lines = (await readFile(join(path, 'metrics.jsonl'), 'utf8')).trimEnd().split('\n')
  const expected = Array.from({ length: steps }, (_, index) => index + 1).flatMap(step =>
    step % 4 === 0 ? [`step ${step}`, `epoch ${step}`] : [`step ${step}`],
  )
  expect(lines.map(line => JSON.parse(line)).map(({ type, step }) => `${type} ${step}`)).toEqual(expected)
})

function savesOf({ lines }: Writer): readonly string[] {
  return lines.filter(line => line.startsWith('saved '))
}

function stepOf(state: string | null): number {
  return Number(state?.split(' ')[0] ?? 0)
}
