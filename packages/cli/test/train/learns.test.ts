import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryFolder } from '../runs/example-runs.ts'
import { readSummary, runCli } from '../support/cli.ts'

// The embedded set: 90 % within 5 epochs. CIFAR-10, if available: Keras has a validation accuracy of 0.50 after one.
const embedded = { dataset: 'synthetic', epochs: 5, atLeast: 0.9 }
const cifar10 = { dataset: 'cifar10', epochs: 1, atLeast: 0.48 }
const dataSets = process.env.LOCKSTEP_DATA_DIR === undefined ? [embedded] : [embedded, cifar10]

test.each(dataSets)(
  'the reference net learns $dataset in $epochs epochs',
  async ({ dataset, epochs, atLeast }) => {
    const place = join(await makeTemporaryFolder(), 'run')
    const flags = ['--dataset', dataset, '--epochs', String(epochs), '--workers', '2', '--offline']
    const ended = await runCli(['train', ...flags, '--run-dir', place])
    expect(ended.code, ended.stderr).toBe(0)
    const { best, test: tested } = await readSummary(place)
    expect(best!.validationAccuracy).toBeGreaterThanOrEqual(atLeast)
    expect(tested!.accuracy).toBeGreaterThanOrEqual(atLeast - 0.02)
  },
  600_000,
)
