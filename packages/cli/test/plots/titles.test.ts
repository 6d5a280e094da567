import { expect, test } from 'vitest'
import { circumstancesOf, subjectOf } from '../../src/plots/titles.ts'
import { exampleConfig, exampleEpochs, exampleSummary } from '../runs/example-runs.ts'

test.each([
  ['reference', 'cifar10', 'reference net on CIFAR-10'],
  ['resnet20', 'cifar100', 'resnet20 on CIFAR-100'],
  ['mobilenet', 'synthetic', 'mobilenet on the synthetic set'],
  ['/somewhere/wide.ts', 'other', 'wide net on other'],
])('the subject of %s on %s is "%s"', (model, dataset, subject) => {
  expect(subjectOf({ config: { ...exampleConfig, model, dataset } })).toBe(subject)
})

const epochs = exampleEpochs(2)
const record = { folder: 'runs/a', name: 'a', createdAt: new Date(), config: exampleConfig, epochs, notices: [] }

test.each([
  ['completed', 'a · batch 50 · Adam 0.001 · 1 worker'],
  ['stopped early', 'a · batch 50 · Adam 0.001 · 1 worker · stopped early'],
  ['interrupted', 'a · batch 50 · Adam 0.001 · 1 worker · interrupted'],
] as const)('the circumstances of a run that is %s are %s', (status, circumstances) => {
  const summary = exampleSummary(epochs, { status, workers: 1, test: null })
  expect(circumstancesOf({ ...record, summary, state: status })).toBe(circumstances)
})
