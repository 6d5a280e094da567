import { PassThrough } from 'node:stream'
import type { CoordinatorEvent, EpochMetrics } from '@lockstep/coordinator'
import { expect, test } from 'vitest'
import { createJsonReporter } from '../../src/train/json-reporter.ts'

function tell(events: readonly CoordinatorEvent[], options: { readonly steps: boolean }) {
  const stream = new PassThrough()
  const reporter = createJsonReporter(stream, options)
  for (const event of events) reporter.event(event)
  const text = String(stream.read() ?? '')
  return text
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line))
}

const step = (number: number): CoordinatorEvent => {
  const progress = { epoch: 1, batch: number, batches: 9, step: number, samples: 50 * number, active: 2 }
  return { type: 'step', ...progress, loss: 2, accuracy: 0.1 }
}
const epoch = (number: number): CoordinatorEvent => ({
  type: 'epoch',
  metrics: { type: 'epoch', epoch: number } as EpochMetrics,
})
const checkpoint = (number: number): CoordinatorEvent => ({ type: 'checkpoint', path: 'there', step: number })

test('steps are written only on request, and repeated ones as step-again', () => {
  const events = [step(1), step(2), step(3), step(2), step(3), step(4)]
  expect(tell(events, { steps: true }).map(line => [line.type, line.step])).toEqual([
    ['step', 1],
    ['step', 2],
    ['step', 3],
    ['step-again', 2],
    ['step-again', 3],
    ['step', 4],
  ])
  expect(tell([...events, checkpoint(4)], { steps: false })).toEqual([checkpoint(4)])
})

test('an epoch that ends again is written once', () => {
  expect(tell([epoch(1), epoch(2), epoch(2), epoch(3)], { steps: false }).map(line => line.epoch)).toEqual([1, 2, 3])
})
