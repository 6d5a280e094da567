import { randomUUID } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkpointName } from '@lockstep/coordinator'
import { afterAll, expect, test } from 'vitest'
import { readSummary, runCli } from '../support/cli.ts'

const folder = join(tmpdir(), `lockstep-best-${randomUUID()}`)
afterAll(() => rm(folder, { recursive: true, force: true }))

// The learning rate is far too high, so the validation loss is lowest after the first epoch, of 5 steps.
const size = [
  '--dataset',
  'synthetic',
  '--limit-train',
  '60',
  '--limit-test',
  '20',
  '--batch-size',
  '10',
  '--keep',
  '1',
]
const line = ['train', ...size, '--optimizer', 'sgd', '--learning-rate', '0.3', '--engine', 'eager', '--workers', '1']
const long = join(folder, 'long')
const short = join(folder, 'short')

async function ran(...args: readonly string[]) {
  const ended = await runCli([...args, '--offline'])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return ended
}

/** Exports these weights of a run as safetensors; returns the metadata in the file. */
async function exported(run: string, weights: 'last' | 'best') {
  const out = join(folder, `${randomUUID()}.safetensors`)
  const { stderr } = await ran('export', run, '--format', 'safetensors', '--weights', weights, '--out', out)
  const bytes = await readFile(out)
  const header = bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0)))
  return { stderr, metadata: JSON.parse(header.toString()).__metadata__ }
}

test('the weights of the best epoch survive --keep and equal those of a run that ends with that epoch', async () => {
  const { stdout } = await ran(...line, '--epochs', '4', '--run-dir', long)
  const summary = await readSummary(long)
  expect(summary.best).toMatchObject({ epoch: 1, step: 5 })
  expect(await readdir(join(long, 'checkpoints'))).toEqual([checkpointName(5), checkpointName(20)])
  expect(stdout).toMatch(
    /^best epoch +1: .*\n +for its weights: --weights best; the lines below are of the last weights$/m,
  )
  expect(stdout).toContain(`pnpm cli evaluate ${long} --weights best\n`)

  await ran(...line, '--epochs', '1', '--run-dir', short)
  const { weightsSha256, test: tested } = await readSummary(short)
  const best = await exported(long, 'best')
  expect(best.metadata).toMatchObject({ weights: 'best', step: '5', weightsSha256 })
  expect(best.stderr).toMatch(/^from checkpoint of step 5, the end of epoch 1$/m)
  const last = await exported(long, 'last')
  expect(last.metadata).toMatchObject({ weights: 'last', step: '20', weightsSha256: summary.weightsSha256 })
  const report = await ran('evaluate', long, '--weights', 'best', '--json')
  expect(JSON.parse(report.stdout)).toMatchObject(tested!)
})

test('a resumed run keeps its best epoch and reaches the same weights', async () => {
  const { weightsSha256 } = await readSummary(short)
  const { stdout } = await ran('train', '--resume', short, '--epochs', '4', '--workers', '1', '--keep', '1')
  expect(stdout).toContain(`pnpm cli evaluate ${short} --weights best\n`)
  expect((await readSummary(short)).weightsSha256).toBe((await readSummary(long)).weightsSha256)
  expect((await exported(short, 'best')).metadata).toMatchObject({ weights: 'best', weightsSha256 })
})

test('the metadata of a model says which weights it has', async () => {
  const out = join(folder, 'tfjs')
  await ran('export', long, '--format', 'tfjs', '--weights', 'best', '--out', out)
  const metadataIn = async (place: string) =>
    JSON.parse(await readFile(join(place, 'model.json'), 'utf8')).userDefinedMetadata
  expect(await metadataIn(join(long, 'model'))).toMatchObject({ weights: 'last', step: 20 })
  expect(await metadataIn(out)).toMatchObject({ weights: 'best', step: 5 })
})

test('a run whose last epoch is its best does not offer --weights', async () => {
  const run = join(folder, 'one-epoch')
  const { stdout } = await ran(...line, '--epochs', '1', '--run-dir', run)
  expect(stdout).toMatch(/^best epoch +1: /m)
  expect(stdout).not.toContain('--weights')
  expect((await exported(run, 'best')).metadata.weightsSha256).toBe((await readSummary(run)).weightsSha256)
})

test('the best weights of a run without validation set are a usage error', async () => {
  const run = join(folder, 'unvalidated')
  await ran(...line, '--epochs', '1', '--validation-split', '0', '--run-dir', run)
  const ended = await runCli(['evaluate', run, '--weights', 'best', '--offline'])
  expect(ended.code).toBe(2)
  expect(ended.stderr).toContain(
    `${run} has no best epoch: it was trained without a validation set\n  Use \`--weights last\`.`,
  )
})
