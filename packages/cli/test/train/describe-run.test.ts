import type { RunSummary } from '@lockstep/coordinator'
import { expect, test } from 'vitest'
import { launchDefaults } from '../../src/flags/launch-options.ts'
import { describeEnd } from '../../src/train/describe-run.ts'
import { exampleEpochs, exampleSummary, withoutValidation } from '../runs/example-runs.ts'

const settings = { launch: { ...launchDefaults, dataDir: 'cifar' }, config: {} }
const request = { settings, resume: null, hasLocalWorkers: true }

/** The lines at the end of a run of one epoch in `runs/a` that has plots. */
function linesOf(changes: Partial<RunSummary>, epochs = exampleEpochs(1)): readonly string[] {
  return describeEnd({ summary: exampleSummary(epochs, changes), folder: 'runs/a', request }, true).split('\n')
}

test('the best epoch is shown by its validation loss, or by its training loss if nothing validated', () => {
  const bestOf = (epochs: ReturnType<typeof exampleEpochs>) =>
    linesOf({}, epochs).find(line => /^best epoch/.test(line))
  expect(bestOf(exampleEpochs(1))).toBe('best epoch     1: validation loss 1.4000, accuracy 0.5000')
  // 1.55 + 0.02 + 0.01 · sin 1.7 = 1.57992
  expect(bestOf(withoutValidation(exampleEpochs(1)))).toBe(
    'best epoch     1: training loss 1.5799, accuracy 0.4400; nothing validated',
  )
  expect(bestOf([])).toBeUndefined()
})

test('the end of a run shows its results and the next command', () => {
  const lines = linesOf({ steps: 1, trainSeconds: 2 })
  expect(lines).toContain('completed      1 epoch, 1 step in 2 s, 2,912 images/s')
  expect(lines).toContain('plots          runs/a/plots')
  expect(lines).toContain('next           pnpm cli evaluate runs/a --data-dir cifar')
})

test('the end of an interrupted run shows the command that resumes it, and no plots', () => {
  const lines = linesOf({ status: 'interrupted', steps: 0, epochs: 0, trainSeconds: 0, imagesPerSecond: null })
  expect(lines).toContain('interrupted    0 epochs, 0 steps in 0 s')
  expect(lines).toContain('next           pnpm cli train --resume runs/a --data-dir cifar')
  expect(lines.filter(line => line.startsWith('plots'))).toEqual([])
})

test('the end of a run shows audited shards, refused answers and excluded workers', () => {
  const worker = {
    host: 'here',
    device: 'cpu',
    backend: 'TensorFlow',
    samples: 9,
    shards: 1,
    refused: 0,
    cause: null,
    outcome: '',
  } as const
  const lines = linesOf({
    audit: { fraction: 0.5, compared: 1200, alone: 1 },
    perWorker: [
      { ...worker, id: 1, name: 'good' },
      { ...worker, id: 2, name: 'odd', refused: 2 },
      { ...worker, id: 3, name: 'false', cause: 'excluded', outcome: 'excluded: other bits' },
      { ...worker, id: 4, name: 'gone', cause: 'silent', outcome: 'silent for 2.0 s' },
    ],
  })
  expect(lines.filter(line => /^(audited|refused|lost)/.test(line))).toEqual([
    'audited        1,200 shards computed by two workers, 1 only once for lack of a second worker',
    'refused        worker 2 (odd): 2 answers',
    'lost           worker 3 (false), excluded: other bits',
  ])
})
