import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RunSummary } from '@lockstep/coordinator'
import { beforeAll, describe, expect, test } from 'vitest'
import { interruptAndResume, readSummary, startCli, strikeAt } from '../support/cli.ts'
import { useSmallRuns } from '../support/small-runs.ts'

/** With batch normalization and dropout. */
const model = fileURLToPath(new URL('../../../../examples/models/wide-net.ts', import.meta.url))

describe('with dropout, batch normalization, augmentation, decay and a schedule', () => {
  const { folder, line, trained } = useSmallRuns()
  const recipe = ['--augment', '--weight-decay', '0.001', '--schedule', 'cosine', '--label-smoothing', '0.1']
  const run = [...line, '--epochs', '6', '--shards', '4', '--model', model, ...recipe]
  let undisturbed: RunSummary

  beforeAll(async () => {
    undisturbed = await trained('undisturbed', [...run, '--workers', '1'])
  })

  test.each(['float32', 'bfloat16'])('the weights in %s do not depend on the number of workers', async precision => {
    const summaries: RunSummary[] = []
    for (const workers of ['1', '2', '4']) {
      summaries.push(await trained(`${precision}-${workers}`, [...run, '--precision', precision, '--workers', workers]))
    }
    expect(new Set(summaries.map(({ weightsSha256 }) => weightsSha256)).size).toBe(1)
    expect(new Set(summaries.map(({ test }) => test!.loss)).size).toBe(1)
  })

  test('the weights do not depend on an interruption', async () => {
    const place = join(folder, 'interrupted')
    const two = [...run, '--workers', '2']
    const { interrupted, resumed } = await interruptAndResume(two, { place, dataDir: folder, workers: '3' })
    expect(interrupted.code).toBe(130)
    expect(resumed.code, resumed.stderr).toBe(0)
    expect((await readSummary(place)).weightsSha256).toBe(undisturbed.weightsSha256)
  })

  test('the weights do not depend on workers that are killed and others that join later', async () => {
    const tokenFile = join(folder, 'token')
    await writeFile(tokenFile, 'a token of more than sixteen characters\n')
    const place = join(folder, 'killed')
    const strike = strikeAt(/epoch 1\/6/, 'SIGKILL', 'all workers')
    const cli = startCli([...run, '--workers', '2', '--token-file', tokenFile, '--run-dir', place], strike)
    const [, url] = await cli.printed(/listening on (ws:\S+)[\s\S]*epoch 1\/6/)
    const late = startCli(['worker', '--connect', url!, '--token-file', tokenFile, '--name', 'late', '--offline'])
    expect((await cli.ending).code).toBe(0)
    expect((await late.ending).code).toBe(0)
    const { weightsSha256, perWorker } = await readSummary(place)
    expect(weightsSha256).toBe(undisturbed.weightsSha256)
    // The first two were killed. Their replacements and the one that joins come in any order.
    const [first, second, ...others] = perWorker
    expect([first, second].map(worker => worker!.outcome === 'stayed to the end')).toEqual([false, false])
    expect(others.map(({ outcome }) => outcome)).toEqual(others.map(() => 'stayed to the end'))
    expect(others.reduce((sum, { samples }) => sum + samples, 0)).toBeGreaterThan(0)
  })

  test('the weights change without augmentation', async () => {
    const plain = run.filter(word => word !== '--augment')
    expect((await trained('plain', [...plain, '--workers', '1'])).weightsSha256).not.toBe(undisturbed.weightsSha256)
  })
})
