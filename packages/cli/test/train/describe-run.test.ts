import { expect, test } from 'vitest'
import { launchDefaults } from '../../src/flags/launch-options.ts'
import { describeEnd } from '../../src/train/describe-run.ts'
import { exampleEpochs, exampleSummary, withoutValidation } from '../runs/example-runs.ts'

test('the best epoch is told by what validated, or by the training where nothing did', () => {
  const request = { settings: { launch: launchDefaults, config: {} }, resume: null, hasLocalWorkers: true }
  const bestOf = (epochs: ReturnType<typeof exampleEpochs>) =>
    describeEnd({ summary: exampleSummary(epochs), folder: 'runs/a', request }, true).match(/^best epoch.*$/m)?.[0]
  expect(bestOf(exampleEpochs(1))).toBe('best epoch     1: validation loss 1.4000, accuracy 0.5000')
  // 1.55 + 0.02 + 0.01 · sin 1.7 = 1.57992
  expect(bestOf(withoutValidation(exampleEpochs(1)))).toBe(
    'best epoch     1: training loss 1.5799, accuracy 0.4400; nothing validated',
  )
  expect(bestOf([])).toBeUndefined()
})

test('the end of a run says what came out, and what may follow', () => {
  const settings = { launch: { ...launchDefaults, dataDir: 'cifar' }, config: {} }
  const summary = exampleSummary(exampleEpochs(1), { steps: 1, trainSeconds: 2 })
  const request = { settings, resume: null, hasLocalWorkers: true }
  const lines = describeEnd({ summary, folder: 'runs/a', request }, true).split('\n')
  expect(lines).toContain('completed      1 epoch, 1 step in 2 s, 2,912 images/s')
  expect(lines).toContain('plots          runs/a/plots')
  expect(lines).toContain('next           pnpm cli evaluate runs/a --data-dir cifar')
})
