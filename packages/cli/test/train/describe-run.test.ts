import { expect, test } from 'vitest'
import { launchDefaults } from '../../src/flags/launch-options.ts'
import { describeEnd } from '../../src/train/describe-run.ts'
import { exampleEpochs, exampleSummary } from '../runs/example-runs.ts'

test('the end of a run says what came out, and what may follow', () => {
  const settings = { launch: { ...launchDefaults, dataDir: 'cifar' }, config: {} }
  const summary = exampleSummary(exampleEpochs(1), { steps: 1, trainSeconds: 2 })
  const request = { settings, resume: null, hasLocalWorkers: true }
  const lines = describeEnd({ summary, folder: 'runs/a', request }, true).split('\n')
  expect(lines).toContain('completed      1 epoch, 1 step in 2 s, 2,912 images/s')
  expect(lines).toContain('plots          runs/a/plots')
  expect(lines).toContain('next           pnpm cli evaluate runs/a --data-dir cifar')
})
