import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { RunSummary } from '@lockstep/coordinator'
import { beforeAll, describe, expect, test } from 'vitest'
import { readSummary, startCli } from '../support/cli.ts'
import { useSmallRuns } from '../support/small-runs.ts'

const token = 'a token of more than sixteen characters'
const flippingWorker = fileURLToPath(new URL('../support/flipping-worker.mjs', import.meta.url))

type Told = {
  readonly computed: number
  /** In the order of its answers. */
  readonly flips: readonly { readonly step: number; readonly shard: number }[]
  readonly reason: string
  readonly end: string
}

describe('a worker that flips a bit of its gradients', () => {
  const { folder, line, trained } = useSmallRuns()
  const run = [...line, '--epochs', '6', '--shards', '4', '--topology', 'star']
  let undisturbed: RunSummary

  beforeAll(async () => {
    await writeFile(join(folder, 'token'), token)
    undisturbed = await trained('undisturbed', [...run, '--workers', '2'])
  })

  /** Trains with two correct workers and a wrong one, for which the run waits. */
  async function trainedWithWrong(name: string, audit: number, wrong: object) {
    const place = join(folder, name)
    const reach = ['--workers', '2', '--min-workers', '3', '--token-file', join(folder, 'token')]
    const cli = startCli([...run, ...reach, '--audit', String(audit), '--run-dir', place])
    const [, url] = await cli.printed(/listening on (ws:\/\/\S+)/)
    const order = JSON.stringify({ url, token, name: 'flipping', ...wrong })
    const worker = spawn(process.execPath, [flippingWorker, order], { stdio: ['ignore', 'pipe', 'ignore'] })
    const told = text(worker.stdout)
    const ended = once(worker, 'close')
    // The excluded worker must be replaced, because the run needs three.
    await cli.printed(/worker \d lost: flipping on \S+, excluded/)
    const other = startCli(['worker', '--connect', url!, '--token-file', join(folder, 'token'), '--name', 'other'])
    const { code, stdout } = await cli.ending
    expect([code, (await other.ending).code]).toEqual([0, 0])
    await ended
    return { place, stdout, summary: await readSummary(place), told: JSON.parse(await told) as Told }
  }

  test('is found if some shards are audited, and the weights are correct if its first wrong shard is audited', async () => {
    const { stdout, summary, told } = await trainedWithWrong('audited', 0.3, { fromStep: 3, audit: 0.3 })
    const { cause, outcome: reason } = summary.perWorker.find(({ name }) => name === 'flipping')!
    const [, shard, step] =
      /^excluded: its result for the gradient of shard (\d+) of step (\d+) differs from what two others computed$/.exec(
        reason,
      ) ?? []
    expect(summary.weightsSha256).toBe(undisturbed.weightsSha256)
    expect(cause).toBe('excluded')
    // Another of its shards in that step may have been compared before the first one.
    expect(Number(step)).toBe(told.flips[0]!.step)
    expect(told.flips).toContainEqual({ step: Number(step), shard: Number(shard) })
    expect(summary.perWorker.reduce((sum, { samples }) => sum + samples, 0)).toBe(6 * 248)
    expect(summary.audit).toMatchObject({ fraction: 0.3, alone: 0 })
    expect(stdout).toMatch(new RegExp(`worker \\d lost: flipping on \\S+, ${reason}; 2 active`))
    expect(stdout).toMatch(
      /\naudited +\d+ shards computed by two workers\nlost +worker \d \(flipping\), excluded: its result/,
    )
    expect(told.reason).toContain(reason)
    expect(told.end).toMatch(/refused this worker: flipping on \S+ is excluded from this run: its result/)
  })

  test('is found if all shards are audited, and the weights are correct', async () => {
    const { place, summary, told } = await trainedWithWrong('all', 1, { fromStep: 7 })
    expect(summary.weightsSha256).toBe(undisturbed.weightsSha256)
    expect(await readdir(place)).toContain('summary.json')
    const log = (await readFile(join(place, 'log.jsonl'), 'utf8')).trim().split('\n')
    const lost = log.map(line => JSON.parse(line)).filter(({ type }) => type === 'worker-lost')
    expect(lost).toMatchObject([{ worker: { name: 'flipping' }, cause: 'excluded' }])
    const [, step] = lost[0].reason.match(/^excluded: .* of step (\d+) /)
    expect(Number(step)).toBeGreaterThanOrEqual(told.flips[0]!.step)
  })
})
