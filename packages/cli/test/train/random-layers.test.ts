import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RunSummary } from '@lockstep/coordinator'
import { cifar10, synthesizeCifar } from '@lockstep/data'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSummary, runCli, startCli } from '../support/cli.ts'

/** With batch normalization and dropout. */
const model = fileURLToPath(new URL('../../../../examples/models/wide-net.ts', import.meta.url))
// 248 of 310 samples train: 4 batches of 50 and one of 48, in 4 shards of 12 or 13.
const size = ['--limit-train', '310', '--limit-test', '60', '--epochs', '2', '--shards', '4', '--offline']

describe('with dropout, batch normalization, augmentation, decay and a schedule', () => {
  let folder = ''
  let run: readonly string[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-random-'))
    await synthesizeCifar({ format: cifar10, folder, seed: 1 })
    const recipe = ['--augment', '--weight-decay', '0.001', '--schedule', 'cosine', '--label-smoothing', '0.1']
    run = ['train', '--dataset', 'cifar10', '--data-dir', folder, '--model', model, ...recipe, ...size]
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function trained(name: string, ...args: readonly string[]): Promise<RunSummary> {
    const ended = await runCli([...run, ...args, '--run-dir', join(folder, name)])
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    return readSummary(join(folder, name))
  }

  test.each(['float32', 'bfloat16'])('in %s the weights do not depend on the workers', async precision => {
    const summaries: RunSummary[] = []
    for (const workers of ['1', '2', '4']) {
      summaries.push(await trained(`${precision}-${workers}`, '--precision', precision, '--workers', workers))
    }
    expect(new Set(summaries.map(({ weightsSha256 }) => weightsSha256)).size).toBe(1)
    expect(new Set(summaries.map(({ test }) => test!.loss)).size).toBe(1)
  })

  test('nor on an interruption in the middle of an epoch', async () => {
    const undisturbed = await trained('undisturbed', '--workers', '1')
    const place = join(folder, 'interrupted')
    const cli = startCli([...run, '--workers', '2', '--run-dir', place])
    await cli.printed(/epoch 1\/2/)
    cli.child.kill('SIGINT')
    expect((await cli.ending).code).toBe(130)
    const resumed = await runCli(['train', '--resume', place, '--data-dir', folder, '--workers', '3', '--offline'])
    expect(resumed.code, resumed.stderr).toBe(0)
    expect((await readSummary(place)).weightsSha256).toBe(undisturbed.weightsSha256)
  })

  test('but they depend on the seed, which draws what is dropped and how images are varied', async () => {
    const [first, second] = [await trained('seed-1', '--workers', '1'), await trained('seed-2', '--seed', '2')]
    expect(second.weightsSha256).not.toBe(first.weightsSha256)
  })
})
