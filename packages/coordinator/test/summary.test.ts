import { describe, expect, test } from 'vitest'
import { type Member, newMember } from '../src/membership/member.ts'
import { runSummarySchema } from '../src/metrics.ts'
import { type SummaryFacts, summarizeRun, summaryFacts } from '../src/summary.ts'
import { epochWith } from './support/epoch-metrics.ts'
import { createFakePeer } from './support/fake-peer.ts'
import { tinyPlan, tinyState } from './support/tiny-plan.ts'

const facts: SummaryFacts = {
  run: 'first',
  runId: 'r',
  dataset: 'synthetic',
  dataSource: 'embedded',
  model: 'reference',
  parameters: 21,
  trainSamples: 33,
  validationSamples: 9,
  testSamples: 12,
  batchSize: 10,
  shards: 4,
  precision: 'float32',
  compress: 'none',
  engine: 'eager',
  seed: 1,
}
const outcome = {
  status: 'completed',
  test: { loss: 1, accuracy: 0.5 },
  audit: { fraction: 0.5, compared: 7, alone: 1 },
  phases: null,
  weightsSha256: 'ab'.repeat(32),
} as const
const connection = createFakePeer().connect({ onMessage: () => undefined, onClose: () => undefined })

const member = (id: number, backend: string, changes: Partial<Member> = {}): Member => ({
  ...newMember('here', 0),
  connection,
  facts: { id, name: `w${id}`, host: 'h', device: 'cpu', cores: 2, backend },
  active: true,
  samples: 10 * id,
  shards: id,
  ...changes,
})

describe('a summary', () => {
  test('gives the numbers of training, validation and test samples', () => {
    const counts = { trainSamples: 33, validationSamples: 9, testSamples: 12 }
    expect(summaryFacts('run', tinyPlan({ validationSplit: 0.2 }))).toMatchObject(counts)
    expect(summaryFacts('run', tinyPlan({ validationSplit: 0 }))).toMatchObject({ ...counts, validationSamples: 0 })
  })

  test('holds the figures of the last and the best epoch and of each worker', () => {
    const state = tinyState()
    state.step = 12
    const losses = [3, 1, 2]
    state.history = {
      epochs: losses.map((validationLoss, index) => epochWith(index + 1, { validationLoss })),
      trainSeconds: 4,
      measuredSamples: 500,
      measuredSeconds: 2,
    }
    // From before its last start.
    state.history.backends = ['WebAssembly SIMD']
    const gone = { gone: true, cause: 'silent', outcome: 'silent for 2.0 s' } as const
    const members = [member(1, 'TensorFlow'), member(2, 'wasm', { ...gone, refused: 3 }), member(3, 'TensorFlow')]
    const summary = summarizeRun(facts, state, members, outcome)
    expect(runSummarySchema.parse(summary)).toEqual(summary)
    const figures = { trainLoss: 1, trainAccuracy: 0.5, validationAccuracy: 0.25 }
    // 500 samples in 2 s
    expect(summary).toMatchObject({ ...facts, ...outcome, epochs: 3, steps: 12, workers: 3, imagesPerSecond: 250 })
    expect(summary.final).toEqual({ ...figures, validationLoss: 2 })
    // Four steps an epoch.
    expect(summary.best).toEqual({ ...figures, epoch: 2, step: 8, validationLoss: 1 })
    expect([summary.backends, summary.mixedBackends]).toEqual([['WebAssembly SIMD', 'TensorFlow', 'wasm'], true])
    expect(summary.perWorker.map(({ backend }) => backend)).toEqual(['TensorFlow', 'wasm', 'TensorFlow'])
    expect(
      summary.perWorker.map(({ id, samples, shards, refused, cause, outcome }) => [
        ...[id, samples, shards, refused],
        ...[cause, outcome],
      ]),
    ).toEqual([
      [1, 10, 1, 0, null, 'stayed to the end'],
      [2, 20, 2, 3, 'silent', 'silent for 2.0 s'],
      [3, 30, 3, 0, null, 'stayed to the end'],
    ])
  })

  test('of a run without an epoch, a test or a measured step has null for them', () => {
    const summary = summarizeRun(facts, tinyState(), [], { ...outcome, status: 'interrupted', test: null })
    expect(runSummarySchema.parse(summary)).toEqual(summary)
    const nothing = { final: null, best: null, test: null, imagesPerSecond: null, epochs: 0, perWorker: [] }
    expect(summary).toMatchObject(nothing)
  })

  test('of an earlier version gets defaults for the fields that it lacks', () => {
    const { compress, audit, phases, ...rest } = summarizeRun(facts, tinyState(), [member(1, 'wasm')], outcome)
    const perWorker = rest.perWorker.map(({ refused, cause, ...worker }) => worker)
    const unknown = { compress: 'none', audit: null, phases: null }
    expect(runSummarySchema.parse({ ...rest, perWorker })).toEqual({
      ...rest,
      ...unknown,
      perWorker: perWorker.map(worker => ({ ...worker, refused: 0, cause: null })),
    })
  })
})
