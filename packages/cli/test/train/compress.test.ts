import { join } from 'node:path'
import type { RunSummary } from '@lockstep/coordinator'
import { beforeAll, expect, test } from 'vitest'
import { countStayed, interruptAndResume, readSummary, runCli, strikeAt } from '../support/cli.ts'
import { useSmallRuns } from '../support/small-runs.ts'

const { folder, line, trained } = useSmallRuns()
// Shards of 16 or 17 samples, so that no mean of shards is exact.
const run = [...line, '--epochs', '2', '--shards', '3', '--compress', 'bfloat16']
let undisturbed: RunSummary

beforeAll(async () => {
  undisturbed = await trained('one', [...run, '--workers', '1'])
})

test.each([
  { workers: '2', arithmetic: 'wasm' },
  { workers: '3', arithmetic: 'plain' },
])('compressed gradients give the same weights with $workers workers in $arithmetic arithmetic', async way => {
  const args = [...run, '--workers', way.workers]
  const { compress, weightsSha256 } = await trained(way.arithmetic, args, { LOCKSTEP_ARITHMETIC: way.arithmetic })
  expect({ compress, weightsSha256 }).toEqual({ compress: 'bfloat16', weightsSha256: undisturbed.weightsSha256 })
})

test('compressed gradients give the same weights if a worker is killed', async () => {
  const strike = strikeAt(/epoch 1\/2/, 'SIGKILL', 'a worker')
  const summary = await trained('killed', [...run, '--workers', '3'], strike)
  expect(summary.weightsSha256).toBe(undisturbed.weightsSha256)
  expect(countStayed(summary, 3)).toBe(2)
})

test('compressed gradients give the same weights if the run is interrupted and resumed', async () => {
  const place = join(folder, 'interrupted')
  const alone = [...run, '--workers', '1']
  const { interrupted, resumed } = await interruptAndResume(alone, { place, dataDir: folder, workers: '2' })
  expect(interrupted.code).toBe(130)
  expect(resumed.code, resumed.stderr).toBe(0)
  expect((await readSummary(place)).weightsSha256).toBe(undisturbed.weightsSha256)
})

test('uncompressed gradients give other weights, and a resumed run cannot change its compression', async () => {
  const exact = await trained('exact', [...run, '--workers', '1', '--compress', 'none'])
  expect(exact.compress).toBe('none')
  expect(exact.weightsSha256).not.toBe(undisturbed.weightsSha256)
  // Rounding errors of at most one part in 128 that cancel on average hardly change the loss of ten steps.
  expect(exact.final!.trainLoss / undisturbed.final!.trainLoss).toBeCloseTo(1, 1)
  const changed = await runCli(['train', '--resume', join(folder, 'exact'), '--compress', 'bfloat16', '--epochs', '3'])
  expect(changed).toMatchObject({ code: 2, stderr: expect.stringContaining('--compress cannot change') })
})
